//! A real Temporal server and the reference worker as a process, through expiry, early refusal, revocation and outage.

mod support;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mock_idp::{Client as OAuthClient, Config as IdpConfig};
use serde_json::json;
use tokenlapse::check::{Judgement, Outcome, Policy, judge};
use tokenlapse::fault::{Plan, Progress};
use tokenlapse::journal::{Event, Instance, Journal, Record, Run, WorkflowStatus, transcript};
use tokenlapse::lab::api::{self, Correlate, Route};
use tokenlapse::lab::egress::EgressTrap;
use tokenlapse::lab::scene::{Opening, Scene};
use tokenlapse::lab::temporal::{Backend, BinarySources, Dev, Running};
use tokenlapse::lab::tokens::Validation;
use tokenlapse::lab::worker::{Environment, Launcher, WorkerProcess, WorkerStart};
use tokenlapse::lab::workload::{Client, Start};
use tokenlapse::scenario::{Facts, Scenario, Target, resolve};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

const PATIENCE: Duration = Duration::from_secs(30);

fn launcher() -> Launcher {
    Launcher { executable: PathBuf::from(env!("CARGO_BIN_EXE_tokenlapse")) }
}

async fn temporal() -> Running {
    let backend = Dev { binary: BinarySources::of_caller(None) };
    backend.start(&launcher(), "end-to-end").await.unwrap_or_else(|error| panic!("{error}"))
}

/// The plan of a scenario file that goes on so after its head.
fn plan(rest: &str) -> Plan {
    let target = "target: t\nworker: { command: [./w] }\nworkload: { workflow: W }\npolicy: { refresh: on-retry }\n";
    let target = Target::parse(target, "target.yaml").expect("a target");
    let scenario = Scenario::parse(&format!("scenario: s\nfamily: f\ntitle: T\n{rest}\n"), "s.yaml");
    let scenario = scenario.unwrap_or_else(|errors| panic!("{errors:?}"));
    Plan::of(&resolve(&target, &scenario, &Facts::default()).expect("nothing is missing"), 1)
}

/// A fault at the first success at the API.
fn at_first_success(action: &str) -> String {
    format!("faults: [{{ when: {{ event: api.response, where: {{ status: 200 }} }}, do: {{ {action} }} }}]")
}

struct Story {
    name: &'static str,
    validation: Validation,
    plan: Plan,
    defect: &'static str,
}

impl Story {
    fn of(name: &'static str, rest: &str) -> Self {
        Self { name, validation: Validation::Jwks, plan: plan(rest), defect: "" }
    }
}

struct Told {
    status: WorkflowStatus,
    progress: Vec<Progress>,
    journal: Journal,
}

impl Told {
    fn events<T>(&self, pick: impl Fn(&Event) -> Option<T>) -> Vec<T> {
        self.journal.records().iter().filter_map(|record| pick(&record.event)).collect()
    }

    /// Status and token of each reply of the API, in order.
    fn replies(&self) -> Vec<String> {
        self.events(|event| match event {
            Event::ApiResponse(reply) => {
                Some(format!("{} {}", reply.status, reply.request.token.as_ref().map_or("-", |token| token.as_str())))
            }
            _ => None,
        })
    }

    fn effects(&self) -> usize {
        self.events(|event| matches!(event, Event::ApiResponse(reply) if reply.effect.is_some()).then_some(())).len()
    }

    fn failures(&self) -> Vec<String> {
        self.events(|event| match event {
            Event::ActivityFailed { failure, .. } => Some(failure.failure_type.clone()),
            _ => None,
        })
    }

    fn grants(&self) -> usize {
        self.events(|event| matches!(event, Event::IdpResponse(reply) if reply.status == 200).then_some(())).len()
    }

    /// Compares the story with its snapshot, and gives it.
    fn assert_transcript(&self, name: &str) -> String {
        let records: Vec<Record> = self.journal.records().iter().map(|record| (**record).clone()).collect();
        let run = Run::new(&records);
        support::assert_transcript(&format!("end-to-end-{name}"), &run);
        transcript(&run)
    }

    /// The checks that fail, and that none is undecided.
    fn failed_checks(&self, outcome: Outcome) -> Vec<&'static str> {
        let records: Vec<Record> = self.journal.records().iter().map(|record| (**record).clone()).collect();
        let verdicts = judge(&Run::new(&records), &Policy { outcome });
        let failed = verdicts.into_iter().filter_map(|verdict| match verdict.judgement {
            Judgement::Pass | Judgement::NotApplicable(_) => None,
            Judgement::Fail(findings) => {
                let evidence = findings.iter().flat_map(|finding| &finding.events);
                assert!(evidence.clone().count() > 0, "a finding names what proves it");
                assert!(evidence.clone().all(|seq| Run::new(&records).get(*seq).is_some()));
                Some(verdict.check)
            }
            Judgement::Inconclusive(reason) => panic!("{} is inconclusive: {reason}", verdict.check),
        });
        failed.collect()
    }

    fn assert_bit_once(&self) {
        for fault in &self.progress {
            assert_eq!((fault.fired, fault.bit), (1, 1), "{fault:?}");
        }
    }
}

async fn tell(server: &Running, story: Story) -> Told {
    let upstream = MockServer::start().await;
    let items = ResponseTemplate::new(200).set_body_json(json!({"id": "1", "state": "open", "items": ["a"]}));
    Mock::given(any()).respond_with(items).mount(&upstream).await;
    let route = |text: &str, scope: &str| Route::parse(text).expect("a route").needs([scope]);
    let ship = route("POST /orders/{id}/ship", "orders.write").with_effect(Some("Idempotency-Key"));
    let opening = Opening {
        idp: IdpConfig {
            clients: vec![OAuthClient::new("worker", "tlcs_client-secret").scopes(["orders.read", "orders.write"])],
            ..IdpConfig::default()
        },
        validation: story.validation,
        api: api::Config {
            routes: vec![route("GET /orders/{id}", "orders.read"), ship],
            correlate: Some(Correlate::Header("X-Workflow-Id".into())),
            upstream: upstream.uri().parse().expect("a URL"),
        },
        temporal: server.address(),
        worker_clock: None,
        plan: story.plan,
    };
    let journal = Journal::in_memory();
    let mut scene = Scene::open(journal.clone(), opening);
    let instance = Instance::of("w1", 1);
    let addresses = scene.admit(&instance).expect("ports");
    let trap = EgressTrap::open(&journal, Some(instance.clone())).await.expect("a port");
    let scratch = tempfile::tempdir().expect("a folder");
    let caller = std::env::vars_os();
    let mut environment =
        Environment::new(caller, &[], "end-to-end", trap.address(), scratch.path()).expect("an environment");
    for (name, value) in [
        ("TEMPORAL_ADDRESS", addresses.temporal.to_string()),
        ("TEMPORAL_NAMESPACE", "default".into()),
        ("OAUTH_TOKEN_URL", format!("{}/oauth2/token", addresses.idp.issuer)),
        ("OAUTH_CLIENT_ID", "worker".into()),
        ("OAUTH_CLIENT_SECRET", "tlcs_client-secret".into()),
        ("OAUTH_SCOPES", "orders.read orders.write".into()),
        ("API_URL", format!("http://{}", addresses.api)),
        ("TASK_QUEUE", story.name.into()),
        ("DEFECT", story.defect.into()),
    ] {
        environment.set(name, value).expect("not reserved");
    }
    let mut ports = addresses.ports();
    ports.push(trap.address().port());
    let command = vec![env!("CARGO_BIN_EXE_tokenlapse").to_owned(), "builtin-worker".to_owned()];
    let cwd = scratch.path().to_path_buf();
    let start = WorkerStart { instance: instance.clone(), command, environment, cwd, allowed_ports: Some(ports) };
    let worker = Arc::new(WorkerProcess::start(&journal, &launcher(), start).await.expect("a worker"));
    scene.employ(Arc::clone(&worker));
    if scene.ready(&instance, PATIENCE).await.is_err() {
        panic!("the worker never polled:\n{}", worker.last_lines().join("\n"));
    }

    let mut client =
        Client::connect(&server.address().to_string(), "default", journal.clone()).await.expect("a connection");
    journal.record(Event::WorkloadStarted { count: 1 }).settled().await;
    let workflow = story.name.into();
    let retry = json!({"initial_ms": 20, "max_ms": 200});
    let start = Start {
        workflow,
        n: 1,
        workflow_type: "SyncOrders".into(),
        task_queue: story.name.into(),
        input: vec![json!({"order": "1", "retry": retry})],
    };
    client.start(&start).await.expect("started");
    let status = client.closed(&start.workflow, PATIENCE).await.expect("an end");
    journal.record(Event::WorkloadFinished).settled().await;
    worker.terminate().await.expect("it was alive");
    let exit = worker.recorded().await;
    assert_eq!(exit.code(), Some(0), "{:?}", worker.last_lines());
    client.append_history(&start.workflow).await.expect("a history");
    let told = Told { status, progress: scene.progress(), journal };
    scene.close().await.expect("a whole journal");
    told
}

/// The worker got a token, was refused once, got another one on the retry, and shipped once.
fn assert_recovered_by_one_refresh(told: &Told) {
    assert_eq!(told.status, WorkflowStatus::Completed);
    told.assert_bit_once();
    assert_eq!(told.replies(), ["200 T1", "401 T1", "200 T2"]);
    assert_eq!(told.failures(), ["TokenExpired"]);
    assert_eq!((told.grants(), told.effects()), (2, 1));
    assert_eq!(told.failed_checks(Outcome::Completed), [""; 0]);
    let kinds = told.events(|event| match event {
        Event::HistoryEvent { event, .. } => Some(event.clone()),
        _ => None,
    });
    assert_eq!(kinds.last().map(String::as_str), Some("WORKFLOW_EXECUTION_COMPLETED"), "{kinds:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_goes_through_four_kinds_of_trouble() {
    let server = temporal().await;

    let told = tell(&server, Story::of("control", "")).await;
    assert_eq!((told.status, told.grants(), told.effects()), (WorkflowStatus::Completed, 1, 1));
    assert_eq!(told.replies(), ["200 T1", "200 T1"]);
    assert!(told.failures().is_empty());

    let expiry = at_first_success("time.pass: { until: token-expiry }");
    assert_recovered_by_one_refresh(&tell(&server, Story::of("expiry", &expiry)).await);

    let early = at_first_success("api.refuse_token: {}");
    assert_recovered_by_one_refresh(&tell(&server, Story::of("early-refusal", &early)).await);

    let revoked = at_first_success("idp.revoke: {}");
    let story = Story { validation: Validation::Introspect, ..Story::of("revocation", &revoked) };
    assert_recovered_by_one_refresh(&tell(&server, story).await);

    let told = tell(&server, Story::of("revocation-offline", &revoked)).await;
    assert_eq!(told.replies(), ["200 T1", "200 T1"], "who validates offline does not notice until `exp`");
    assert_eq!((told.progress[0].fired, told.progress[0].bit), (1, 0), "fired, and nobody felt it: no proof");

    let outage = "faults: [{ when: { event: idp.request }, do: { idp.respond: { status: 503, times: 2 } } }]";
    let told = tell(&server, Story::of("outage", outage)).await;
    assert_eq!((told.status, told.effects()), (WorkflowStatus::Completed, 1));
    told.assert_bit_once();
    assert_eq!(told.failures(), ["IdpUnavailable", "IdpUnavailable"], "a transient fault is no permanent one");
    assert_eq!(told.replies(), ["200 T1", "200 T1"]);

    let disabled = at_first_success("idp.disable: {}");
    let story = Story { validation: Validation::Introspect, ..Story::of("client-disabled", &disabled) };
    let told = tell(&server, story).await;
    assert_eq!(told.status, WorkflowStatus::Failed, "a permanent refusal is said, not retried for ever");
    assert_eq!(told.failures(), ["TokenExpired", "TokenRevoked"]);
    assert_eq!(told.effects(), 0);
    assert_eq!(told.failed_checks(Outcome::Failed), [""; 0]);
    assert_eq!(told.failed_checks(Outcome::Completed), ["recovers"], "the outcome is the scenario's to say");

    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mistake_is_found_by_the_check_that_is_for_it() {
    let server = temporal().await;
    for (defect, check) in [
        ("reuses-refused-token", "no-refused-reuse"),
        ("untyped-failures", "diagnosable"),
        ("token-in-message", "no-secret-leaks"),
        ("refusal-is-fatal", "recovers"),
    ] {
        let faults = at_first_success("api.refuse_token: {}");
        let told = tell(&server, Story { defect, ..Story::of(defect, &faults) }).await;
        assert_eq!(told.failed_checks(Outcome::Completed), [check], "{defect}: {:?}", told.replies());

        let control = tell(&server, Story { defect, ..Story::of(check, "") }).await;
        assert_eq!(control.failed_checks(Outcome::Completed), [""; 0], "{defect} shows under the fault only");
    }
    server.stop().await;
}

/// A scenario's transcript is the same in each run, and each of these mistakes changes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transcript_tells_mistakes_apart_and_nothing_else() {
    let server = temporal().await;
    let refused = at_first_success("api.refuse_token: {}");
    // The name is the workflow's id, of which the server keeps one.
    let story = |defect, n: u32| Story { defect, ..Story::of(format!("transcript-{defect}-{n}").leak(), &refused) };
    let correct = tell(&server, story("", 1)).await.assert_transcript("early-refusal");
    for n in 2..=20 {
        assert_eq!(tell(&server, story("", n)).await.assert_transcript("early-refusal"), correct, "run {n}");
    }
    for defect in ["refreshes-twice", "reuses-refused-token", "ships-twice"] {
        assert_ne!(tell(&server, story(defect, 1)).await.assert_transcript(defect), correct, "{defect}");
    }
    server.stop().await;
}
