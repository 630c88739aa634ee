//! A Temporal server that a scenario may hurt: it comes back where it was, with all that it had said it knew.

#![expect(clippy::unwrap_used, reason = "test helpers fail like tests")]

use std::path::PathBuf;
use std::time::Duration;

use tokenlapse::journal::{Journal, WorkflowId};
use tokenlapse::lab::temporal::{BinarySources, OwnServer, Servers};
use tokenlapse::lab::worker::Launcher;
use tokenlapse::lab::workload::{Client, Start};
use tokio::time::timeout;

/// By then a server that answers has answered.
const PATIENCE: Duration = Duration::from_secs(30);
/// So long a server that is stopped is given to answer all the same.
const SILENCE: Duration = Duration::from_millis(300);

async fn server(directory: &tempfile::TempDir) -> OwnServer {
    let launcher = Launcher { executable: PathBuf::from(env!("CARGO_BIN_EXE_tokenlapse")) };
    let servers = Servers { launcher, binary: BinarySources::of_caller(None), run: "own-server".to_owned() };
    servers.start(directory.path()).await.unwrap()
}

async fn client(server: &OwnServer) -> Client {
    Client::connect(&server.address().to_string(), "default", Journal::in_memory()).await.unwrap()
}

fn start(name: &str) -> Start {
    Start {
        workflow: WorkflowId::from(name),
        n: 1,
        workflow_type: "Any".to_owned(),
        task_queue: "nobody-polls-it".to_owned(),
        input: Vec::new(),
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_still_known_however_the_server_ended() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(&directory).await;
    let address = server.address();
    for round in 0..6 {
        let mut client = client(&server).await;
        // The last is acknowledged at the very moment before the end.
        for n in 0..5 {
            client.start(&start(&format!("w-{round}-{n}"))).await.unwrap();
        }
        let ended = if round % 2 == 0 { server.kill().await } else { server.end().await };
        assert!(ended, "it ran");
        assert!(!server.pause().await && !server.resume().await && !server.kill().await, "there is none");
        server.start_again().await.unwrap();
        assert_eq!(server.address(), address, "who knew where it was finds it");
    }
    let mut client = client(&server).await;
    for round in 0..6 {
        for n in 0..5 {
            let workflow = WorkflowId::from(format!("w-{round}-{n}").as_str());
            assert!(!client.history(&workflow).await.unwrap().is_empty(), "{workflow}");
        }
    }
}

#[tokio::test]
async fn a_stopped_server_answers_nobody_until_it_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(&directory).await;
    let mut client = client(&server).await;
    client.start(&start("before")).await.unwrap();
    assert!(server.pause().await);
    let later = start("meanwhile");
    let mut asked = Box::pin(client.start(&later));
    assert!(timeout(SILENCE, &mut asked).await.is_err(), "nobody is there to answer");
    assert!(server.resume().await);
    timeout(PATIENCE, asked).await.expect("it goes on").unwrap();
}
