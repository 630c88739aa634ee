//! Independent clients of other languages work unchanged. `tests/clients/README.md` says how they are run.

mod support;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use mock_idp::{Algorithm, Client, Config, Reuse, Rotation, TokenFormat};
use support::serve;

/// Set in CI: a tool chain that is missing is a failure there.
const REQUIRED: &str = "TOKENLAPSE_REQUIRE_CLIENTS";

/// A language's programs and how their libraries get here.
struct Language {
    folder: &'static str,
    /// Must answer, or the language is skipped.
    tool: &'static [&'static str],
    install: &'static [&'static [&'static str]],
}

const PYTHON: Language = Language {
    folder: "python",
    tool: &["python3", "-c", "import ensurepip, venv"],
    install: &[
        &["python3", "-m", "venv", ".venv"],
        &[".venv/bin/pip", "install", "--quiet", "--requirement", "requirements.txt"],
    ],
};

const NODE: Language =
    Language { folder: "node", tool: &["npm", "--version"], install: &[&["npm", "ci", "--silent", "--no-audit"]] };

const GO: Language =
    Language { folder: "go", tool: &["go", "version"], install: &[&["go", "build", "-o", "client", "."]] };

impl Language {
    /// The folder with everything installed; `None` where it is skipped.
    fn ready(&self) -> Option<PathBuf> {
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

/// Runs a program of a language against an identity provider that signs with `algorithm`.
async fn run(language: &Language, command: &[&str], secret: &str, algorithm: Algorithm) {
    let Some(place) = language.ready() else { return };
    let served = serve(Config {
        clients: vec![Client::new("worker", secret).scopes(["orders.read", "orders.write"])],
        format: TokenFormat::Jwt(algorithm),
        rotation: Rotation::On { reuse: Reuse::RevokeFamily, grace: Duration::ZERO },
        ..Config::default()
    })
    .await;
    let refresh = served.idp.mint_refresh_token("worker", "user-1", &served.listener).expect("a client");
    let mut child = tokio::process::Command::new(program(&place, command[0]));
    child.args(&command[1..]).current_dir(&place).kill_on_drop(true);
    for (name, value) in [
        ("ISSUER", served.idp.issuer(&served.listener).as_str()),
        ("CLIENT_ID", "worker"),
        ("CLIENT_SECRET", secret),
        ("REFRESH_TOKEN", refresh.value.expose()),
        ("AUDIENCE", "api"),
    ] {
        child.env(name, value);
    }
    for proxy in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
        child.env_remove(proxy);
    }
    let ended = tokio::time::timeout(Duration::from_secs(60), child.output()).await.expect("it ends").expect("it runs");
    let said = format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{command:?} says:\n{said}");
    assert!(said.contains("refresh"), "it came to its last step:\n{said}");
}

#[tokio::test]
async fn authlib_of_python() {
    // It does not encode the secret in the header, so one without special letters.
    run(&PYTHON, &[".venv/bin/python", "with_authlib.py"], "a-secret_1", Algorithm::Es256).await;
}

#[tokio::test]
async fn openid_client_of_node() {
    run(&NODE, &["node", "with_openid_client.js"], AWKWARD, Algorithm::Rs256).await;
}

#[tokio::test]
async fn oauth2_and_oidc_of_go() {
    run(&GO, &["client"], AWKWARD, Algorithm::Es256).await;
}
