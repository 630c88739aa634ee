//! Faults act at the event that triggers them, are proved to bite, and heal.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokenlapse::fault::{
    Action, Bite, Controls, Engine, Fault, Filter, LinkEnd, LinkFault, Progress, Reply, ReplyFault, Revocation, Scope,
    Trigger,
};
use tokenlapse::journal::{
    Act, Answer, ApiRequest, ApiResponse, Call, Clock, Directive, Effect, Event, IdpRequest, IdpResponse, IdpToken,
    Instance, Journal, TokenChange, TokenKind, TokenName,
};

/// Writes down what it is told to do.
struct Said(Arc<Mutex<Vec<String>>>);

impl Said {
    fn say(&self, what: String) {
        self.0.lock().expect("no panic").push(what);
    }
}

impl Controls for Said {
    fn pass_time(&mut self, by: Duration) -> Option<Effect> {
        self.say(format!("pass {by:?}"));
        None
    }
    fn until_expiry(&self, token: Option<&TokenName>) -> Option<Duration> {
        token.map(|_| Duration::from_secs(301))
    }
    fn skew(&mut self, clock: Clock, by_ms: i64) -> Option<Effect> {
        self.say(format!("skew {clock:?} {by_ms}"));
        None
    }
    fn revoke(&mut self, what: &Revocation) {
        self.say(format!("revoke {what:?}"));
    }
    fn disable_client(&mut self, client: Option<&str>) {
        self.say(format!("disable {client:?}"));
    }
    fn refuse_at_api(&mut self, token: &TokenName) {
        self.say(format!("refuse {token}"));
    }
    fn break_link(&mut self, end: LinkEnd, fault: LinkFault) {
        self.say(format!("break {end:?} {fault:?}"));
    }
    fn mend_link(&mut self, end: LinkEnd) {
        self.say(format!("mend {end:?}"));
    }
    fn kill_worker(&mut self, instance: Option<&Instance>) -> Effect {
        self.say(format!("kill {instance:?}"));
        Box::pin(async {})
    }
}

struct Lab {
    journal: Journal,
    said: Arc<Mutex<Vec<String>>>,
    progress: Arc<Mutex<Vec<Progress>>>,
}

impl Lab {
    fn with(faults: Vec<Fault>) -> Self {
        let journal = Journal::in_memory();
        let said = Arc::new(Mutex::new(Vec::new()));
        let (engine, progress) = Engine::new(journal.clone(), Box::new(Said(Arc::clone(&said))), faults);
        journal.intervene_with(engine);
        let lab = Self { journal, said, progress };
        lab.send(Event::WorkloadStarted { count: 1 });
        lab
    }

    fn send(&self, event: Event) -> Directive {
        futures::executor::block_on(self.journal.record(event).settled())
    }

    fn said(&self) -> Vec<String> {
        std::mem::take(&mut self.said.lock().expect("no panic"))
    }

    fn counts(&self, index: usize) -> (u32, u32, bool) {
        let progress = &self.progress.lock().expect("no panic")[index];
        (progress.fired, progress.bit, progress.healed)
    }

    fn kinds_since(&self, seq: usize) -> Vec<&'static str> {
        self.journal.records()[seq..].iter().map(|record| record.event.kind()).collect()
    }
}

fn when(event: &str, nth: u32) -> Trigger {
    Trigger { event: event.into(), filters: vec![], nth, per: Scope::Scenario, after: None }
}

fn fault(trigger: Trigger, action: Action) -> Fault {
    Fault { id: "f1".into(), trigger, action, count: 1, bite: None }
}

fn token_request(token: Option<&str>) -> IdpRequest {
    IdpRequest {
        call: Call(1),
        instance: Instance::of("w1", 1),
        endpoint: "token".into(),
        grant: Some("client_credentials".into()),
        client: Some("c1".into()),
        token: token.map(TokenName::from),
        scope: None,
        audience: None,
    }
}

fn grant(issued: &[&str]) -> Event {
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

fn issued(token: &str) -> Event {
    Event::IdpToken(IdpToken {
        token: token.into(),
        token_kind: TokenKind::Access,
        change: TokenChange::Issued,
        client: "c1".into(),
        sub: "c1".into(),
        scopes: vec![],
        expires_at_ms: None,
        reason: None,
    })
}

fn api(worker: &str, token: &str, status: u16, refused: Option<&str>) -> Event {
    Event::ApiResponse(ApiResponse {
        request: ApiRequest {
            call: Call(2),
            instance: Instance::of(worker, 1),
            route: Some("GET /orders/{id}".into()),
            target: "GET /orders/1".into(),
            token: Some(token.into()),
            sub: Some("c1".into()),
            workflow: None,
            refused: refused.map(Into::into),
        },
        status,
        error: None,
        effect: None,
        retry_after_ms: None,
        fault: None,
    })
}

fn reply(times: u32, reply: Reply) -> Action {
    Action::Reply(ReplyFault { on: LinkEnd::Idp, place: Some("token".into()), times, reply })
}

fn unavailable() -> Answer {
    Answer { status: 503, headers: vec![], body: String::new() }
}

#[test]
fn the_nth_request_itself_is_answered_and_healed_after_the_last() {
    let lab = Lab::with(vec![fault(when("idp.request", 2), reply(2, Reply::Respond(unavailable())))]);
    let answers: Vec<_> = (0..5).map(|_| lab.send(Event::IdpRequest(token_request(None))).act).collect();
    let refused = Act::Answer(unavailable());
    assert_eq!(answers, [Act::Proceed, refused.clone(), refused, Act::Proceed, Act::Proceed]);
    assert_eq!(lab.counts(0), (1, 1, true));
}

#[test]
fn a_reply_is_dropped_after_processing_not_instead_of_it() {
    let lab = Lab::with(vec![fault(when("idp.request", 1), reply(1, Reply::Drop))]);
    assert!(lab.send(Event::IdpRequest(token_request(None))).is_proceed());
    assert_eq!(lab.counts(0), (1, 0, false), "fired, and nothing lost yet");
    assert_eq!(lab.send(grant(&["T1"])).act, Act::DropReply);
    assert_eq!(lab.counts(0), (1, 1, true));
    assert!(lab.send(grant(&["T2"])).is_proceed());
}

#[test]
fn time_passes_beyond_the_token_of_the_triggering_event_and_bites_by_a_401_with_it() {
    let lab = Lab::with(vec![fault(when("api.response", 1), Action::TimePass(None))]);
    lab.send(issued("T1"));
    lab.send(api("w1", "T1", 200, None));
    assert_eq!(lab.said(), ["pass 301s"]);
    assert_eq!(lab.counts(0), (1, 0, false));
    lab.send(issued("T2"));
    lab.send(api("w1", "T2", 401, Some("revoked")));
    assert_eq!(lab.counts(0), (1, 0, false), "T2 was born later: its refusal proves nothing of this fault");
    lab.send(api("w1", "T1", 401, Some("expired")));
    assert_eq!(lab.counts(0), (1, 1, true));
}

#[test]
fn a_refresh_before_the_refusal_is_a_bite_too_and_more_grants_are_not_more_bites() {
    let lab = Lab::with(vec![fault(when("api.response", 1), Action::TimePass(None))]);
    lab.send(issued("T1"));
    lab.send(api("w1", "T1", 200, None));
    lab.send(grant(&["T2"]));
    lab.send(grant(&["T3"]));
    assert_eq!(lab.counts(0).1, 1);
}

#[test]
fn an_action_that_changes_nothing_never_bites() {
    // The event names no token and the controls find none: there is nothing to expire.
    let lab = Lab::with(vec![fault(when("worker.ready", 1), Action::TimePass(None))]);
    lab.send(Event::WorkerReady { instance: Instance::of("w1", 1) });
    lab.send(grant(&["T1"]));
    assert_eq!(lab.said(), [""; 0]);
    assert_eq!(lab.counts(0), (1, 0, false));
}

#[test]
fn skew_is_healed_by_the_same_amount_once_somebody_was_refused_for_it() {
    let action = Action::ClockSkew { of: Clock::Api, by_ms: 300_000 };
    let lab = Lab::with(vec![fault(when("api.response", 1), action)]);
    lab.send(api("w1", "T1", 200, None));
    assert_eq!(lab.said(), ["skew Api 300000"]);
    lab.send(api("w1", "T1", 401, Some("revoked")));
    assert_eq!(lab.said(), [""; 0], "a refusal for another reason is no proof");
    lab.send(api("w1", "T1", 401, Some("expired")));
    assert_eq!(lab.said(), ["skew Api -300000"]);
}

#[test]
fn links_are_mended_and_credentials_stay_dead() {
    let broken = Action::Link { on: LinkEnd::Idp, fault: LinkFault::Refuse };
    let disabled = Fault { id: "f2".into(), ..fault(when("api.response", 1), Action::IdpDisable { client: None }) };
    let lab = Lab::with(vec![fault(when("api.response", 1), broken), disabled]);
    lab.send(api("w1", "T1", 200, None));
    assert_eq!(lab.said(), ["break Idp Refuse", "disable None"]);
    let failed = serde_json::from_value(json!({
        "kind": "activity.failed", "instance": "w1.1", "workflow": "w", "activity": "1", "type": "A", "attempt": 1,
        "failure": {"message": "connection refused"}
    }));
    lab.send(failed.expect("an event"));
    assert_eq!(lab.said(), [""; 0], "the other fault has not bitten yet");
    let Event::IdpResponse(mut refusal) = grant(&[]) else { unreachable!("it is a reply") };
    (refusal.status, refusal.error) = (401, Some("invalid_client".into()));
    lab.send(Event::IdpResponse(refusal));
    assert_eq!(lab.said(), ["mend Idp"], "and nothing enables the client again");
    assert_eq!(lab.kinds_since(lab.journal.records().len() - 3), ["idp.response", "fault.bit", "fault.healed"]);
}

#[test]
fn a_fault_after_another_counts_from_the_event_that_follows() {
    let lapse = fault(when("api.response", 1), Action::ApiRefuseToken);
    let then = Fault {
        id: "f2".into(),
        ..fault(Trigger { after: Some("f1".into()), ..when("api.response", 1) }, Action::WorkerKill)
    };
    let lab = Lab::with(vec![then, lapse]);
    lab.send(api("w1", "T1", 200, None));
    assert_eq!(lab.said(), ["refuse T1"]);
    lab.send(api("w2", "T1", 401, Some("refused_early")));
    assert_eq!(lab.said(), ["kill Some(\"w2.1\")"], "the instance that the event names");
}

#[test]
fn counting_is_per_what_the_trigger_says_and_only_of_what_passes_the_filters() {
    let trigger = Trigger {
        filters: vec![
            Filter { field: "status".into(), any_of: vec![json!(200)] },
            Filter { field: "instance".into(), any_of: vec![json!("w1"), json!("w2")] },
            Filter { field: "refused".into(), any_of: vec![json!(false)] },
        ],
        per: Scope::Instance,
        ..when("api.response", 2)
    };
    let lab = Lab::with(vec![Fault { count: 2, ..fault(trigger, Action::ApiRefuseToken) }]);
    for (worker, status, refused) in
        [("w1", 200, None), ("w2", 200, None), ("w1", 401, None), ("w3", 200, None), ("w1", 200, Some("x"))]
    {
        lab.send(api(worker, "T1", status, refused));
    }
    assert_eq!(lab.counts(0).0, 0);
    lab.send(api("w2", "T2", 200, None));
    lab.send(api("w1", "T1", 200, None));
    lab.send(api("w1", "T3", 200, None));
    assert_eq!(lab.said(), ["refuse T2", "refuse T1"], "twice, as `count` says");
}

#[test]
fn nothing_fires_before_the_workload_starts() {
    let journal = Journal::in_memory();
    let said = Arc::new(Mutex::new(Vec::new()));
    let faults = vec![fault(when("api.response", 1), Action::ApiRefuseToken)];
    let (engine, progress) = Engine::new(journal.clone(), Box::new(Said(Arc::clone(&said))), faults);
    journal.intervene_with(engine);
    drop(journal.record(api("w1", "T1", 200, None)));
    assert!(said.lock().expect("no panic").is_empty());
    drop(journal.record(Event::WorkloadStarted { count: 1 }));
    drop(journal.record(api("w1", "T2", 200, None)));
    assert_eq!(*said.lock().expect("no panic"), ["refuse T2"]);
    assert_eq!(progress.lock().expect("no panic")[0].fired, 1);
}

#[test]
fn a_scenario_may_say_its_own_proof() {
    let own = Fault {
        bite: Some(Bite::ClientTurnedAway),
        ..fault(when("idp.request", 1), reply(1, Reply::Delay(Duration::from_millis(5))))
    };
    let lab = Lab::with(vec![own]);
    lab.send(Event::IdpRequest(token_request(None)));
    assert_eq!(lab.send(grant(&["T1"])).delay, Duration::from_millis(5));
    assert_eq!(lab.counts(0), (1, 0, false), "a changed reply is not the proof that was asked for");
}
