//! Journals written by hand, as what one workflow after another does.

use serde_json::{Value, json};
use tokenlapse::journal::{Contents, Event, Record, Run, RunEnd, Seq, transcript};

/// What one workflow, its worker and its client do, event by event. Names of tokens, workflow and worker end in `n`.
#[derive(Clone)]
pub(super) struct Lane {
    n: u64,
    worker: String,
    calls: u64,
    pub(super) activity: (u32, &'static str),
    pub(super) events: Vec<Value>,
}

impl Lane {
    pub(super) fn of(n: u64) -> Self {
        Self { n, worker: format!("w{n}.1"), calls: 0, activity: (0, ""), events: vec![] }.then(json!({
            "kind": "workflow.started", "workflow": format!("run-{n}"), "n": n,
        }))
    }

    pub(super) fn on(mut self, worker: &str) -> Self {
        self.worker = worker.into();
        self
    }

    pub(super) fn then(mut self, event: Value) -> Self {
        self.events.push(event);
        self
    }

    pub(super) fn token(&self, token: &str) -> String {
        format!("{token}0{}", self.n)
    }

    pub(super) fn attempt(&self, kind: &str, attempt: u32) -> Value {
        json!({
            "kind": kind, "instance": self.worker, "workflow": format!("run-{}", self.n), "result": null,
            "activity": self.activity.0.to_string(), "type": self.activity.1, "attempt": attempt,
        })
    }

    pub(super) fn started(mut self, activity: &'static str, attempt: u32) -> Self {
        if attempt == 1 {
            self.activity = (self.activity.0 + 1, activity);
        }
        let event = self.attempt("activity.started", attempt);
        self.then(event)
    }

    pub(super) fn completed(self, attempt: u32) -> Self {
        let event = self.attempt("activity.completed", attempt);
        self.then(event)
    }

    pub(super) fn failed(self, attempt: u32, kind: &str) -> Self {
        let mut event = self.attempt("activity.failed", attempt);
        event["failure"] = json!({"message": format!("of {} at 127.0.0.1:4711", self.n), "type": kind});
        self.then(event)
    }

    /// A request with its reply; `more` is added to the reply.
    pub(super) fn request(mut self, route: &str, token: &str, status: u16, more: Value) -> Self {
        self.calls += 1;
        let mut event = json!({
            "kind": "api.request", "call": self.n * 1000 + self.calls, "instance": self.worker, "route": route,
            "target": route.replace("{id}", &self.n.to_string()), "token": self.token(token),
            "workflow": format!("run-{}", self.n),
        });
        let refusal = if status == 401 { json!({"refused": "expired", "error": "invalid_token"}) } else { json!({}) };
        add(&mut event, &refusal);
        let mut reply = event.clone();
        add(&mut reply, &json!({"kind": "api.response", "status": status}));
        add(&mut reply, &more);
        self.then(event).then(reply)
    }

    pub(super) fn fetch(self, token: &str) -> Self {
        self.request("GET /orders/{id}", token, 200, json!({}))
    }

    pub(super) fn ship(self, token: &str, key: &str) -> Self {
        let key = format!("{key}-{}", self.n);
        self.request("POST /orders/{id}/ship", token, 201, json!({"effect": key}))
    }

    pub(super) fn refused(self, token: &str) -> Self {
        self.request("POST /orders/{id}/ship", token, 401, json!({}))
    }

    pub(super) fn asks(mut self, more: Value) -> (Self, Value) {
        self.calls += 1;
        let mut event = json!({
            "kind": "idp.request", "call": self.n * 1000 + self.calls, "instance": self.worker, "endpoint": "token",
            "grant": "client_credentials", "client": "c-9f2",
        });
        add(&mut event, &more);
        (self.then(event.clone()), event)
    }

    pub(super) fn change(self, token: &str, change: &str) -> Self {
        let kind = if token.starts_with('R') { "refresh" } else { "access" };
        let event = json!({
            "kind": "idp.token", "token": self.token(token), "token_kind": kind, "change": change, "client": "c-9f2",
            "sub": "c-9f2", "scopes": ["orders.read"], "expires_at_ms": 1_700_000_000_000_u64 + self.n,
        });
        self.then(event)
    }

    pub(super) fn grant(self, token: &str) -> Self {
        let (lane, mut reply) = self.asks(json!({}));
        let issued = [lane.token(token)];
        add(&mut reply, &json!({"kind": "idp.response", "status": 200, "issued": issued}));
        lane.change(token, "issued").then(reply)
    }

    pub(super) fn grant_fails(self, status: u16, error: Option<&str>) -> Self {
        let (lane, mut reply) = self.asks(json!({}));
        add(&mut reply, &json!({"kind": "idp.response", "status": status, "error": error}));
        lane.then(reply)
    }

    pub(super) fn closed(self, status: &str) -> Self {
        let event = json!({"kind": "workflow.closed", "workflow": format!("run-{}", self.n), "status": status});
        self.then(event)
    }

    pub(super) fn fetched(self) -> Self {
        self.started("FetchOrder", 1).grant("T1").fetch("T1").completed(1)
    }

    /// Reads with one token, is refused, asks for another one on the retry, and ships.
    pub(super) fn recovers(self) -> Self {
        self.recovers_with(|lane| lane.grant("T2").ship("T2", "key"))
    }

    /// As [`Self::recovers`], with something else in the second attempt.
    pub(super) fn recovers_with(self, second: impl FnOnce(Self) -> Self) -> Self {
        let refused = self.fetched().change("T1", "expired").started("ShipOrder", 1).refused("T1");
        second(refused.failed(1, "TokenExpired").started("ShipOrder", 2)).completed(2).closed("completed")
    }
}

pub(super) fn add(event: &mut Value, more: &Value) {
    let fields = more.as_object().expect("an object");
    event.as_object_mut().expect("an object").extend(fields.clone());
}

pub(super) fn header(resolved: &Value) -> Value {
    json!({
        "kind": "run.started", "schema": 2, "run": "r-77", "scenario": "expiry-between-activities", "seed": "7",
        "temporal": "dev", "resolved": resolved, "target": {},
    })
}

pub(super) fn records(events: impl IntoIterator<Item = Value>) -> Vec<Record> {
    let numbered = (1..).zip(events).map(|(seq, event)| Record {
        seq: Seq(seq),
        at_us: seq * 17,
        cause: None,
        event: serde_json::from_value(event).expect("an event"),
        sightings: vec![],
    });
    numbered.collect()
}

pub(super) fn told_with(resolved: &Value, events: impl IntoIterator<Item = Value>) -> String {
    let mut events: Vec<Value> = [header(resolved)].into_iter().chain(events).collect();
    let whole = RunEnd::Complete(Contents::of(&records(events.clone())));
    events.push(serde_json::to_value(Event::RunEnded(whole)).expect("JSON"));
    transcript(&Run::new(&records(events)))
}

pub(super) fn told(events: impl IntoIterator<Item = Value>) -> String {
    told_with(&json!({}), events)
}

pub(super) fn all(lanes: Vec<Lane>) -> Vec<Value> {
    lanes.into_iter().flat_map(|lane| lane.events).collect()
}
