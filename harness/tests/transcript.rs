//! Transcripts of hand-written journals: what shows, and what makes no difference.

use proptest::prelude::*;
use serde_json::{Value, json};
use tokenlapse::journal::{Contents, Event, Record, Run, RunEnd, Seq, transcript};

/// What one workflow, its worker and its client do, event by event. Names of tokens, workflow and worker end in `n`.
#[derive(Clone)]
struct Lane {
    n: u64,
    worker: String,
    calls: u64,
    activity: (u32, &'static str),
    events: Vec<Value>,
}

impl Lane {
    fn of(n: u64) -> Self {
        Self { n, worker: format!("w{n}.1"), calls: 0, activity: (0, ""), events: vec![] }.then(json!({
            "kind": "workflow.started", "workflow": format!("run-{n}"), "n": n,
        }))
    }

    fn on(mut self, worker: &str) -> Self {
        self.worker = worker.into();
        self
    }

    fn then(mut self, event: Value) -> Self {
        self.events.push(event);
        self
    }

    fn token(&self, token: &str) -> String {
        format!("{token}0{}", self.n)
    }

    fn attempt(&self, kind: &str, attempt: u32) -> Value {
        json!({
            "kind": kind, "instance": self.worker, "workflow": format!("run-{}", self.n), "result": null,
            "activity": self.activity.0.to_string(), "type": self.activity.1, "attempt": attempt,
        })
    }

    fn started(mut self, activity: &'static str, attempt: u32) -> Self {
        if attempt == 1 {
            self.activity = (self.activity.0 + 1, activity);
        }
        let event = self.attempt("activity.started", attempt);
        self.then(event)
    }

    fn completed(self, attempt: u32) -> Self {
        let event = self.attempt("activity.completed", attempt);
        self.then(event)
    }

    fn failed(self, attempt: u32, kind: &str) -> Self {
        let mut event = self.attempt("activity.failed", attempt);
        event["failure"] = json!({"message": format!("of {} at 127.0.0.1:4711", self.n), "type": kind});
        self.then(event)
    }

    /// A request with its reply; `more` is added to the reply.
    fn request(mut self, route: &str, token: &str, status: u16, more: Value) -> Self {
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

    fn fetch(self, token: &str) -> Self {
        self.request("GET /orders/{id}", token, 200, json!({}))
    }

    fn ship(self, token: &str, key: &str) -> Self {
        let key = format!("{key}-{}", self.n);
        self.request("POST /orders/{id}/ship", token, 201, json!({"effect": key}))
    }

    fn refused(self, token: &str) -> Self {
        self.request("POST /orders/{id}/ship", token, 401, json!({}))
    }

    fn asks(mut self, more: Value) -> (Self, Value) {
        self.calls += 1;
        let mut event = json!({
            "kind": "idp.request", "call": self.n * 1000 + self.calls, "instance": self.worker, "endpoint": "token",
            "grant": "client_credentials", "client": "c-9f2",
        });
        add(&mut event, &more);
        (self.then(event.clone()), event)
    }

    fn change(self, token: &str, change: &str) -> Self {
        let kind = if token.starts_with('R') { "refresh" } else { "access" };
        let event = json!({
            "kind": "idp.token", "token": self.token(token), "token_kind": kind, "change": change, "client": "c-9f2",
            "sub": "c-9f2", "scopes": ["orders.read"], "expires_at_ms": 1_700_000_000_000_u64 + self.n,
        });
        self.then(event)
    }

    fn grant(self, token: &str) -> Self {
        let (lane, mut reply) = self.asks(json!({}));
        let issued = [lane.token(token)];
        add(&mut reply, &json!({"kind": "idp.response", "status": 200, "issued": issued}));
        lane.change(token, "issued").then(reply)
    }

    fn grant_fails(self, status: u16, error: Option<&str>) -> Self {
        let (lane, mut reply) = self.asks(json!({}));
        add(&mut reply, &json!({"kind": "idp.response", "status": status, "error": error}));
        lane.then(reply)
    }

    fn closed(self, status: &str) -> Self {
        let event = json!({"kind": "workflow.closed", "workflow": format!("run-{}", self.n), "status": status});
        self.then(event)
    }

    fn fetched(self) -> Self {
        self.started("FetchOrder", 1).grant("T1").fetch("T1").completed(1)
    }

    /// Reads with one token, is refused, asks for another one on the retry, and ships.
    fn recovers(self) -> Self {
        self.recovers_with(|lane| lane.grant("T2").ship("T2", "key"))
    }

    /// As [`Self::recovers`], with something else in the second attempt.
    fn recovers_with(self, second: impl FnOnce(Self) -> Self) -> Self {
        let refused = self.fetched().change("T1", "expired").started("ShipOrder", 1).refused("T1");
        second(refused.failed(1, "TokenExpired").started("ShipOrder", 2)).completed(2).closed("completed")
    }
}

fn add(event: &mut Value, more: &Value) {
    let fields = more.as_object().expect("an object");
    event.as_object_mut().expect("an object").extend(fields.clone());
}

fn header(resolved: &Value) -> Value {
    json!({
        "kind": "run.started", "schema": 2, "run": "r-77", "scenario": "expiry-between-activities", "seed": "7",
        "temporal": "dev", "resolved": resolved, "target": {},
    })
}

fn records(events: impl IntoIterator<Item = Value>) -> Vec<Record> {
    let numbered = (1..).zip(events).map(|(seq, event)| Record {
        seq: Seq(seq),
        at_us: seq * 17,
        cause: None,
        event: serde_json::from_value(event).expect("an event"),
        sightings: vec![],
    });
    numbered.collect()
}

fn told_with(resolved: &Value, events: impl IntoIterator<Item = Value>) -> String {
    let mut events: Vec<Value> = [header(resolved)].into_iter().chain(events).collect();
    let whole = RunEnd::Complete(Contents::of(&records(events.clone())));
    events.push(serde_json::to_value(Event::RunEnded(whole)).expect("JSON"));
    transcript(&Run::new(&records(events)))
}

fn told(events: impl IntoIterator<Item = Value>) -> String {
    told_with(&json!({}), events)
}

fn all(lanes: Vec<Lane>) -> Vec<Value> {
    lanes.into_iter().flat_map(|lane| lane.events).collect()
}

#[test]
fn a_recovery_is_told_from_its_scenario_to_its_tokens() {
    let resolved = json!({
        "title": "Time passes", "workload": {"workflow": "SyncOrders", "count": 1}, "expect": {"ending": "completed"},
        "faults": [
            {"id": "lapse", "action": {"time.pass": {"until": "token-expiry"}}, "count": 1},
            {"id": "late", "action": {"api.respond": {"status": 503, "times": 1}}, "count": 1},
        ],
    });
    let mut events = Lane::of(1).recovers().events;
    events.push(json!({"kind": "fault.fired", "fault": "lapse", "action": "time.pass", "trigger": 4}));
    events.push(json!({"kind": "fault.bit", "fault": "lapse", "proof": 9}));
    let expected = "\
expiry-between-activities: Time passes
expected: completed
outcome: completed
fault lapse: time.pass, fired 1, bit 1
fault late: api.respond, fired 0, bit 0

workflow SyncOrders: completed
  FetchOrder
    attempt 1
      GET /orders/{id} with T1: 200
      completed
  ShipOrder
    attempt 1
      POST /orders/{id}/ship with T1: 401 invalid_token (expired)
      failed: TokenExpired
    attempt 2
      POST /orders/{id}/ship with T2: 201, effect 1
      completed

client on a worker
  client_credentials: 200, T1 (expired)
  client_credentials: 200, T2
";
    assert_eq!(told_with(&resolved, events), expected);
}

#[test]
fn a_permanent_failure_is_told_with_its_refused_grant() {
    let lane = Lane::of(1).fetched().change("T1", "revoked").started("ShipOrder", 1).refused("T1");
    let lane = lane.failed(1, "TokenExpired").started("ShipOrder", 2).grant_fails(400, Some("invalid_grant"));
    let mut lane = lane.failed(2, "TokenRevoked");
    lane.events.last_mut().expect("a failure")["failure"]["non_retryable"] = true.into();
    let told = told(lane.closed("failed").events);
    let end = "
    attempt 2
      failed: TokenRevoked, not to be retried

client on a worker
  client_credentials: 200, T1 (revoked)
  client_credentials: 400 invalid_grant
";
    assert!(told.contains("outcome: failed\n") && told.ends_with(end), "{told}");
}

/// Each mistake, with the line that only its transcript has.
#[test]
fn each_mistake_shows() {
    let good = told(Lane::of(1).recovers().events);
    let mistakes: [(&str, Lane, &str); 6] = [
        (
            "refreshes twice",
            Lane::of(1).recovers_with(|lane| lane.grant("T2").grant("T3").ship("T3", "key")),
            "  client_credentials: 200, T3\n",
        ),
        (
            "sends the refused token once more",
            Lane::of(1).recovers_with(|lane| {
                lane.refused("T1").failed(2, "TokenExpired").started("ShipOrder", 3).grant("T2").ship("T2", "key")
            }),
            "    attempt 2\n      POST /orders/{id}/ship with T1: 401 invalid_token (expired)\n",
        ),
        (
            "has an effect twice",
            Lane::of(1).recovers_with(|lane| lane.grant("T2").ship("T2", "key").ship("T2", "another")),
            "POST /orders/{id}/ship with T2: 201, effect 2\n",
        ),
        (
            "works on another order",
            Lane::of(1).recovers_with(|lane| {
                let mut lane = lane.grant("T2").ship("T2", "key");
                for event in lane.events.iter_mut().rev().take(2) {
                    event["target"] = "POST /orders/99/ship".into();
                }
                lane
            }),
            "POST /orders/{id 2}/ship with T2: 201, effect 1\n",
        ),
        (
            "names no type",
            Lane::of(1).recovers_with(|lane| lane.grant("T2").failed(2, "")),
            "failed: a failure without",
        ),
        (
            "sends no token",
            Lane::of(1).recovers_with(|lane| {
                let mut lane = lane.refused("T1");
                for event in lane.events.iter_mut().rev().take(2) {
                    add(event, &json!({"token": null, "refused": "missing", "error": null}));
                }
                lane
            }),
            "POST /orders/{id}/ship without a token: 401 (missing)\n",
        ),
    ];
    for (mistake, lane, line) in mistakes {
        let bad = told(lane.events);
        assert!(bad.contains(line), "{mistake}: {bad}");
        assert!(!good.contains(line), "{mistake}: {good}");
    }
}

#[test]
fn symmetric_workflows_are_one_story_and_an_asymmetric_one_stands_apart() {
    let same = told(all((1..=8).map(|n| Lane::of(n).recovers()).collect()));
    let one = told(Lane::of(1).recovers().events);
    let eight = one
        .replace("outcome: completed", "outcome: 8 × completed")
        .replace("\nworkflow:", "\n8 × workflow:")
        .replace("\nclient", "\n8 × client");
    assert_eq!(same, eight);

    let twice = |lane: Lane| lane.grant("T2").ship("T2", "key").ship("T2", "another");
    let lane = |n| if n == 5 { Lane::of(n).recovers_with(twice) } else { Lane::of(n).recovers() };
    let apart = told(all((1..=8).map(lane).collect()));
    let stories: Vec<_> = apart.lines().filter(|line| line.contains("workflow")).collect();
    assert_eq!(stories, ["7 × workflow: completed", "workflow: completed"], "{apart}");
    assert_eq!(apart.matches("effect 2").count(), 1, "{apart}");
}

#[test]
fn which_of_two_workers_serves_an_activity_makes_no_difference() {
    // Both have a token. The second workflow ships on the first worker, or each stays where it is.
    let story = |shipper: &str| {
        let first = Lane::of(1).fetched();
        let second = Lane::of(2).fetched().on(shipper).started("ShipOrder", 1);
        let owner = if shipper == "w1.1" { 1 } else { 2 };
        let mut second = second.ship("T1", "key").completed(1).closed("completed");
        for event in &mut second.events {
            if event["target"] == "POST /orders/2/ship" {
                event["token"] = format!("T10{owner}").into();
            }
        }
        let first = first.started("ShipOrder", 1).ship("T1", "key").completed(1).closed("completed");
        told(all(vec![first, second]))
    };
    assert_eq!(story("w1.1"), story("w2.1"));
}

#[test]
fn requests_that_overlap_have_no_order_and_others_have() {
    let (a, b) = (Lane::of(1).asks(json!({"grant": "a"})), Lane::of(2).on("w1.1").asks(json!({"grant": "b"})));
    let reply = |request: &Value, status: u16| {
        let mut reply = request.clone();
        add(&mut reply, &json!({"kind": "idp.response", "status": status}));
        reply
    };
    let (ra, rb) = (reply(&a.1, 500), reply(&b.1, 400));
    let (a, b) = (a.1, b.1);
    let later = Lane::of(3).on("w1.1").asks(json!({"grant": "0"})).1;
    let overlap =
        |first: [&Value; 2]| told([first[0], first[1], &ra, &rb, &later, &reply(&later, 503)].map(Value::clone));
    assert_eq!(overlap([&a, &b]), overlap([&b, &a]));
    assert!(overlap([&a, &b]).ends_with("  a: 500\n  b: 400\n  0: 503\n"), "{}", overlap([&a, &b]));
    assert_ne!(told([a.clone(), ra.clone(), b.clone(), rb.clone()]), told([b, rb, a, ra]));
}

#[test]
fn a_request_belongs_to_the_workflow_that_it_names_or_to_nobody() {
    // Both attempts are under way on one worker.
    let (a, b) = (Lane::of(1).on("w1.1").started("Ship", 1), Lane::of(2).on("w1.1").started("Ship", 1));
    let sent = |name: Value| {
        let mut events = all(vec![a.clone(), b.clone()]);
        let mut request = Lane::of(2).on("w1.1").fetch("T1").events.split_off(1);
        for event in &mut request {
            event["workflow"] = name.clone();
        }
        events.extend(request);
        told(events)
    };
    let named = sent("run-2".into());
    assert!(named.contains("  Ship\n    attempt 1\n      GET /orders/{id} with T1: 200\n"), "{named}");
    let other = sent("run-3".into());
    assert!(other.contains("did not start: not followed to an end\n  unattributed\n"), "{other}");
    let nobody = sent(Value::Null);
    assert!(nobody.contains("requests that belong to no workflow\n  GET /orders/{id} with T1: 200\n"), "{nobody}");
}

#[test]
fn a_lost_reply_is_told_unless_the_worker_was_gone() {
    let lost = json!({"kind": "http.done", "call": 1002, "delivered": false});
    let exit = json!({"kind": "worker.exited", "instance": "w1.1", "code": null, "signal": 9, "expected": true});
    let start = json!({"kind": "worker.started", "instance": "w1.1", "command": []});
    let lane = Lane::of(1).then(start).started("FetchOrder", 1).grant("T1").fetch("T1");
    let there = told(lane.clone().then(lost.clone()).events);
    assert!(there.contains("with T1: 200, reply lost\n"), "{there}");
    let gone = told(lane.then(exit).then(lost).events);
    assert!(gone.contains("with T1: 200\n      not reported\n"), "{gone}");
    assert!(gone.ends_with("\nworker: started, killed\n"), "{gone}");
}

#[test]
fn refresh_tokens_are_known_by_their_rotations() {
    let rotate = |lane: Lane, from: &str, to: &str| {
        let (lane, mut reply) = lane.clone().asks(json!({"grant": "refresh_token", "token": lane.token(from)}));
        let issued = [lane.token(to)];
        add(&mut reply, &json!({"kind": "idp.response", "status": 200, "issued": issued}));
        lane.change(from, "rotated").change(to, "issued").then(reply)
    };
    let lane = rotate(rotate(Lane::of(1).change("R1", "issued"), "R1", "R2"), "R2", "R3");
    let told = told(lane.events);
    let end = "
client was given
  R1 (rotated)

client on a worker
  refresh_token with R1: 200, R2 (rotated)
  refresh_token with R2: 200, R3
";
    assert!(told.ends_with(end), "{told}");
}

#[test]
fn an_expiry_that_nobody_met_depends_on_how_long_the_run_took() {
    let quick = Lane::of(1).recovers();
    assert_eq!(told(quick.clone().change("T2", "expired").events), told(quick.clone().events));
    assert_ne!(told(quick.clone().change("T2", "revoked").events), told(quick.events));
}

#[test]
fn workers_that_leave_the_lab_or_die_are_told() {
    let attempt = |host: &str, port: u16| json!({"kind": "egress.attempt", "host": host, "port": port});
    let started = json!({"kind": "worker.started", "instance": "w1.1", "command": []});
    let exited = |expected: bool| json!({"kind": "worker.exited", "instance": "w1.1", "code": 0, "signal": null, "expected": expected});
    let ordinary = told([started.clone(), exited(true)]);
    assert_eq!(ordinary, told([]), "one start, one end");
    let by_itself = told([started, exited(false)]);
    assert!(by_itself.ends_with("\nworker: started, exited by itself with code 0\n"), "{by_itself}");
    let left = told([attempt("login.example", 443), attempt("127.0.0.1", 4711), attempt("login.example", 443)]);
    assert!(left.ends_with("leave the lab\n  127.0.0.1\n  login.example:443\n"), "{left}");
}

fn racing(races: &[&str], faults: &Value) -> Value {
    json!({
        "races": races, "workload": {"workflow": "SyncOrders", "count": 8}, "faults": faults,
        "workers": [{"name": "worker", "instances": 1}],
    })
}

#[test]
fn races_are_ranges_by_the_scenario_and_effects_stay_exact() {
    let faults = json!([
        {"id": "hold", "action": {"api.hold": {"until": 8}}, "count": 1, "lasts": "4s"},
        {"id": "f2", "action": {"api.respond": {"status": 503, "times": 2}}, "count": 1, "lasts": null},
    ]);
    let resolved = racing(&["idp.request", "activity.failed"], &faults);
    let fewer = Lane::of(1).recovers_with(|lane| lane.ship("T1", "key"));
    let (one, two) = (told_with(&resolved, fewer.events), told_with(&resolved, Lane::of(1).recovers().events));
    assert_eq!(one, two, "one grant or two");
    assert!(one.contains("  ShipOrder: completed, attempts: 1..3 (races), effect 1\n"), "{one}");
    assert!(one.contains("client, grants of all workers: 1..24 (races)\n"), "{one}");

    let twice = Lane::of(1).recovers_with(|lane| lane.grant("T2").ship("T2", "key").ship("T2", "another"));
    assert!(told_with(&resolved, twice.events).contains("(races), effect 1, effect 2\n"));

    let long = Lane::of(1).recovers_with(|lane| {
        let lane = lane.failed(2, "Down").started("ShipOrder", 3).failed(3, "Down").started("ShipOrder", 4);
        lane.ship("T1", "key").failed(4, "Down").started("ShipOrder", 2)
    });
    let long = told_with(&resolved, long.events);
    assert!(long.contains("attempts: 5, not 1..3"), "what the scenario does not explain is no race: {long}");
}

#[test]
fn a_fault_without_an_end_bounds_nothing_and_what_is_not_listed_is_exact() {
    let faults = json!([{"id": "down", "action": {"link.refuse": {"on": "idp"}}, "count": 1, "lasts": "3s"}]);
    let told = told_with(&racing(&["activity.failed"], &faults), Lane::of(1).recovers().events);
    assert!(told.contains("ShipOrder: completed, attempts: 1.. (races)"), "{told}");
    assert!(told.ends_with("  client_credentials: 200, T1 (expired)\n  client_credentials: 200, T2\n"), "{told}");
}

#[test]
fn bounds_grow_with_the_workers_and_end_with_what_lasts() {
    let fault =
        |lasts: Value| json!([{"id": "f1", "action": {"idp.respond": {"times": 2}}, "count": 1, "lasts": lasts}]);
    let attempts = |instances: u64, lasts: Value| {
        let mut resolved = racing(&["activity.failed"], &fault(lasts));
        resolved["workers"][0]["instances"] = instances.into();
        let told = told_with(&resolved, Lane::of(1).recovers().events);
        told.lines().find(|line| line.contains("FetchOrder")).expect("told").to_owned()
    };
    assert_eq!(attempts(1, Value::Null), "  FetchOrder: completed, attempts: 1..3 (races)");
    assert_eq!(attempts(2, Value::Null), "  FetchOrder: completed, attempts: 1..5 (races)");
    assert_eq!(attempts(1, json!("3s")), "  FetchOrder: completed, attempts: 1.. (races)");
}

#[test]
fn where_grants_race_a_token_is_known_by_the_deaths_before_it() {
    let resolved = racing(&["idp.token"], &json!([]));
    let twice = |lane: Lane| lane.grant("T2").grant("T3").ship("T3", "key");
    let once = told_with(&resolved, all(vec![Lane::of(1).recovers(), Lane::of(2).recovers()]));
    assert_eq!(once, told_with(&resolved, all(vec![Lane::of(1).recovers(), Lane::of(2).recovers_with(twice)])));
    assert!(once.contains("\n2 × workflow SyncOrders: completed\n"), "{once}");
}

#[test]
fn where_workers_or_faults_race_their_numbers_are_ranges() {
    let faults = json!([{"id": "f1", "action": {"worker.restart": {}}, "count": 2}]);
    let resolved = racing(&["worker.started", "fault.fired"], &faults);
    let start = |n: u32| json!({"kind": "worker.started", "instance": format!("w1.{n}"), "command": []});
    let fired = json!({"kind": "fault.fired", "fault": "f1", "action": "worker.restart", "trigger": 1});
    let once = told_with(&resolved, [start(1), fired.clone(), start(2)]);
    assert_eq!(once, told_with(&resolved, [start(1), fired.clone(), start(2), fired, start(3)]));
    assert!(once.contains("\nfault f1: worker.restart, fired 0..2 (races), bit 0..2 (races)\n"), "{once}");
    assert!(once.ends_with("\nworker processes started: 1.. (races)\n"), "{once}");
}

#[test]
fn activities_that_run_at_once_are_in_the_order_of_their_workflow() {
    let lane = |first: u32, second: u32| {
        let mut lane = Lane::of(1);
        for id in [first, second] {
            lane.activity = (id, if id == 2 { "Two" } else { "Ten" });
            let event = lane.attempt("activity.started", 1);
            lane = lane.then(event);
        }
        told(lane.events)
    };
    assert_eq!(lane(2, 10), lane(10, 2));
    assert!(lane(10, 2).find("Two") < lane(10, 2).find("Ten"));
}

#[test]
fn a_request_after_a_restart_is_not_the_dead_attempts() {
    let exit = json!({"kind": "worker.exited", "instance": "w1.1", "code": null, "signal": 9, "expected": true});
    let told = told(Lane::of(1).started("FetchOrder", 1).then(exit).fetch("T1").events);
    assert!(told.contains("      not reported\n  unattributed\n    GET /orders/{id} with T1: 200\n"), "{told}");
}

#[test]
fn a_token_that_was_made_and_kept_back_is_told() {
    let (lane, mut reply) = Lane::of(1).asks(json!({}));
    add(&mut reply, &json!({"kind": "idp.response", "status": 503}));
    let mut records = records([header(&json!({}))].into_iter().chain(lane.change("T1", "issued").then(reply).events));
    let request = records.iter().find(|record| record.event.kind() == "idp.request").expect("a request").seq;
    for record in records.iter_mut().filter(|record| record.event.kind() == "idp.token") {
        record.cause = Some(request);
    }
    let told = transcript(&Run::new(&records));
    assert!(told.ends_with("\n  client_credentials: 503, kept back: T1\n"), "{told}");
    assert!(told.contains("\nthe journal has no end\n"), "{told}");
}

#[test]
fn whose_a_token_is_and_what_it_lacks_is_told() {
    let mut lane = Lane::of(1).grant("T1").grant("T2");
    for event in &mut lane.events {
        if event["token"] == "T101" {
            add(event, &json!({"scopes": ["orders.read", "orders.write"], "sub": "user-1"}));
        }
    }
    let told_one = told(lane.events.clone());
    let end =
        "\nclient on a worker\n  client_credentials: 200, T1 for user-1\n  client_credentials: 200, T2 [orders.read]\n";
    assert!(told_one.ends_with(end), "{told_one}");
    let (other, _) = Lane::of(2).on("w1.1").asks(json!({"client": "c-other"}));
    let two = told(lane.events.into_iter().chain(other.events));
    assert!(
        two.contains("\nclient on a worker (client 1)\n") && two.contains("\nclient on a worker (client 2)\n"),
        "{two}"
    );
}

#[test]
fn a_run_that_the_lab_did_not_bring_to_an_end_says_so() {
    let ended = |end: Value| transcript(&Run::new(&records([header(&json!({})), end])));
    let failed = ended(json!({"kind": "run.ended", "end": "lab_failed", "reason": "no disk"}));
    assert!(failed.contains("\nthe lab failed: no disk\n"), "{failed}");
    let interrupted = ended(json!({"kind": "run.ended", "end": "interrupted"}));
    assert!(interrupted.contains("\ninterrupted\n"), "{interrupted}");
}

/// Merges lanes as `choices` say, each in its own order.
fn interleaved(lanes: Vec<Vec<Value>>, choices: &[prop::sample::Index]) -> Vec<Value> {
    let mut rest: Vec<_> = lanes.into_iter().map(std::collections::VecDeque::from).collect();
    let mut merged = Vec::new();
    for choice in choices.iter().cycle() {
        rest.retain(|lane| !lane.is_empty());
        if rest.is_empty() {
            return merged;
        }
        let chosen = choice.index(rest.len());
        merged.extend(rest[chosen].pop_front());
    }
    merged
}

fn noise(which: u8) -> Value {
    match which {
        0 => json!({"kind": "http.done", "call": 1002, "delivered": true}),
        1 => json!({"kind": "worker.output", "instance": "w1.1", "stream": "stderr", "line": "at 12:04:07"}),
        2 => json!({"kind": "gate.rpc", "call": 77, "instance": "w1.1", "rpc": "PollActivityTaskQueue"}),
        3 => {
            json!({"kind": "gate.rpc_done", "call": 77, "instance": "w1.1", "rpc": "PollActivityTaskQueue", "code": 0})
        }
        4 => json!({"kind": "idp.request", "call": 78, "instance": "w1.1", "endpoint": "jwks"}),
        5 => json!({"kind": "worker.ready", "instance": "w9.1"}),
        6 => json!({"kind": "clock.moved", "clock": "api", "offset_ms": 4711}),
        7 => json!({"kind": "fault.healed", "fault": "f1"}),
        8 => json!({
            "kind": "activity.heartbeat", "instance": "w1.1", "workflow": "run-1", "activity": "1", "type": "FetchOrder",
            "attempt": 1, "details": [3],
        }),
        _ => json!({
            "kind": "history.event", "workflow": "run-1", "event_id": 5, "event": "WorkflowTaskStarted",
            "attributes": {"identity": "4711@host"},
        }),
    }
}

proptest! {
    #[test]
    fn independent_lanes_and_noise_make_no_difference(
        kinds in prop::collection::vec(0_u8..5, 1..6),
        choices in prop::collection::vec(any::<prop::sample::Index>(), 1..80),
        places in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..10), 0..20),
    ) {
        let lane = |(n, kind): (u64, &u8)| match kind {
            0 => Lane::of(n).recovers(),
            1 => Lane::of(n).fetched().closed("failed"),
            2 => Lane::of(n).recovers_with(|lane| lane.grant("T2").ship("T2", "key").ship("T2", "another")),
            3 => Lane::of(n).recovers_with(|lane| lane.grant_fails(503, None).grant("T2").grant("T3").ship("T3", "key")),
            _ => Lane::of(n).recovers_with(|lane| lane.ship("T1", "key")),
        };
        let lanes: Vec<Vec<Value>> = (1..).zip(&kinds).map(|told| lane(told).events).collect();
        let plain = told(lanes.concat());
        let mut shuffled = interleaved(lanes, &choices);
        for (place, which) in places {
            let place = place.index(shuffled.len() + 1);
            shuffled.insert(place, noise(which));
        }
        prop_assert_eq!(plain, told(shuffled));
    }
}

#[test]
fn what_is_noise_here_is_read_by_the_journal() {
    for which in 0..10 {
        let read: Result<Event, _> = serde_json::from_value(noise(which));
        assert!(read.is_ok(), "{which}: {read:?}");
    }
}
