//! Independent clients of other languages work unchanged. `tests/clients/README.md` says how they are run.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm as Jws, EncodingKey};
use mock_idp::tls::{Authority, ServerTls};
use mock_idp::{
    Algorithm, AuthMethod, Client, Config, Dialect, Endpoint, GrantType, Idp, Listener, Reuse, Rotation, TokenFormat,
    TrustedIssuer,
};
use serde_json::json;

use crate::support::serve;

/// Set in CI: a tool chain that is missing is a failure there.
const REQUIRED: &str = "TOKENLAPSE_REQUIRE_CLIENTS";

/// A language's programs and how their libraries get here.
struct Language {
    folder: &'static str,
    /// Must answer, or the language is skipped.
    tool: &'static [&'static str],
    install: &'static [&'static [&'static str]],
    /// Where it was installed, once for all tests; `None` where it is skipped.
    place: OnceLock<Option<PathBuf>>,
}

static PYTHON: Language = Language {
    folder: "python",
    tool: &["python3", "-c", "import ensurepip, venv"],
    install: &[
        &["python3", "-m", "venv", ".venv"],
        &[".venv/bin/pip", "install", "--quiet", "--requirement", "requirements.txt"],
    ],
    place: OnceLock::new(),
};

static NODE: Language = Language {
    folder: "node",
    tool: &["npm", "--version"],
    install: &[&["npm", "ci", "--silent", "--no-audit"]],
    place: OnceLock::new(),
};

static GO: Language = Language {
    folder: "go",
    tool: &["go", "version"],
    install: &[&["go", "build", "-o", "client", "."]],
    place: OnceLock::new(),
};

impl Language {
    /// The folder with everything installed; `None` where it is skipped.
    fn ready(&self) -> Option<&Path> {
        self.place.get_or_init(|| self.installed()).as_deref()
    }

    fn installed(&self) -> Option<PathBuf> {
        let answers = |command: &mut Command| {
            command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
        };
        if !answers(Command::new(self.tool[0]).args(&self.tool[1..])) {
            assert!(std::env::var_os(REQUIRED).is_none(), "{} does not answer", self.tool[0]);
            say(&format!("skipped: no {}", self.tool[0]));
            return None;
        }
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(self.folder);
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients").join(self.folder);
        std::fs::create_dir_all(&place).expect("a folder");
        for file in std::fs::read_dir(from).expect("the programs").map(|file| file.expect("a file")) {
            std::fs::copy(file.path(), place.join(file.file_name())).expect("copied");
        }
        for step in self.install {
            let output = Command::new(step[0]).args(&step[1..]).current_dir(&place).output().expect(step[0]);
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(std::env::var_os(REQUIRED).is_none(), "{step:?}: {said}");
                say(&format!("skipped: {step:?} failed; are the package registries reached? {said}"));
                return None;
            }
        }
        Some(place)
    }
}

/// Past the capture of output: what was not tested is said also where the test passes.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A program of the folder, or one that is on the `PATH`.
fn program(place: &Path, name: &str) -> PathBuf {
    Some(place.join(name)).filter(|path| path.exists()).unwrap_or_else(|| name.into())
}

/// What RFC 6749 §2.3.1 has encoded in a header.
const AWKWARD: &str = "a secret: +%&=";

/// A client that may have each scope of a resource, with the secret that its program knows.
fn worker(secret: &str) -> Client {
    Client::new("worker", secret).scopes(["orders.read", "orders.write"])
}

/// Runs a program against an identity provider; it is told where that is, who it is, and what else is given.
async fn run(language: &Language, command: &[&str], idp: (&Idp, &Listener), secret: &str, more: &[(&str, &str)]) {
    let Some(place) = language.ready() else { return };
    let (idp, listener) = idp;
    let refresh = idp.mint_refresh_token("worker", "user-1", listener).expect("a client");
    let mut child = tokio::process::Command::new(program(place, command[0]));
    child.args(&command[1..]).current_dir(place).kill_on_drop(true);
    child
        .env("ISSUER", idp.issuer(listener))
        .env("CLIENT_ID", "worker")
        .env("CLIENT_SECRET", secret)
        .env("REFRESH_TOKEN", refresh.value.expose())
        .env("AUDIENCE", "api")
        .envs(more.iter().copied());
    // The machine's own ways out, and whom it trusts, are for installing.
    let proxies = ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"];
    for variable in proxies.into_iter().chain(["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]) {
        child.env_remove(variable);
    }
    let ended = tokio::time::timeout(Duration::from_secs(60), child.output()).await.expect("it ends").expect("it runs");
    let said = format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{command:?} says:\n{said}");
    assert!(said.contains("\nrefresh"), "it came to its last step:\n{said}");
}

/// Runs a program against the RFCs to the letter.
async fn run_generic(language: &Language, command: &[&str], secret: &str, algorithm: Algorithm) {
    let served = serve(Config {
        clients: vec![worker(secret)],
        format: TokenFormat::Jwt(algorithm),
        rotation: Rotation::On { reuse: Reuse::RevokeFamily, grace: Duration::ZERO },
        ..Config::default()
    })
    .await;
    run(language, command, (&served.idp, &served.listener), secret, &[]).await;
}

#[tokio::test]
async fn authlib_of_python() {
    // It does not encode the secret in the header, so one without special letters.
    run_generic(&PYTHON, &[".venv/bin/python", "with_authlib.py"], "a-secret_1", Algorithm::Es256).await;
}

#[tokio::test]
async fn openid_client_of_node() {
    run_generic(&NODE, &["node", "with_openid_client.js"], AWKWARD, Algorithm::Rs256).await;
}

#[tokio::test]
async fn oauth2_and_oidc_of_go() {
    run_generic(&GO, &["client"], AWKWARD, Algorithm::Es256).await;
}

#[tokio::test]
async fn google_auth_of_python() {
    let account = "robot@project.example";
    let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).expect("a key pair");
    let pem = pair.serialize_pem();
    let key = EncodingKey::from_rsa_pem(pem.as_bytes()).expect("a key");
    let mut public = Jwk::from_encoding_key(&key, Jws::RS256).expect("a public key");
    public.common.key_id = Some("key-1".into());
    let issuer = TrustedIssuer {
        // The library has this address built in, wherever it sends its assertions.
        audiences: vec!["https://oauth2.googleapis.com/token".into()],
        ..TrustedIssuer::service_account(account, public.into())
    };
    let robot = Client { secrets: Vec::new(), ..Client::new(account, "").scopes(["orders.read"]) };
    let robot = robot.methods([AuthMethod::None]).grants([GrantType::JwtBearer]);
    let served = serve(Config {
        clients: vec![worker("a-secret_1"), robot],
        trusted_issuers: vec![issuer],
        ..Config::of(Dialect::Google)
    })
    .await;
    // What Google gives to the owner of the account.
    let file = json!({
        "type": "service_account",
        "client_email": account,
        "private_key_id": "key-1",
        "private_key": pem,
        "token_uri": served.idp.url(Endpoint::Token, &served.listener),
    });
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("account.json");
    std::fs::write(&path, file.to_string()).expect("written");
    let more = [("SERVICE_ACCOUNT_FILE", path.to_str().expect("text"))];
    let command = [".venv/bin/python", "with_google_auth.py"];
    run(&PYTHON, &command, (&served.idp, &served.listener), "a-secret_1", &more).await;
}

#[tokio::test]
async fn msal_of_python_over_https() {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let listener = Listener::new("w1", format!("https://{}", socket.local_addr().expect("an address")));
    let redirect_uri = "http://127.0.0.1/callback";
    // MSAL asks for the scopes of OpenID Connect beside those of the resource.
    let client = worker("a-secret_1").scopes(["orders.read", "openid", "profile", "offline_access"]);
    let idp = Idp::new(Config { clients: vec![client.redirect_uris([redirect_uri])], ..Config::of(Dialect::Entra) });
    let tls = ServerTls::for_names(&["127.0.0.1"]).expect("an address");
    tokio::spawn({
        let (idp, listener) = (idp.clone(), listener.clone());
        async move { idp.serve_tls(socket, listener, tls).await }
    });
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ca.pem");
    Authority::of_process().write_certificate(&path).expect("written");
    let more = [("CA_FILE", path.to_str().expect("text")), ("REDIRECT_URI", redirect_uri)];
    run(&PYTHON, &[".venv/bin/python", "with_msal.py"], (&idp, &listener), "a-secret_1", &more).await;
}
