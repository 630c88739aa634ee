//! `mock-idp serve --https`: what it says works for whoever trusts its authority, and for nobody else.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use mock_idp::Dialect;
use mock_idp::tls::{Authority, Identity};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::support::{Place, Serving};

/// Speaks TLS with what a file has trust in, by a name, offering these protocols. Gives the one that was chosen.
fn chosen(serving: &Serving, ca_file: &Path, name: &str, offered: &[&[u8]]) -> std::io::Result<Option<Vec<u8>>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca_file).expect("PEM")).expect("an authority");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = config.expect("versions").with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = offered.iter().map(|protocol| protocol.to_vec()).collect();
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a connection");
    let address = serving.value("issuer").strip_prefix("https://").expect("HTTPS");
    let mut stream = StreamOwned::new(connection, TcpStream::connect(address)?);
    stream.conn.complete_io(&mut stream.sock)?;
    Ok(stream.conn.alpn_protocol().map(<[u8]>::to_vec))
}

/// Runs curl and gives its exit code.
fn curl(arguments: &[&str]) -> Option<i32> {
    Command::new("curl").args(["--silent", "--output", "/dev/null"]).args(arguments).status().expect("curl").code()
}

#[test]
fn the_line_that_it_says_works_for_whoever_trusts_the_file() {
    let place = Place::new();
    place.write("ca file.pem", "an older one");
    let mut command = place.command("serve --https --ca-file");
    command.arg("ca file.pem");
    let serving = Serving::new(command);
    let file = place.path().canonicalize().expect("a folder").join("ca file.pem");
    assert_eq!(Path::new(serving.value("ca")).canonicalize().expect("there"), file);
    assert!(Path::new(serving.value("ca")).is_absolute(), "the line is pasted elsewhere: {:?}", serving.said);
    let token = serving.tried();
    assert_eq!(token["token_type"], "Bearer", "{token}");
    let text = std::fs::read_to_string(&file).expect("text");
    assert_eq!(text.matches("-----BEGIN CERTIFICATE-----").count(), 1);
    assert!(!text.contains("PRIVATE"), "its key stays in the process");
    assert_eq!(std::fs::read_dir(place.path()).expect("a folder").count(), 1, "nothing is left beside it");

    let ca_file = file.to_str().expect("text");
    for name in ["issuer", "discovery"] {
        assert!(serving.value(name).starts_with("https://127.0.0.1:"), "{:?}", serving.said);
    }
    assert_eq!(curl(&["--cacert", ca_file, serving.value("discovery")]), Some(0));
    assert_eq!(curl(&[serving.value("discovery")]), Some(60), "nobody else vouches for it");
    let plain = serving.value("issuer").replace("https:", "http:");
    assert_ne!(curl(&[&plain]), Some(0), "there is no HTTP");
    assert_eq!(curl(&[serving.value("control")]), Some(0), "the control stays as it is");
}

#[test]
fn either_http_is_spoken_by_each_of_this_machines_names() {
    let place = Place::new();
    let serving = place.serve("--https --ca-file ca.pem --no-admin");
    let file = place.path().join("ca.pem");
    for name in ["localhost", "127.0.0.1", "::1"] {
        for (offered, wanted) in [(&[b"h2".as_slice(), b"http/1.1"][..], "h2"), (&[b"http/1.1".as_slice()], "http/1.1")]
        {
            let chosen = chosen(&serving, &file, name, offered).expect("TLS");
            assert_eq!(chosen.as_deref(), Some(wanted.as_bytes()), "{name}");
        }
    }
    assert!(chosen(&serving, &file, "idp.test", &[b"h2"]).is_err(), "it has no such name");
}

#[test]
fn the_certificate_is_for_the_host_by_which_clients_call_it() {
    let place = Place::new();
    // It tells the origin only: so a port that was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let serving =
        place.serve(&format!("--port {free} --https --ca-file ca.pem --no-admin --origin https://idp.test:8443"));
    assert_eq!(serving.value("issuer"), "https://idp.test:8443");
    let file = place.path().join("ca.pem");
    let route = format!("idp.test:8443:127.0.0.1:{free}");
    let with_trust = ["--connect-to", &route, "--cacert", file.to_str().expect("text"), serving.value("discovery")];
    assert_eq!(curl(&with_trust), Some(0));
}

#[test]
fn without_a_place_for_it_the_file_is_a_temporary_one() {
    let place = Place::new();
    let serving = place.serve("--https --no-admin");
    let file = serving.value("ca").to_owned();
    assert_eq!(serving.tried()["token_type"], "Bearer");
    assert_eq!(std::fs::read_dir(place.path()).expect("a folder").count(), 0, "nothing appears where it was started");
    serving.interrupt("TERM");
    serving.ended().has_code(130);
    assert!(!Path::new(&file).exists(), "{file} is left");
}

#[test]
fn a_file_asks_for_https_with_paths_from_its_own_folder() {
    let place = Place::new();
    std::fs::create_dir(place.path().join("conf")).expect("a folder");
    place.write("conf/idp.yaml", "https: { ca_file: ca.pem }\n");
    let serving = place.serve("--config conf/idp.yaml");
    assert_eq!(serving.tried()["token_type"], "Bearer");
    assert!(place.path().join("conf/ca.pem").exists(), "{:?}", serving.said);
    drop(serving);
    let serving = place.serve("--config conf/idp.yaml --ca-file own.pem");
    assert_eq!(serving.tried()["token_type"], "Bearer", "the flag says otherwise");
    assert!(place.path().join("own.pem").exists(), "{:?}", serving.said);
    drop(serving);
    place.write("bare.yaml", "https:\n  # ca_file: ca.pem\n");
    assert!(place.serve("--config bare.yaml").value("issuer").starts_with("https:"), "the key alone asks for it");
}

#[test]
fn what_does_not_go_together_is_told_with_what_to_do() {
    let place = Place::new();
    place.write("plain.yaml", "clients: []\n");
    place.write("empty.yaml", "https:\n  ca_file: \"\"\n");
    for (arguments, told) in [
        ("--ca-file ca.pem", &["--ca-file is for HTTPS", "add --https"][..]),
        ("--config plain.yaml --ca-file ca.pem", &["add --https"]),
        ("--https --origin http://idp.test", &["begin --origin with https"]),
        ("--https --ca-file missing/ca.pem", &["cannot be written", "missing/ca.pem", "give --ca-file a path"]),
        ("--https --ca-file .", &["cannot be written", "give --ca-file a path"]),
        ("--config empty.yaml", &["empty.yaml:2:12", "no name of a file", "`ca.pem`"]),
    ] {
        let done = place.run(&format!("serve --no-admin {arguments}"));
        done.has_code(2).tells(told);
        assert!(done.out.is_empty(), "nothing is promised: {}", done.out);
    }
    assert!(!place.path().join("ca.pem").exists(), "nothing is written for a command that does not serve");
}

#[test]
fn the_line_works_with_each_dialect() {
    for dialect in Dialect::ALL {
        let place = Place::new();
        let serving = place.serve(&format!("--no-admin --https --dialect {dialect}"));
        assert!(serving.tried()["access_token"].is_string(), "{dialect}: {:?}", serving.said);
    }
}

#[test]
fn a_certificate_proves_its_client_if_the_files_authority_vouches_for_it() {
    let place = Place::new();
    let (authority, other) = (Authority::new("ours").expect("a name"), Authority::new("other").expect("a name"));
    let file = |pem: &str| {
        format!(
            "https:\n  ca_file: ca.pem\n  client_authorities: {}\nclients:\n  - {{ id: vouched, methods: \
             [tls_client_auth], tls_client_auth_san_dns: worker.example }}\n  - {{ id: own, methods: \
             [self_signed_tls_client_auth], certificates: {} }}\n",
            serde_json::Value::from(authority.certificate_pem()),
            serde_json::Value::from(pem)
        )
    };
    let own = Identity::self_signed("worker.example").expect("a certificate");
    place.write("idp.yaml", &file(&own.chain_pem()));
    let serving = place.serve_untried("--config idp.yaml --no-admin");
    let url = format!("{}/oauth2/token", serving.value("issuer"));
    let vouched = authority.client("worker.example").expect("a certificate");
    let foreign = other.client("worker.example").expect("a certificate");
    for (client, identity, error) in [
        ("vouched", &vouched, None),
        ("vouched", &foreign, Some("invalid_client")),
        ("vouched", &own, Some("invalid_client")),
        ("own", &own, None),
        ("own", &vouched, Some("invalid_client")),
    ] {
        place.write("cert.pem", &identity.chain_pem());
        place.write("key.pem", identity.key_pem().expose());
        let form = format!("client_id={client}&grant_type=client_credentials");
        let arguments = ["--silent", "--cacert", "ca.pem", "--cert", "cert.pem", "--key", "key.pem", "-d", &form, &url];
        let done = Command::new("curl").args(arguments).current_dir(place.path()).output().expect("curl");
        let reply: serde_json::Value = serde_json::from_slice(&done.stdout).expect("JSON");
        assert_eq!(reply["error"].as_str(), error, "{client}: {reply}");
        assert_eq!(reply["access_token"].is_string(), error.is_none(), "{client}: {reply}");
    }
    let plain =
        file(&own.chain_pem()).replace("https:\n  ca_file: ca.pem\n  client_authorities", "# client_authorities");
    place.write("plain.yaml", &plain.replace("vouched, methods: [tls_client_auth]", "vouched, methods: [none]"));
    place.run("serve --config plain.yaml").has_code(2).tells(&["`own`", "certificate", "--https"]);
}

/// A client that may show its secret in the form only.
#[test]
fn the_line_uses_a_method_that_the_client_may_use() {
    let place = Place::new();
    place.write(
        "idp.yaml",
        "clients:\n  - { id: app, methods: [none], grants: [authorization_code] }\n  - { id: posts & more, secret: \
         not-a-secret, methods: [client_secret_post] }\n",
    );
    let serving = place.serve("--config idp.yaml");
    assert!(serving.tried()["access_token"].is_string(), "{:?}", serving.said);
}

#[test]
fn a_request_without_tls_gets_no_reply() {
    let place = Place::new();
    let serving = place.serve("--https --no-admin");
    let address = serving.value("issuer").strip_prefix("https://").expect("HTTPS");
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut reply = Vec::new();
    // An alert or a reset: either way no HTTP.
    let _ = stream.read_to_end(&mut reply);
    assert!(!reply.starts_with(b"HTTP"), "{reply:?}");
}
