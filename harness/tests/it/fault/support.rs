//! A lab of nothing but a journal, an engine and controls that write down what they are told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokenlapse::fault::{
    Controls, Engine, Expiry, LinkFault, Operation, Plan, Progress, Revocation, ServerFault, TokenLifetime,
};
use tokenlapse::journal::{
    Act, Answer, ApiRequest, ApiResponse, Call, Clock, Directive, Effect, Event, IdpRequest, IdpResponse, IdpToken,
    Instance, Journal, TokenChange, TokenKind, TokenName,
};
use tokenlapse::scenario::{Facts, LinkEnd, RetryAfter, Scenario, Target, resolve};

/// The plan of a scenario file that goes on so after its head.
pub(crate) fn plan(rest: &str) -> Plan {
    let target = "target: t\nworker: { command: [./w, '{temporal.token_file}'] }\nworkload: { workflow: W }\npolicy: { refresh: on-retry }\n";
    let target = Target::parse(target, "target.yaml").expect("a target");
    let text = format!("scenario: s\nfamily: f\ntitle: T\n{rest}\n");
    let scenario = Scenario::parse(&text, "s.yaml").unwrap_or_else(|errors| panic!("{errors:?}"));
    let facts = Facts { movable_worker_clock: true, ..Facts::default() };
    Plan::of(&resolve(&target, &scenario, &facts).expect("nothing is missing"), 1)
}

/// Writes down what it is told to do.
#[derive(Clone, Default)]
pub(crate) struct Said(Arc<Mutex<Vec<String>>>, Option<Journal>);

impl Said {
    fn say(&self, what: String) {
        self.0.lock().expect("no panic").push(what);
    }

    fn told(&self, what: String) -> Effect {
        self.say(what);
        Box::pin(async {})
    }

    fn moved(&self, clock: Clock) {
        self.record(Event::ClockMoved { clock, offset_ms: 1 });
    }

    fn record(&self, event: Event) {
        if let Some(journal) = &self.1 {
            drop(journal.record(event));
        }
    }
}

impl Controls for Said {
    fn now_ms(&self, _: Clock) -> i64 {
        1_700_000_000_500
    }
    fn too_many_requests(&self, after: u32, come_back: Option<&RetryAfter>) -> Directive {
        self.say(format!("one too many after {after}, {come_back:?}"));
        let answer = Answer { status: 429, headers: vec![], body: String::new() };
        Directive { act: Act::Answer(answer), ..Directive::default() }
    }
    fn until_expiry(&self, of: Expiry<'_>) -> Option<Duration> {
        match of {
            Expiry::Token(_) => Some(Duration::from_secs(300)),
            Expiry::Last => None,
        }
    }
    fn pass_time(&mut self, by: Duration) {
        self.say(format!("pass {by:?}"));
        // As a lab does it: first what comes of the move.
        if by > Duration::from_secs(300) {
            self.record(token("T1", TokenChange::Expired));
        }
        self.moved(Clock::Idp);
    }
    fn sit_out(&mut self, by: Duration) -> Effect {
        self.told(format!("sit out {by:?}"))
    }
    fn skew(&mut self, clock: Clock, by_ms: i64) {
        self.say(format!("skew {clock:?} {by_ms}"));
        self.moved(clock);
    }
    fn cut_polls(&mut self, code: Option<i32>) -> Effect {
        self.told(format!("cut polls {code:?}"))
    }
    fn go_away(&mut self, grace: Duration) {
        self.say(format!("go away {grace:?}"));
    }
    fn require_bearer(&mut self, required: bool) {
        self.say(format!("require bearer {required}"));
    }
    fn drift(&mut self, clock: Clock, ms_per_second: i64) {
        self.say(format!("drift {clock:?} {ms_per_second}"));
    }
    fn revoke(&mut self, what: &Revocation) {
        let Revocation { which, kind, client, subject } = what;
        self.say(format!("revoke {which:?} {kind:?} {client:?} {subject:?}"));
    }
    fn disable_client(&mut self, client: Option<&str>) {
        self.say(format!("disable {client:?}"));
    }
    fn grant_access(&mut self, client: Option<&str>) {
        self.say(format!("consent {client:?}"));
    }
    fn reuse_refresh_token(&mut self, client: Option<&str>) {
        self.say(format!("reuse {client:?}"));
    }
    fn set_lifetime(&mut self, lifetime: Option<TokenLifetime>) {
        self.say(format!("lifetime {:?}", lifetime.map(|it| (it.lives, it.stated))));
    }
    fn rotate_secret(&mut self, overlap: Duration) {
        self.say(format!("rotate secret {overlap:?}"));
    }
    fn rotate_keys(&mut self, keep_old: bool) {
        self.say(format!("rotate keys {keep_old}"));
    }
    fn refuse_at_api(&mut self, token: &TokenName) {
        self.say(format!("refuse {token}"));
    }
    fn break_link(&mut self, end: LinkEnd, fault: LinkFault) -> bool {
        self.say(format!("break {end:?} {fault:?}"));
        true
    }
    fn mend_link(&mut self, end: LinkEnd, fault: LinkFault) {
        self.say(format!("mend {end:?} {fault:?}"));
    }
    fn kill_worker(&mut self, instance: Option<&str>) -> Effect {
        self.told(format!("kill {instance:?}"))
    }
    fn stop_worker(&mut self, instance: Option<&str>, notice: Option<Duration>) -> Effect {
        self.told(format!("stop {instance:?} {notice:?}"))
    }
    fn freeze_worker(&mut self, instance: Option<&str>) -> Effect {
        self.told(format!("freeze {instance:?}"))
    }
    fn resume_worker(&mut self, instance: Option<&str>) -> Effect {
        self.told(format!("resume {instance:?}"))
    }
    fn restart_worker(&mut self, instance: Option<&str>, notice: Option<Duration>) -> Effect {
        self.told(format!("restart {instance:?} {notice:?}"))
    }
    fn hurt_server(&mut self, fault: ServerFault) -> Effect {
        self.told(format!("server {fault:?}"))
    }
    fn operate(&mut self, Operation { workflows, deed }: Operation) -> Effect {
        self.told(format!("{deed:?} {}", workflows.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")))
    }
}

pub(crate) struct Lab {
    pub(crate) journal: Journal,
    said: Said,
    progress: Arc<Mutex<Vec<Progress>>>,
}

impl Lab {
    /// A lab of the plan of [`plan`], whose workload has started.
    pub(crate) fn with(rest: &str) -> Self {
        let lab = Self::before(plan(rest));
        lab.send(Event::WorkloadStarted { count: 1 });
        lab
    }

    /// A lab in which nothing has happened.
    pub(crate) fn before(plan: Plan) -> Self {
        Self::of(plan, Said::default(), Journal::in_memory())
    }

    /// The same, where moves of clocks are recorded, and the expiry of `T1` once 300 s have passed at once.
    pub(crate) fn with_clocks(plan: Plan) -> Self {
        let journal = Journal::in_memory();
        Self::of(plan, Said(Arc::default(), Some(journal.clone())), journal)
    }

    fn of(plan: Plan, said: Said, journal: Journal) -> Self {
        let (engine, progress) = Engine::new(journal.clone(), Box::new(said.clone()), plan);
        journal.intervene_with(engine);
        Self { journal, said, progress }
    }

    pub(crate) fn send(&self, event: Event) -> Directive {
        futures::executor::block_on(self.journal.record(event).settled())
    }

    /// What the controls were told since the last call.
    pub(crate) fn said(&self) -> Vec<String> {
        std::mem::take(&mut self.said.0.lock().expect("no panic"))
    }

    /// How often the fault fired and bit, and whether nothing of it is left.
    pub(crate) fn counts(&self, index: usize) -> (u32, u32, bool) {
        let progress = &self.progress.lock().expect("no panic")[index];
        (progress.fired, progress.bit, progress.healed)
    }

    pub(crate) fn kinds_since(&self, seq: usize) -> Vec<&'static str> {
        self.journal.records()[seq..].iter().map(|record| record.event.kind()).collect()
    }
}

pub(crate) fn token_request(token: Option<&str>) -> IdpRequest {
    IdpRequest {
        call: Call(1),
        instance: Instance::of("w1", 1),
        endpoint: "token".into(),
        grant: Some("client_credentials".into()),
        client: Some("c1".into()),
        scope: None,
        audience: None,
        token: token.map(TokenName::from),
    }
}

pub(crate) fn request() -> Event {
    Event::IdpRequest(token_request(None))
}

pub(crate) fn grant(issued: &[&str]) -> Event {
    Event::IdpResponse(IdpResponse {
        request: token_request(None),
        status: 200,
        error: None,
        reason: None,
        issued: issued.iter().map(|&token| token.into()).collect(),
        retry_after_ms: None,
        fault: None,
    })
}

/// The end of what [`grant`] and [`request`] are of.
pub(crate) fn sent(unaltered: bool) -> Event {
    Event::HttpDone { call: token_request(None).call, delivered: true, unaltered }
}

pub(crate) fn refusal(token: Option<&str>, error: &str) -> Event {
    Event::IdpResponse(IdpResponse {
        request: token_request(token),
        status: 400,
        error: Some(error.into()),
        reason: None,
        issued: vec![],
        retry_after_ms: None,
        fault: None,
    })
}

pub(crate) fn token(token: &str, change: TokenChange) -> Event {
    Event::IdpToken(IdpToken {
        token: token.into(),
        token_kind: if token.starts_with('R') { TokenKind::Refresh } else { TokenKind::Access },
        change,
        client: "c1".into(),
        sub: "c1".into(),
        scopes: vec![],
        expires_at_ms: None,
        reason: None,
    })
}

pub(crate) fn issued(name: &str) -> Event {
    token(name, TokenChange::Issued)
}

pub(crate) fn api_request(worker: &str, token: &str) -> ApiRequest {
    ApiRequest {
        call: Call(2),
        instance: Instance::of(worker, 1),
        route: Some("GET /orders/{id}".into()),
        target: "GET /orders/1".into(),
        token: Some(token.into()),
        sub: Some("c1".into()),
        workflow: None,
        refused: None,
    }
}

pub(crate) fn api(worker: &str, token: &str, status: u16, refused: Option<&str>) -> Event {
    Event::ApiResponse(ApiResponse {
        request: ApiRequest { refused: refused.map(Into::into), ..api_request(worker, token) },
        status,
        error: None,
        effect: None,
        retry_after_ms: None,
        fault: None,
    })
}

/// A reply of the API to a request of this workflow.
pub(crate) fn api_of(workflow: &str, token: &str) -> Event {
    let Event::ApiResponse(mut reply) = api("w1", token, 200, None) else { unreachable!("it is a reply") };
    reply.request.workflow = Some(workflow.into());
    Event::ApiResponse(reply)
}

pub(crate) fn attempt_failed() -> Event {
    let event = serde_json::json!({
        "kind": "activity.failed", "instance": "w1.1", "workflow": "w", "activity": "1", "type": "A", "attempt": 1,
        "failure": {"message": "connection refused"}
    });
    serde_json::from_value(event).expect("an event")
}

/// An attempt of activity `1` of workflow `w` begins.
pub(crate) fn attempt_started(attempt: u32) -> Event {
    let event = serde_json::json!({
        "kind": "activity.started", "instance": "w1.1", "workflow": "w", "activity": "1", "type": "A", "attempt": attempt,
    });
    serde_json::from_value(event).expect("an event")
}

/// Temporal has done this to workflow `w`, or to its activity `1`.
pub(crate) fn operated(operation: &str, refused: Option<&str>) -> Event {
    Event::TemporalOperation {
        operation: operation.into(),
        workflow: "w".into(),
        activity: operation.starts_with("activity.").then(|| "1".into()),
        refused: refused.map(Into::into),
    }
}

pub(crate) fn exited(worker: &str, expected: bool) -> Event {
    Event::WorkerExited { instance: Instance::of(worker, 1), code: None, signal: Some(9), expected }
}

pub(crate) fn unavailable() -> Answer {
    Answer { status: 503, headers: vec![], body: String::new() }
}
