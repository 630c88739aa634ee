//! Faults in a lab of real servers: what they do to those who are connected.

mod support;
mod time;

use std::path::PathBuf;
use std::sync::Arc;

use mock_idp::{Config, Reuse, Rotation};
use tokenlapse::journal::{Event, Instance, TokenChange};
use tokenlapse::lab::Order;
use tokenlapse::lab::egress::EgressTrap;
use tokenlapse::lab::tokens::Validation;
use tokenlapse::lab::worker::{Environment, Launcher, WorkerProcess, WorkerStart};

use support::{Lab, Plain, call, client};

const CLIENTS: usize = 64;
const ROUNDS: usize = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_before_a_revocation_is_accepted_and_every_one_from_it_on_is_refused() {
    let revocation = "faults: [{ when: { event: api.request, nth: 6400 }, do: { idp.revoke: { token: all } } }]";
    let lab = Lab::open(revocation, Validation::Introspect, Config::default()).await;
    let token = lab.token().await;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (api, token) = (lab.at.api, token.clone());
            tokio::spawn(async move {
                let mut client = Plain::connect(api, &token).await;
                let mut accepted = 0;
                for _ in 0..ROUNDS {
                    let status = client.call().await;
                    assert!(status == 200 || status == 401, "{status}");
                    accepted += usize::from(status == 200);
                }
                accepted
            })
        })
        .collect();
    let mut accepted = 0;
    for client in clients {
        accepted += client.await.expect("no panic");
    }
    let records = lab.journal.records();
    let arrivals: Vec<_> = records
        .iter()
        .filter_map(|record| match &record.event {
            Event::ApiRequest(request) => Some((record.seq, request.refused.as_deref())),
            _ => None,
        })
        .collect();
    assert_eq!(arrivals.len(), CLIENTS * ROUNDS);
    let trigger = records.iter().find_map(|record| match &record.event {
        Event::FaultFired { trigger, .. } => *trigger,
        _ => None,
    });
    let trigger = trigger.expect("it fired");
    for (seq, refused) in &arrivals {
        assert_eq!(*refused, (*seq >= trigger).then_some("revoked"), "{seq}, revoked at {trigger}");
    }
    assert_eq!(accepted, arrivals.iter().filter(|(seq, _)| *seq < trigger).count(), "what clients saw is the same");
    assert_eq!(accepted, 6399);
    assert_eq!(lab.counts(0), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_request_was_judged_when_it_came() {
    let lab = Lab::open(
        "faults:
  - { when: { event: api.request }, do: { api.hold: { until: 2 } } }
  - { when: { event: api.request, nth: 2 }, do: { idp.revoke: { token: all } } }",
        Validation::Introspect,
        Config::default(),
    )
    .await;
    let token = lab.token().await;
    let (one, other) = tokio::join!(lab.call(&token), lab.call(&token));
    let mut statuses = [one, other];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401], "the first left after the revocation, and was accepted before");
    assert_eq!(lab.counts(0), (1, 1));
}

#[tokio::test]
async fn a_broken_link_is_broken_for_workers_that_come_later_until_it_is_mended() {
    let mut lab = Lab::open(
        "faults: [{ when: { event: idp.response }, do: { link.refuse: { on: api } } }]
heal: { when: { event: worker.ready } }",
        Validation::Jwks,
        Config::default(),
    )
    .await;
    let token = lab.token().await;
    let later = lab.scene.admit(&Instance::of("w1", 2)).expect("ports");
    for address in [lab.at.api, later.api] {
        let refused = tokio::net::TcpStream::connect(address).await.expect_err("nobody listens");
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    }
    lab.journal.record(Event::WorkerReady { instance: Instance::of("w1", 2) }).settled().await;
    assert_eq!(lab.call(&token).await, 200);
    assert_eq!(call(&client(), &format!("http://{}/a", later.api), &token).await, 200);
}

#[tokio::test]
async fn a_stolen_refresh_token_ends_the_whole_family() {
    let rotation = Rotation::On { reuse: Reuse::RevokeFamily, grace: std::time::Duration::ZERO };
    let lab = Lab::open(
        "faults: [{ when: { event: api.response }, do: { idp.reuse: {} } }]",
        Validation::Introspect,
        Config { rotation, ..Config::default() },
    )
    .await;
    let first = lab.scene.idp().mint_refresh_token("c1", "user-1", &lab.at.idp).expect("a client");
    let reply = lab.ask(&format!("grant_type=refresh_token&refresh_token={}", first.value.expose())).await;
    let (access, refresh) = (reply["access_token"].as_str(), reply["refresh_token"].as_str());
    let (access, refresh) = (access.expect("a token"), refresh.expect("a token"));
    assert_eq!(lab.call(access).await, 200);
    assert_eq!(lab.counts(0), (1, 0), "the thief was refused, and nobody else knows yet");
    let reply = lab.ask(&format!("grant_type=refresh_token&refresh_token={refresh}")).await;
    assert_eq!(reply["error"], "invalid_grant");
    assert_eq!(lab.counts(0), (1, 1));
    assert_eq!(lab.call(access).await, 401);
}

#[tokio::test]
async fn access_ends_with_the_client_and_comes_back_with_consent() {
    let mut lab = Lab::open(
        "faults:
  - { id: off, when: { event: api.response }, do: { idp.disable: {} } }
  - { id: 'on', when: { event: idp.response, where: { error: invalid_client } }, do: { idp.consent: {} } }",
        Validation::Introspect,
        Config::default(),
    )
    .await;
    let before = lab.scene.idp().mint_refresh_token("c1", "user-1", &lab.at.idp).expect("a client");
    let token = lab.token().await;
    lab.call(&token).await;
    assert_eq!(lab.ask("grant_type=client_credentials").await["error"], "invalid_client");
    assert_eq!(lab.call(&token).await, 401, "what died stays dead");
    let fresh = lab.token().await;
    assert_eq!(lab.call(&fresh).await, 200);
    assert_eq!([lab.counts(0), lab.counts(1)], [(1, 1); 2]);
    match lab.scene.take_orders().expect("nobody took them").try_recv() {
        Ok(Order::RefreshToken(token)) => {
            assert_eq!(token.subject, "user-1");
            assert_ne!(token.id, before.id);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn old_tokens_die_when_their_key_is_gone_and_the_api_has_seen_the_new_one() {
    let lab = Lab::open(
        "faults: [{ when: { event: api.response }, do: { idp.rotate_keys: { keep_old: false } } }]",
        Validation::Jwks,
        Config::default(),
    )
    .await;
    let old = lab.token().await;
    assert_eq!(lab.call(&old).await, 200);
    assert_eq!(lab.call(&old).await, 200, "the API has the old key in its cache");
    let new = lab.token().await;
    assert_eq!((lab.call(&new).await, lab.call(&old).await), (200, 401));
    assert_eq!(lab.counts(0), (1, 1));
}

#[tokio::test]
async fn a_restart_ends_the_worker_as_it_says_and_orders_its_next_generation() {
    let stubborn = "trap '' TERM; echo deaf; while :; do sleep 1; done";
    for (action, command, signal) in [
        ("worker.restart: {}", ["sleep", "600"].as_slice(), 9),
        ("worker.restart: { notice: 1m }", &["sleep", "600"], 15),
        ("worker.restart: { notice: 20ms }", &["sh", "-c", stubborn], 9),
    ] {
        let faults = format!("faults: [{{ when: {{ event: api.response }}, do: {{ {action} }} }}]");
        let mut lab = Lab::open(&faults, Validation::Jwks, Config::default()).await;
        let mut orders = lab.scene.take_orders().expect("nobody took them");
        let scratch = tempfile::tempdir().expect("a folder");
        let trap = EgressTrap::open(&lab.journal, None).await.expect("a port");
        let environment =
            Environment::new(std::env::vars_os(), &[], "lab", trap.address(), scratch.path()).expect("an environment");
        let start = WorkerStart {
            instance: Instance::of("w1", 1),
            command: command.iter().map(|&word| word.to_owned()).collect(),
            environment,
            cwd: scratch.path().to_path_buf(),
            allowed_ports: None,
        };
        let launcher = Launcher { executable: PathBuf::from(env!("CARGO_BIN_EXE_tokenlapse")) };
        let worker = Arc::new(WorkerProcess::start(&lab.journal, &launcher, start).await.expect("a worker"));
        lab.scene.employ(Arc::clone(&worker));
        if command[0] == "sh" {
            lab.seen(|event| matches!(event, Event::WorkerOutput { line, .. } if line == "deaf")).await;
        }
        let token = lab.token().await;
        lab.call(&token).await;
        assert!(matches!(orders.recv().await, Some(Order::Restart(instance)) if instance == Instance::of("w1", 1)));
        let ended = |event: &Event| matches!(event, Event::WorkerExited { signal: Some(by), expected: true, .. } if *by == signal);
        lab.seen(ended).await;
        assert_eq!(lab.counts(0), (1, 1), "{action}");
    }
}

#[tokio::test]
async fn a_revocation_takes_only_what_fits() {
    let lab = Lab::open(
        "faults:
  - { when: { event: api.response }, do: { idp.revoke: { token: all, subject: user-2 } } }
  - { when: { event: api.response }, do: { idp.revoke: { kind: refresh } } }",
        Validation::Introspect,
        Config::default(),
    )
    .await;
    for subject in ["user-1", "user-2", "user-3"] {
        lab.scene.idp().mint_refresh_token("c1", subject, &lab.at.idp).expect("a client");
    }
    let token = lab.token().await;
    assert_eq!(lab.call(&token).await, 200);
    let dead = lab
        .journal
        .records()
        .iter()
        .filter_map(|record| match &record.event {
            Event::IdpToken(token) if token.change == TokenChange::Revoked => Some(token.sub.clone()),
            _ => None,
        })
        .collect::<Vec<_>>();
    assert_eq!(dead, ["user-3"], "access tokens of user-2 there are none; the newest refresh token is user-3's");
}
