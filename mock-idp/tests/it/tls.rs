//! HTTPS, certificates of clients (RFC 8705), and faults on connections under TLS.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use mock_idp::misbehave::Rule;
use mock_idp::tls::{Authority, CertificateSubject, Identity, ServerTls};
use mock_idp::{AuthMethod, Client, Config, Endpoint, GrantType, Idp, KeySource, Listener, TokenFormat};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support;

const GRANT: &str = "grant_type=client_credentials&client_id=worker";

pub(crate) struct Secure {
    pub(crate) idp: Idp,
    pub(crate) address: SocketAddr,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Drop for Secure {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) async fn serve(config: Config) -> Secure {
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = socket.local_addr().expect("an address");
    let idp = Idp::new(Config { format: TokenFormat::Opaque, ..config });
    let tls = ServerTls::for_names(&["localhost", "127.0.0.1"]).expect("names");
    let listener = Listener::new("w1", format!("https://{address}"));
    let task = tokio::spawn({
        let idp = idp.clone();
        async move { idp.serve_tls(socket, listener, tls).await }
    });
    Secure { idp, address, task }
}

/// What a worker's TLS library has to know: the file with the authority.
fn trust(pem: &[u8]) -> rustls::RootCertStore {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem).expect("PEM")).expect("an authority");
    roots
}

impl Secure {
    pub(crate) async fn connect(
        &self,
        identity: Option<&Identity>,
        alpn: &[u8],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let roots = trust(Authority::of_process().certificate_pem().as_bytes());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        let mut config = match identity {
            Some(own) => builder.with_client_auth_cert(own.chain.clone(), own.key().expect("a key")).expect("a pair"),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![alpn.to_vec()];
        let socket = TcpStream::connect(self.address).await?;
        // Frames of HTTP/2 are small: each would wait until the one before was acknowledged.
        socket.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").expect("a name");
        TlsConnector::from(Arc::new(config)).connect(name, socket).await
    }

    async fn exchange(&self, identity: Option<&Identity>, path: &str, form: &str) -> (String, std::io::Result<()>) {
        let mut stream = self.connect(identity, b"http/1.1").await.expect("TLS");
        let method = if form.is_empty() { "GET" } else { "POST" };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: idp\r\nConnection: close\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
            form.len()
        );
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut bytes = Vec::new();
        let end = stream.read_to_end(&mut bytes).await.map(|_| ());
        (String::from_utf8(bytes).expect("text"), end)
    }

    async fn ask(&self, identity: Option<&Identity>, path: &str, form: &str) -> Value {
        let (text, end) = self.exchange(identity, path, form).await;
        end.expect("a whole reply");
        serde_json::from_str(text.split_once("\r\n\r\n").expect("a reply").1).expect("JSON")
    }
}

fn worker(method: AuthMethod) -> Client {
    Client::new("worker", "secret").methods([method])
}

#[tokio::test]
async fn a_worker_that_trusts_the_authoritys_file_speaks_either_http_over_tls() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("authority.pem");
    std::fs::write(&file, "an older one").expect("written");
    Authority::of_process().write_certificate(&file).expect("written");
    trust(&std::fs::read(&file).expect("readable"));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing is left beside it");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o644);
    }
    let served = serve(Config::default()).await;
    for alpn in [&b"h2"[..], b"http/1.1"] {
        let stream = served.connect(None, alpn).await.expect("TLS");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(alpn));
    }
    let metadata = served.ask(None, "/.well-known/openid-configuration", "").await;
    assert_eq!(metadata["token_endpoint"], format!("https://{}/oauth2/token", served.address));
    let methods = metadata["token_endpoint_auth_methods_supported"].to_string();
    assert!(methods.contains(r#""tls_client_auth""#) && methods.contains("self_signed_tls_client_auth"), "{methods}");
    assert_eq!(metadata["tls_client_certificate_bound_access_tokens"], true);
    let body = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&std::fs::read(&file).expect("readable")).expect("PEM")])
        .build()
        .expect("a client")
        .get(format!("https://{}/oauth2/jwks", served.address))
        .send()
        .await
        .expect("an independent client trusts it");
    assert_eq!(body.status(), 200);
    let stream = served.connect(None, b"h2").await.expect("TLS");
    let io = hyper_util::rt::TokioIo::new(stream);
    let runner = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(runner, io).await.expect("HTTP/2");
    tokio::spawn(connection);
    let request = http::Request::get(format!("https://{}/oauth2/jwks", served.address)).body(axum::body::Body::empty());
    let reply = sender.send_request(request.expect("a request")).await.expect("a reply");
    assert_eq!((reply.status().as_u16(), reply.version()), (200, http::Version::HTTP_2));
}

#[tokio::test]
async fn rfc8705_2_1_a_certificate_proves_the_client_if_its_authority_and_subject_are_right() {
    let authority = Authority::of_process();
    let own = authority.client("worker.example").expect("a certificate");
    let foreign = Authority::new("another").expect("an authority").client("worker.example").expect("a certificate");
    let itself = Identity::self_signed("worker.example").expect("a certificate");
    let other = authority.client("other.example").expect("a certificate");
    let subjects = [
        CertificateSubject::Name("CN=worker.example".parse().expect("a name")),
        CertificateSubject::Dns("worker.example".into()),
        CertificateSubject::Uri("urn:client:worker.example".into()),
    ];
    for subject in subjects {
        let client = Client { certificate: Some(subject), ..worker(AuthMethod::Tls) };
        let served = serve(Config { clients: vec![client], ..Config::default() }).await;
        let cases =
            [(Some(&own), true), (Some(&foreign), false), (Some(&itself), false), (Some(&other), false), (None, false)];
        for (identity, right) in cases {
            let reply = served.ask(identity, "/oauth2/token", GRANT).await;
            assert_eq!(reply["error"] == Value::Null, right, "{reply}");
            assert!(right || reply["error"] == "invalid_client");
        }
        let secret = served.ask(Some(&own), "/oauth2/token", &format!("{GRANT}&client_secret=secret")).await;
        assert_eq!(secret["error"], "invalid_client", "its secret is no method of this client");
    }
}

#[tokio::test]
async fn rfc8705_2_2_a_registered_certificate_proves_the_client_whoever_signed_it() {
    use base64::Engine as _;
    let own = Identity::self_signed("worker.example").expect("a certificate");
    let other = Identity::self_signed("worker.example").expect("a certificate");
    let x5c = base64::engine::general_purpose::STANDARD.encode(&own.chain[0]);
    let keys = KeySource::inline(json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "x5c": [x5c]}]}));
    let client = worker(AuthMethod::SelfSignedTls).keys(keys.expect("a key set"));
    let served = serve(Config { clients: vec![client], ..Config::default() }).await;
    for (identity, right) in [(Some(&own), true), (Some(&other), false), (None, false)] {
        let reply = served.ask(identity, "/oauth2/token", GRANT).await;
        assert_eq!(reply["error"] == Value::Null, right, "{reply}");
    }
}

#[tokio::test]
async fn rfc8705_3_tokens_are_bound_to_the_certificate() {
    let own = Identity::self_signed("worker.example").expect("a certificate");
    let mut client = worker(AuthMethod::Post);
    client.certificate_bound = true;
    let served = serve(Config { clients: vec![client], ..Config::default() }).await;
    let form = format!("{GRANT}&client_secret=secret");
    let reply = served.ask(Some(&own), "/oauth2/token", &form).await;
    assert_eq!(reply["token_type"], "Bearer");
    let token = reply["access_token"].as_str().expect("a token");
    let asked = format!("client_id=worker&client_secret=secret&token={token}");
    let told = served.ask(None, "/oauth2/introspect", &asked).await;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &own.chain[0]);
    use base64::Engine as _;
    let thumbprint = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest);
    assert_eq!(told["cnf"], json!({"x5t#S256": thumbprint}), "RFC 8705 §3.2");
    let without = served.ask(None, "/oauth2/token", &form).await;
    assert_eq!(without["error"], "invalid_request");
    // UserInfo, as any resource does, asks for it. A client's own token speaks for no user: who is let in is told so.
    let other = Identity::self_signed("worker.example").expect("a certificate");
    for (identity, error) in
        [(Some(&own), "insufficient_scope"), (Some(&other), "invalid_token"), (None, "invalid_token")]
    {
        let reply = served.ask(identity, "/oauth2/userinfo", &format!("access_token={token}")).await;
        assert_eq!(reply["error"], error, "{reply}");
    }
}

#[tokio::test]
async fn rfc8705_3_a_token_that_is_bound_to_a_certificate_is_exchanged_over_its_connections_only() {
    let own = Identity::self_signed("worker.example").expect("a certificate");
    let other = Identity::self_signed("worker.example").expect("a certificate");
    let mut client = worker(AuthMethod::Post);
    client.certificate_bound = true;
    // Its own tokens are for any bearer.
    let mut gateway = Client::new("gateway", "secret").grants([GrantType::TokenExchange, GrantType::RefreshToken]);
    gateway.exchange.impersonation = true;
    let served = serve(Config { clients: vec![client, gateway], ..Config::default() }).await;
    let form = format!("{GRANT}&client_secret=secret");
    let token = served.ask(Some(&own), "/oauth2/token", &form).await["access_token"].clone();
    let as_gateway = "client_id=gateway&client_secret=secret";
    let form = format!(
        "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&{as_gateway}&subject_token={}\
         &subject_token_type=urn:ietf:params:oauth:token-type:access_token",
        token.as_str().expect("a token")
    );
    for identity in [None, Some(&other)] {
        let refused = served.ask(identity, "/oauth2/token", &form).await;
        assert_eq!(refused["error"], "invalid_request", "{refused}");
        assert!(refused["error_description"].as_str().is_some_and(|told| told.contains("certificate")), "{refused}");
    }
    let cnf = async |reply: &Value| {
        let asked = format!("{as_gateway}&token={}", reply["access_token"].as_str().expect("a token"));
        served.ask(None, "/oauth2/introspect", &asked).await["cnf"].clone()
    };
    let holder = served.idp.facts(token.as_str().expect("a token")).expect("ours").holder.expect("it is bound");
    let bound = json!({"x5t#S256": holder.binding.x5t_s256});
    let exchanged = served.ask(Some(&own), "/oauth2/token", &form).await;
    assert_eq!(cnf(&exchanged).await, bound, "{exchanged}");
    let form = format!("{form}&requested_token_type=urn:ietf:params:oauth:token-type:refresh_token");
    let renewing = served.ask(Some(&own), "/oauth2/token", &form).await;
    let renewing = renewing["access_token"].as_str().expect("a refresh token");
    let form = format!("grant_type=refresh_token&{as_gateway}&refresh_token={renewing}");
    assert_eq!(served.ask(None, "/oauth2/token", &form).await["error"], "invalid_grant");
    let renewed = served.ask(Some(&own), "/oauth2/token", &form).await;
    assert_eq!(cnf(&renewed).await, bound, "{renewed}");
}

#[tokio::test]
async fn faults_reach_connections_under_tls() {
    let served = serve(Config { clients: vec![worker(AuthMethod::Post)], ..Config::default() }).await;
    let form = format!("{GRANT}&client_secret=secret");
    served.idp.rules().add(Rule::on(Endpoint::Token).drop_reply().times(1));
    let (text, _) = served.exchange(None, "/oauth2/token", &form).await;
    assert_eq!(text, "", "closed without a byte");
    served.idp.rules().add(Rule::on(Endpoint::Token).truncate(10).times(1));
    let (text, end) = served.exchange(None, "/oauth2/token", &form).await;
    assert_eq!(text.split_once("\r\n\r\n").expect("a head").1.len(), 10);
    assert_eq!(end.map_err(|error| error.kind()), Err(ErrorKind::UnexpectedEof), "no close_notify: it was cut off");
    served.idp.rules().add(Rule::on(Endpoint::Token).reset().times(1));
    let (_, end) = served.exchange(None, "/oauth2/token", &form).await;
    assert_eq!(end.map_err(|error| error.kind()), Err(ErrorKind::ConnectionReset));
    let (text, end) = served.exchange(None, "/oauth2/token", &form).await;
    assert!(text.starts_with("HTTP/1.1 200") && end.is_ok(), "it heals: {text}");
    assert_eq!(served.idp.tokens().len(), 4, "each was processed");
}

#[tokio::test]
async fn rfc9701_an_introspection_answer_is_signed_for_who_asks_for_it() {
    let served = support::serve(Config { clients: vec![Client::new("worker", "secret")], ..Config::default() }).await;
    let token = served.token("grant_type=client_credentials").await.text("access_token");
    let headers = format!("{}Accept: application/token-introspection+jwt\r\n", support::basic("worker", "secret"));
    let reply = served.post("/oauth2/introspect", &headers, &format!("token={token}")).await;
    assert!(reply.head.contains("content-type: application/token-introspection+jwt"), "{}", reply.head);
    let header = jsonwebtoken::decode_header(&reply.body).expect("a JWT");
    assert_eq!(header.typ.as_deref(), Some("token-introspection+jwt"));
    let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&served.get("/oauth2/jwks").await.body).expect("keys");
    let key = keys.find(header.kid.as_deref().expect("a kid")).expect("published");
    let mut validation = jsonwebtoken::Validation::new(header.alg);
    validation.set_audience(&["worker"]);
    validation.set_issuer(&[&served.listener.origin]);
    validation.required_spec_claims.remove("exp");
    let key = jsonwebtoken::DecodingKey::from_jwk(key).expect("a key");
    let claims = jsonwebtoken::decode::<Value>(&reply.body, &key, &validation).expect("valid").claims;
    assert_eq!(
        (&claims["token_introspection"]["active"], &claims["token_introspection"]["sub"]),
        (&true.into(), &"worker".into())
    );
    assert!(claims["iat"].is_i64() && claims["exp"].is_null(), "RFC 9701 §5");
    let plain = served.post("/oauth2/introspect", &support::basic("worker", "secret"), &format!("token={token}")).await;
    assert_eq!(plain.field("active"), true);
}
