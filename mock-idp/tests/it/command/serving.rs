//! `mock-idp serve`: what it says works, and it ends when it is told to.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mock_idp::{Config, Dialect, TokenFormat};

use super::support::{Done, Place, Serving};

/// Sends a request and gives the whole reply.
fn http(url: &str, request: &str, headers: &str, body: &str) -> String {
    let rest = url.strip_prefix("http://").expect("a URL");
    let (host, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
    let mut stream = TcpStream::connect(host).expect("it listens");
    let length = body.len();
    write!(
        stream,
        "{request} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
    .expect("it reads");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("text");
    reply
}

#[test]
fn the_line_that_it_says_works_when_pasted() {
    let place = Place::new();
    let serving = place.serve("");
    assert!(serving.value("try").starts_with("curl "), "{:?}", serving.said);
    let token = serving.tried();
    assert_eq!(token["token_type"], "Bearer", "{token}");
    assert_eq!(token["expires_in"], 300);
    let discovery = http(serving.value("discovery"), "GET", "", "");
    assert!(discovery.contains(&format!("\"issuer\":\"{}\"", serving.value("issuer"))), "{discovery}");
    let state = http(&format!("{}/state", serving.value("control")), "GET", "", "");
    assert!(state.contains(r#""clients":["worker"]"#), "{state}");
    let page = http(serving.value("control"), "GET", "", "");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("client_credentials"), "{page}");
}

#[test]
fn a_secret_of_ones_own_is_not_told() {
    let place = Place::new();
    let serving = place.serve("--client-secret hush --client-id me --no-admin --lifetime 7 --format opaque");
    let said = format!("{:?}", serving.said);
    assert!(said.contains("me:CLIENT_SECRET") && !said.contains("hush") && !said.contains("control"), "{said}");
    let url = format!("{}/oauth2/token", serving.value("issuer"));
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let body = "grant_type=client_credentials&client_id=me&client_secret=hush";
    let reply = http(&url, "POST", form, body);
    assert!(reply.contains("\"expires_in\":7") && reply.contains("\"tlat_"), "{reply}");
    let help = place.run("serve --help").out;
    assert!(help.contains("MOCK_IDP_CLIENT_SECRET"), "{help}");
}

#[test]
fn secrets_come_from_the_environment_and_are_not_shown_by_help() {
    let place = Place::new();
    let mut command = place.command("serve --help");
    command.env("MOCK_IDP_CLIENT_SECRET", "hush").env("MOCK_IDP_ADMIN_TOKEN", "hush");
    let help = String::from_utf8(command.output().expect("it runs").stdout).expect("text");
    assert!(!help.contains("hush"), "{help}");
    let mut command = place.command("serve");
    command.env("MOCK_IDP_ADMIN_TOKEN", "control");
    let serving = Serving::new(command);
    let url = format!("{}/state", serving.value("control"));
    assert!(http(&url, "GET", "", "").starts_with("HTTP/1.1 401"));
    assert!(http(&url, "GET", "Authorization: Bearer control\r\n", "").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_file_says_what_is_served_and_a_flag_says_otherwise() {
    let place = Place::new();
    let file = "clients: [{ id: \"a'b c\", secret: not-a-secret }]\ntokens: { lifetime: 1m }\nclock: { offset: 1h }\n";
    place.write("idp.yaml", file);
    let serving = place.serve("--config idp.yaml");
    assert_eq!(serving.tried()["expires_in"], 60, "the shell gets the id whole: {:?}", serving.said);
    let clock = http(&format!("{}/clock", serving.value("control")), "GET", "", "");
    assert!(clock.contains("\"offset_ms\":3600000"), "{clock}");
    let serving = place.serve("--config idp.yaml --lifetime 9");
    assert_eq!(serving.tried()["expires_in"], 9);
}

#[test]
fn a_client_that_a_file_could_not_have_no_flag_can_have() {
    let place = Place::new();
    for (flag, value, told) in [
        ("--client-id", "", "`` cannot be the id of a client (it is one or more printable ASCII characters)"),
        ("--client-id", "a\nb", "`a\\nb` cannot be the id of a client"),
        ("--client-id", "é", "`é` cannot be the id of a client"),
        ("--client-secret", "hush\n", "a secret cannot have '\\n' in it (it is printable ASCII characters"),
        ("--scopes", "a\tb", "`a\\tb` cannot be a scope (it is printable ASCII characters without blank"),
        ("--scopes", "a b\"", "`b\\\"` cannot be a scope"),
    ] {
        let mut command = place.command("serve");
        command.args([flag, value]);
        let done = Done::after(command);
        done.has_code(2).tells(&[&format!("mock-idp serve: {flag}: {told}")]);
        assert!(done.out.is_empty() && !done.err.contains("hush"), "{}{}", done.out, done.err);
    }
}

#[test]
fn the_line_works_for_whatever_a_client_may_be_called() {
    let place = Place::new();
    let mut command = place.command("serve");
    command.args(["--client-id", "a'b c:d+e%41$(false)&=\"", "--scopes", " x  y "]);
    let serving = Serving::new(command);
    let token = serving.tried();
    assert_eq!((&token["token_type"], &token["scope"]), (&"Bearer".into(), &"x y".into()), "{:?}", serving.said);
}

#[test]
fn a_dialect_issues_what_its_vendor_does_unless_it_is_told_otherwise() {
    let place = Place::new();
    let form = |token: &serde_json::Value| {
        let token = token["access_token"].as_str().expect("a token").to_owned();
        let head = token.split('.').next().filter(|_| token.matches('.').count() == 2);
        let head =
            head.and_then(|head| URL_SAFE_NO_PAD.decode(head).ok()).and_then(|head| serde_json::from_slice(&head).ok());
        let head: Option<serde_json::Value> = head;
        head.map_or("opaque".to_owned(), |head| head["alg"].as_str().expect("a name").to_owned())
    };
    for dialect in Dialect::ALL.iter().copied() {
        let vendor = Config::of(dialect);
        let serving = place.serve(&format!("--no-admin --dialect {dialect}"));
        let token = serving.tried();
        assert_eq!(token["expires_in"], vendor.access_token_lifetime.as_secs(), "{dialect}: {token}");
        let format = match vendor.format {
            TokenFormat::Jwt(algorithm) => algorithm.name(),
            TokenFormat::Opaque => "opaque",
        };
        assert_eq!(form(&token), format, "{dialect}: {token}");
        assert_eq!(serving.value("dialect"), dialect.name());
        assert!(serving.value("tokens").contains(format), "{dialect}: {:?}", serving.said);
    }
    let google = place.serve("--no-admin --dialect google");
    assert_eq!(google.value("tokens"), "access opaque for 1h, refresh for 180d, ID RS256 for 1h");
    let discovery = http(google.value("discovery"), "GET", "", "");
    assert!(discovery.contains(r#""id_token_signing_alg_values_supported":["RS256"]"#), "{discovery}");
    let told = place.serve("--no-admin --dialect cognito --format es384 --lifetime 7");
    let token = told.tried();
    assert_eq!((form(&token).as_str(), &token["expires_in"]), ("ES384", &7.into()), "{token}");
    assert_eq!(told.value("tokens"), "access JWT ES384 for 7s, refresh for 30d, ID RS256 for 1h");
    place.write("idp.yaml", "dialect: okta\n");
    let file = place.serve("--no-admin --config idp.yaml");
    assert_eq!(file.value("tokens"), "access JWT RS256 for 1h, refresh for 7d, ID RS256 for 1h", "a file as a flag");
    place.write("idp.yaml", "dialect: okta\ntokens: { format: opaque, lifetime: 1m, refresh_lifetime: 1h }\n");
    let file = place.serve("--no-admin --config idp.yaml --lifetime 5");
    assert_eq!(file.value("tokens"), "access opaque for 5s, refresh for 1h, ID ES256 for 1h");
}

#[test]
fn the_issuer_is_what_clients_call_it() {
    let place = Place::new();
    let serving = place.serve("--origin https://idp.test:8443");
    assert_eq!(serving.value("issuer"), "https://idp.test:8443");
}

#[test]
fn others_than_this_machine_are_let_in_with_a_warning_only() {
    let place = Place::new();
    let serving = place.serve("--address 0.0.0.0 --no-admin");
    assert!(serving.value("issuer").starts_with("http://127.0.0.1:"), "{:?}", serving.said);
    serving.interrupt("TERM");
    serving.ended().has_code(130).tells(&["warning", "0.0.0.0"]);
}

#[test]
fn a_taken_port_is_code_3_and_says_what_to_do() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    for flag in ["--port", "--admin-port"] {
        let done = place.run(&format!("serve {flag} {port}"));
        done.has_code(3).tells(&[&format!("port {port} is taken"), &format!("{flag} 0 takes a free one")]);
        assert!(done.out.is_empty(), "nothing is promised: {}", done.out);
    }
}

#[test]
fn it_ends_when_it_is_told_to_with_requests_in_flight() {
    for signal in ["INT", "TERM"] {
        let place = Place::new();
        let serving = place.serve("");
        // One request that is not sent whole, one follower of the log, and one that waits for a minute.
        let control = serving.value("control").to_owned();
        let host = control.strip_prefix("http://").expect("a URL").trim_end_matches("/admin");
        let mut half = TcpStream::connect(serving.value("issuer").trim_start_matches("http://")).expect("it listens");
        write!(half, "POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n").expect("it reads");
        let waiting = ["/admin/events/stream", "/admin/requests/wait?timeout_ms=60000"].map(|path| {
            let mut stream = TcpStream::connect(host).expect("it listens");
            write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").expect("it reads");
            stream
        });
        let mut first = [0; 15];
        (&waiting[0]).read_exact(&mut first).expect("the stream has begun");
        assert_eq!(&first, b"HTTP/1.1 200 OK");
        serving.interrupt(signal);
        // The wait of a minute would outlast the test's patience, not the command's.
        serving.ended().has_code(130);
    }
}
