//! Journals written by hand.

use serde_json::{Value, json};
use tokenlapse::check::{Judgement, Verdict, judge};
use tokenlapse::journal::{
    AnswerCount, Contents, ControlFacts, EffectCount, Event, Record, Run, RunEnd, RunHeader, SCHEMA_VERSION, Seq,
    Sighting,
};
use tokenlapse::scenario::{Facts, Resolved, Scenario, Target, resolve};

/// A target with everything that checks look at.
pub(crate) const TARGET: &str = r#"
target: sample
worker: { command: [./worker], restart: never }
client: { id: worker, grant: client_credentials, scopes: [orders.read, orders.write] }
workload: { workflow: Sync, count: 2 }
api:
  correlate: { header: X-Workflow-Id }
  routes:
    - { route: "GET /orders/{id}", scopes: [orders.read] }
    - { route: "POST /orders/{id}/ship", scopes: [orders.write], effect: true }
activities: { Fetch: [orders.read], Ship: [orders.write] }
policy:
  refresh: on-retry
  attempts: 3
  error_types:
    expired: [TokenExpired]
    revoked: [TokenRevoked]
    scope: [InsufficientScope]
    rate: [RateLimited]
    unavailable: [IdpUnavailable, ApiUnavailable]
"#;

/// A scenario with one fault.
pub(crate) const SCENARIO: &str = r#"
scenario: sample
family: expiry
title: A token expires
faults:
  - when: { event: api.response, nth: 1 }
    do: { time.pass: { until: token-expiry } }
expect: { outcome: completed }
"#;

fn resolved(target: &str, scenario: &str) -> Resolved {
    let target = Target::parse(target, "target.yaml").expect("a target");
    let scenario = Scenario::parse(scenario, "scenario.yaml").expect("a scenario");
    resolve(&target, &scenario, &Facts::default()).expect("they fit")
}

/// An event with its time.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) at_us: u64,
    pub(crate) event: Event,
    pub(crate) sightings: Vec<Sighting>,
}

/// Writes a journal, event by event, of worker instance `w1.1` unless said otherwise. Each event takes a millisecond.
#[derive(Clone)]
pub(crate) struct Tale {
    target: String,
    scenario: String,
    control: Option<ControlFacts>,
    instance: String,
    now_us: u64,
    pub(crate) calls: u64,
    pub(crate) told: Vec<Told>,
}

impl Default for Tale {
    fn default() -> Self {
        let ships = |n: u32| EffectCount { n: Some(n), target: format!("POST /orders/{n}/ship"), count: 1 };
        Self {
            target: TARGET.to_owned(),
            scenario: SCENARIO.to_owned(),
            control: Some(ControlFacts {
                completed: true,
                effects: vec![ships(1), ships(2)],
                answered: vec![AnswerCount { target: "GET /orders/1".to_owned(), count: 1 }],
                ..ControlFacts::default()
            }),
            instance: "w1.1".to_owned(),
            now_us: 0,
            calls: 0,
            told: Vec::new(),
        }
    }
}

impl Tale {
    /// The same against a target whose file says `to` where it said `from`.
    pub(crate) fn target(mut self, from: &str, to: &str) -> Self {
        assert!(self.target.contains(from), "{from}");
        self.target = self.target.replace(from, to);
        self
    }

    /// The same for the scenario.
    pub(crate) fn scenario(mut self, from: &str, to: &str) -> Self {
        assert!(self.scenario.contains(from), "{from}");
        self.scenario = self.scenario.replace(from, to);
        self
    }

    pub(crate) fn control(mut self, control: Option<ControlFacts>) -> Self {
        self.control = control;
        self
    }

    /// A client with a user's refresh token, which is rotated.
    pub(crate) fn with_refresh_tokens(self) -> Self {
        self.target("grant: client_credentials", "subject: user-1, rotation: true, grant: refresh_token")
    }

    /// Who does what follows.
    pub(crate) fn on(mut self, instance: &str) -> Self {
        self.instance = instance.to_owned();
        self
    }

    pub(crate) fn wait(mut self, ms: u64) -> Self {
        self.now_us += ms * 1000;
        self
    }

    pub(crate) fn then(mut self, event: Value) -> Self {
        self.now_us += 1000;
        let event = serde_json::from_value(event).expect("an event");
        self.told.push(Told { at_us: self.now_us, event, sightings: vec![] });
        self
    }

    fn attempt(&self, kind: &str, workflow: &str, activity: &str, attempt: u32) -> Value {
        let id = if activity == "Fetch" { "1" } else { "2" };
        json!({
            "kind": kind, "instance": self.instance, "workflow": workflow, "activity": id, "type": activity,
            "attempt": attempt, "result": null,
        })
    }

    pub(crate) fn start(self, workflow: &str, activity: &str, attempt: u32) -> Self {
        let event = self.attempt("activity.started", workflow, activity, attempt);
        self.then(event)
    }

    pub(crate) fn complete(self, workflow: &str, activity: &str, attempt: u32) -> Self {
        let event = self.attempt("activity.completed", workflow, activity, attempt);
        self.then(event)
    }

    pub(crate) fn fail(self, workflow: &str, activity: &str, attempt: u32, failure_type: &str) -> Self {
        self.fail_with(workflow, activity, attempt, json!({"message": "it failed", "type": failure_type}))
    }

    pub(crate) fn fail_with(self, workflow: &str, activity: &str, attempt: u32, failure: Value) -> Self {
        let mut event = self.attempt("activity.failed", workflow, activity, attempt);
        event["failure"] = failure;
        self.then(event)
    }

    /// A request to the API with its reply. Fields of `extra` are added to both; `delivered: false` loses the reply,
    /// `silent: true` tells nothing of it.
    pub(crate) fn api(mut self, target: &str, token: &str, status: u16, workflow: Option<&str>, extra: Value) -> Self {
        self.calls += 1;
        let mut path = target.split('/');
        let route = match (path.next(), path.next(), path.next(), path.next()) {
            (Some(method), Some("orders"), Some(_), Some(rest)) => format!("{method}/orders/{{id}}/{rest}"),
            (Some(method), Some("orders"), Some(_), None) => format!("{method}/orders/{{id}}"),
            _ => target.to_owned(),
        };
        let mut request = json!({
            "kind": "api.request", "call": self.calls, "instance": self.instance, "target": target, "route": route,
            "token": token, "workflow": workflow,
        });
        if status == 401 {
            request["refused"] = "expired".into();
        }
        self.exchange(request, status, extra)
    }

    /// A request to the token endpoint with its reply, which brings `issued`.
    pub(crate) fn grant(self, status: u16, issued: &[&str], extra: Value) -> Self {
        let mut tale = self;
        tale.calls += 1;
        let request = json!({
            "kind": "idp.request", "call": tale.calls, "instance": tale.instance, "endpoint": "token",
            "grant": "client_credentials", "client": "worker",
        });
        let mut extra = extra;
        for token in issued {
            let (client, sub) =
                (extra["client"].as_str().unwrap_or("worker"), extra["sub"].as_str().unwrap_or("worker"));
            let scopes = extra["scope"].as_str().unwrap_or("orders.read orders.write");
            let kind = if token.starts_with('R') { "refresh" } else { "access" };
            let event = json!({
                "kind": "idp.token", "token": token, "token_kind": kind, "change": "issued", "client": client,
                "sub": sub, "scopes": scopes.split(' ').collect::<Vec<_>>(),
            });
            tale = tale.then(event);
        }
        extra["issued"] = issued.into();
        tale.exchange(request, status, extra)
    }

    fn exchange(self, mut request: Value, status: u16, extra: Value) -> Self {
        for (name, value) in extra.as_object().cloned().unwrap_or_default() {
            request[name] = value;
        }
        let mut reply = request.clone();
        reply["kind"] = request["kind"].as_str().expect("a kind").replace("request", "response").into();
        reply["status"] = status.into();
        let call = request["call"].clone();
        let tale = self.then(request).then(reply);
        match (&extra["delivered"], &extra["silent"]) {
            (_, Value::Bool(true)) => tale,
            (delivered, _) => {
                let delivered = delivered.as_bool().unwrap_or(true);
                tale.then(json!({"kind": "http.done", "call": call, "delivered": delivered}))
            }
        }
    }

    pub(crate) fn get(self, token: &str, status: u16) -> Self {
        self.api("GET /orders/1", token, status, Some("a"), json!({}))
    }

    pub(crate) fn ship(self, token: &str, status: u16) -> Self {
        let extra = if status < 300 { json!({"effect": "a/2"}) } else { json!({}) };
        self.api("POST /orders/1/ship", token, status, Some("a"), extra)
    }

    pub(crate) fn dies(self, token: &str, change: &str) -> Self {
        let kind = if token.starts_with('R') { "refresh" } else { "access" };
        self.then(json!({
            "kind": "idp.token", "token": token, "token_kind": kind, "change": change, "client": "worker",
            "sub": "worker", "scopes": [],
        }))
    }

    pub(crate) fn opened(self, workflow: &str, n: u32) -> Self {
        self.then(json!({"kind": "workflow.started", "workflow": workflow, "n": n}))
    }

    pub(crate) fn closed(self, workflow: &str, status: &str) -> Self {
        self.then(json!({"kind": "workflow.closed", "workflow": workflow, "status": status}))
    }

    pub(crate) fn fired(self, fault: &str, action: &str) -> Self {
        self.then(json!({"kind": "fault.fired", "fault": fault, "action": action, "trigger": null}))
    }

    pub(crate) fn healed(self, fault: &str) -> Self {
        self.then(json!({"kind": "fault.healed", "fault": fault}))
    }

    /// Begins a long poll.
    pub(crate) fn poll(mut self, rpc: &str) -> Self {
        self.calls += 1;
        let event = json!({"kind": "gate.rpc", "call": self.calls, "instance": self.instance, "rpc": rpc});
        self.then(event)
    }

    /// Ends the poll that was begun last.
    pub(crate) fn polled(self, rpc: &str) -> Self {
        let event =
            json!({"kind": "gate.rpc_done", "call": self.calls, "instance": self.instance, "rpc": rpc, "code": 0});
        self.then(event)
    }

    pub(crate) fn finished(self) -> Self {
        self.then(json!({"kind": "workload.finished"}))
    }

    /// The lab has done its part. What the journal holds is counted when it is written: [`Tale::records`].
    pub(crate) fn ended(self) -> Self {
        self.then(json!({"kind": "run.ended", "end": "complete", "records": 0, "histories": {}}))
    }

    /// The history's event that schedules an activity.
    pub(crate) fn scheduled(self, workflow: &str, activity: &str, attributes: Value) -> Self {
        let mut attributes = attributes;
        attributes["activity_id"] = if activity == "Fetch" { "1".into() } else { "2".into() };
        self.then(json!({
            "kind": "history.event", "workflow": workflow, "event_id": 5, "event": "ACTIVITY_TASK_SCHEDULED",
            "attributes": {"attributes": {"ActivityTaskScheduledEventAttributes": attributes}},
        }))
    }

    /// The journal, its header first.
    pub(crate) fn records(&self) -> Vec<Record> {
        let header = Told {
            at_us: 0,
            event: Event::RunStarted(Box::new(RunHeader {
                schema: SCHEMA_VERSION,
                run: "20260601-120000-0000".into(),
                scenario: "sample".into(),
                seed: "1".into(),
                temporal: "none".into(),
                resolved: serde_json::to_value(resolved(&self.target, &self.scenario)).expect("JSON"),
                target: serde_json::to_value(Target::parse(&self.target, "target.yaml").expect("a target"))
                    .expect("JSON"),
                control: self.control.clone(),
            })),
            sightings: vec![],
        };
        let numbered = [header].into_iter().chain(self.told.iter().cloned()).zip(1..);
        let records = numbered.map(|(told, seq)| Record {
            seq: Seq(seq),
            at_us: told.at_us,
            cause: None,
            event: told.event,
            sightings: told.sightings,
        });
        let mut records: Vec<Record> = records.collect();
        if let Some((last, before)) = records.split_last_mut()
            && let Event::RunEnded(RunEnd::Complete(contents)) = &mut last.event
        {
            *contents = Contents::of(&*before);
        }
        records
    }

    pub(crate) fn verdicts(&self) -> Vec<Verdict> {
        judge(&Run::new(&self.records()))
    }

    pub(crate) fn verdict(&self, check: &str) -> Verdict {
        self.verdicts().into_iter().find(|verdict| verdict.check == check).expect("registered")
    }

    /// `pass`, `fail`, `not_applicable` or `inconclusive`.
    pub(crate) fn judged(&self, check: &str) -> &'static str {
        self.verdict(check).judgement.name()
    }

    /// What the first finding says, with its events; the check has to fail.
    pub(crate) fn found(&self, check: &str) -> (String, Vec<u64>) {
        match self.verdict(check).judgement {
            Judgement::Fail(findings) => {
                let events = findings[0].events.iter().map(|seq| seq.0).collect();
                (findings[0].what.clone(), events)
            }
            other => panic!("{check} has to fail, it says {other:?}"),
        }
    }
}

/// A worker that does all as it should: a token expires, the retry gets another one.
pub(crate) fn recovery() -> Tale {
    Tale::default()
        .then(json!({"kind": "worker.started", "instance": "w1.1", "command": ["./worker"]}))
        .poll("PollActivityTaskQueue")
        .poll("PollWorkflowTaskQueue")
        .opened("a", 1)
        .start("a", "Fetch", 1)
        .grant(200, &["T1"], json!({"scope": "orders.read orders.write"}))
        .get("T1", 200)
        .dies("T1", "expired")
        .fired("f1", "time.pass")
        .complete("a", "Fetch", 1)
        .start("a", "Ship", 1)
        .ship("T1", 401)
        .fail("a", "Ship", 1, "TokenExpired")
        .start("a", "Ship", 2)
        .grant(200, &["T2"], json!({"scope": "orders.read orders.write"}))
        .ship("T2", 201)
        .complete("a", "Ship", 2)
        .closed("a", "completed")
        .finished()
}
