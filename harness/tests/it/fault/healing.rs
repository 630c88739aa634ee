//! What is undone, and when.

use std::time::Duration;

use tokenlapse::journal::{Event, Record};

use super::support::{Lab, api, api_request, attempt_failed, refusal, request};

#[test]
fn skew_is_healed_by_the_same_amount_once_somebody_was_refused_for_it() {
    let lab = Lab::with("faults: [{ when: { event: api.response }, do: { clock.skew: { of: api, by: 5m } } }]");
    lab.send(api("w1", "T1", 200, None));
    assert_eq!(lab.said(), ["skew Api 300000"]);
    lab.send(api("w1", "T1", 401, Some("revoked")));
    assert_eq!(lab.said(), [""; 0], "a refusal for another reason is no proof");
    lab.send(api("w1", "T1", 401, Some("expired")));
    assert_eq!(lab.said(), ["skew Api -300000"]);
}

#[test]
fn links_are_mended_and_credentials_stay_dead() {
    let lab = Lab::with(
        "faults:
  - { when: { event: api.response }, do: { link.refuse: { on: idp } } }
  - { when: { event: api.response }, do: { idp.disable: {} } }",
    );
    lab.send(api("w1", "T1", 200, None));
    assert_eq!(lab.said(), ["break Idp Refuse", "disable None"]);
    lab.send(attempt_failed());
    assert_eq!(lab.said(), [""; 0], "the other fault has not bitten yet");
    lab.send(refusal(None, "invalid_client"));
    assert_eq!(lab.said(), ["mend Idp Refuse"], "and nothing enables the client again");
    assert_eq!(lab.kinds_since(lab.journal.records().len() - 3), ["idp.response", "fault.bit", "fault.healed"]);
}

#[test]
fn each_firing_is_undone_once() {
    let lab = Lab::with(
        "faults: [{ when: { event: api.response, where: { status: 200 } }, do: { clock.skew: { of: api, by: 1m } }, count: 3 }]",
    );
    for _ in 0..4 {
        lab.send(api("w1", "T1", 200, None));
    }
    assert_eq!(lab.said(), ["skew Api 60000"; 3]);
    lab.send(api("w1", "T1", 401, Some("expired")));
    assert_eq!(lab.said(), ["skew Api -60000"; 3]);
    lab.send(api("w1", "T1", 401, Some("expired")));
    lab.send(api("w1", "T1", 200, None));
    assert_eq!(lab.said(), [""; 0], "healed once, and it does not fire again");
    assert_eq!(lab.kinds_since(0).iter().filter(|kind| **kind == "fault.healed").count(), 1);
}

#[test]
fn healing_undoes_lifetimes_drifts_and_links_and_frees_what_is_held() {
    let lab = Lab::with(
        "faults:
  - { do: { idp.lifetime: { access_token: 4s, stated: 1h } } }
  - { do: { clock.drift: { of: worker, by: -500ms } } }
  - { do: { link.latency: { on: api, by: 20ms } } }
  - { do: { link.reset: { on: idp } } }
  - { do: { idp.respond: { status: 503, times: 9 } } }
heal: { when: { event: api.response } }",
    );
    let broken =
        ["lifetime Some((4s, Some(3600s)))", "drift Worker -500", "break Api Latency(20ms)", "break Idp Reset"];
    assert_eq!(lab.said(), broken);
    lab.send(api("w1", "T1", 200, None));
    assert_eq!(lab.said(), ["lifetime None", "drift Worker 500", "mend Api Latency(20ms)"]);
    assert!(lab.send(request()).is_proceed(), "no more answers");
    let healed = lab.kinds_since(0).iter().filter(|kind| **kind == "fault.healed").count();
    assert_eq!(healed, 4, "a reset is over when it has happened");
}

#[test]
fn healing_waits_for_its_own_trigger_and_for_the_fault_that_it_comes_after() {
    let lab = Lab::with(
        "faults: [{ id: down, when: { event: idp.request }, do: { link.refuse: { on: idp } } }]
heal: { when: { event: api.response, nth: 2, after: down } }",
    );
    lab.send(api("w1", "T1", 200, None));
    lab.send(request());
    lab.send(attempt_failed());
    lab.send(api("w1", "T1", 200, None));
    assert_eq!(lab.said(), ["break Idp Refuse"], "bitten, and yet not healed");
    lab.send(api("w1", "T1", 200, None));
    assert_eq!(lab.said(), ["mend Idp Refuse"]);
}

#[test]
fn what_shall_not_complete_is_not_rescued_before_that_is_judged() {
    for (outcome, early) in [("completed", true), ("failed", false), ("running", false)] {
        let lab = Lab::with(&format!(
            "faults: [{{ when: {{ event: api.response }}, do: {{ link.refuse: {{ on: idp }} }} }}]
expect: {{ outcome: {outcome} }}"
        ));
        lab.send(api("w1", "T1", 200, None));
        lab.send(attempt_failed());
        assert_eq!(lab.said().contains(&"mend Idp Refuse".to_owned()), early, "{outcome}");
        lab.send(Event::WorkloadFinished);
        assert_eq!(lab.said().contains(&"mend Idp Refuse".to_owned()), !early, "{outcome}");
        assert_eq!(lab.counts(0), (1, 1, true), "{outcome}");
    }
}

/// Waits until the journal has so many events of this kind.
async fn reached(lab: &Lab, kind: &str, count: usize) {
    let seen = std::sync::atomic::AtomicUsize::new(0);
    let enough = |record: &Record| {
        record.event.kind() == kind && seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1 == count
    };
    lab.journal.seen(Duration::from_secs(20), enough).await.expect("it happens");
}

#[tokio::test]
async fn a_delayed_fault_acts_at_an_event_of_its_own_on_what_triggered_it() {
    let lab = Lab::with(
        "faults:
  - { id: late, when: { event: api.response }, do: { api.refuse_token: {} }, delay: 30ms }
  - { when: { event: api.response, after: late }, do: { worker.kill: {} } }
  - { when: { event: api.response }, do: { worker.stop: {} }, delay: 1h }",
    );
    lab.send(api("w1", "T1", 200, None));
    lab.send(api("w1", "T2", 200, None));
    reached(&lab, "fault.fired", 1).await;
    assert_eq!(lab.said(), ["refuse T1"], "the hour is not over");
    lab.send(api("w1", "T1", 200, None));
    assert_eq!(lab.said(), ["kill Some(\"w1.1\")"], "armed when the first one acted, not when it was triggered");
    let records = lab.journal.records();
    let at = records.iter().position(|record| record.event.kind() == "fault.fired").expect("fired");
    let Event::FaultFired { trigger, .. } = &records[at].event else { unreachable!("it was looked for") };
    let trigger = trigger.and_then(|seq| records.get(usize::try_from(seq.0).ok()? - 1)).expect("a trigger");
    assert_eq!(trigger.event.kind(), "api.response");
    let cause = records[at].cause.and_then(|seq| records.get(usize::try_from(seq.0).ok()? - 1)).expect("a cause");
    assert_eq!(cause.event.kind(), "fault.due");
}

#[tokio::test]
async fn a_fault_with_a_time_of_its_own_ends_by_itself_and_not_before() {
    let lab = Lab::with(
        "faults: [{ when: { event: api.response }, do: { clock.skew: { of: api, by: 1m } }, count: 2, for: 1h }]",
    );
    lab.send(api("w1", "T1", 200, None));
    lab.send(api("w1", "T1", 401, Some("expired")));
    lab.send(api("w1", "T1", 401, Some("expired")));
    assert_eq!((lab.said(), lab.counts(0)), (vec!["skew Api 60000".to_owned(); 2], (2, 2, false)), "not by biting");

    let lab = Lab::with(
        "faults: [{ when: { event: api.response }, do: { clock.skew: { of: api, by: 1m } }, count: 2, for: 20ms }]",
    );
    lab.send(api("w1", "T1", 200, None));
    lab.send(api("w1", "T1", 200, None));
    reached(&lab, "fault.healed", 2).await;
    let mut said = lab.said();
    said.sort();
    assert_eq!(said, ["skew Api -60000", "skew Api -60000", "skew Api 60000", "skew Api 60000"]);
    assert_eq!(lab.counts(0), (2, 0, true));
}

#[tokio::test]
async fn delay_and_duration_may_be_drawn_and_the_firing_tells_them() {
    let lab = Lab::with(
        "faults:
  - id: slow
    when: { event: api.response }
    do: { link.latency: { on: api, by: { between: [20ms, 400ms] } } }
    delay: { between: [5ms, 30ms] }
    for: { between: [40ms, 80ms] }",
    );
    lab.send(api("w1", "T1", 200, None));
    reached(&lab, "fault.healed", 1).await;
    let records = lab.journal.records();
    let one = |kind: &str| records.iter().find(|record| record.event.kind() == kind).expect("it came");
    let (triggered, fired, healed) = (one("api.response").at(), one("fault.fired"), one("fault.healed").at());
    let Event::FaultFired { drawn_ms, .. } = &fired.event else { panic!("{fired:?}") };
    assert_eq!(drawn_ms.keys().collect::<Vec<_>>(), ["by", "delay", "for"]);
    let drawn = |key: &str| Duration::from_millis(drawn_ms[key]);
    let within = |key: &str, from: u64, to: u64| assert!((from..=to).contains(&drawn_ms[key]), "{drawn_ms:?}");
    within("by", 20, 400);
    within("delay", 5, 30);
    within("for", 40, 80);
    assert!(fired.at() - triggered >= drawn("delay") && healed - fired.at() >= drawn("for"), "{drawn_ms:?}");
    let latency = format!("Latency({:?})", drawn("by"));
    assert_eq!(lab.said(), [format!("break Api {latency}"), format!("mend Api {latency}")], "what was drawn is undone");
}

#[tokio::test]
async fn healing_may_be_delayed() {
    let lab = Lab::with(
        "faults: [{ do: { link.refuse: { on: idp } } }]
heal: { when: { event: api.response }, delay: 20ms }",
    );
    lab.send(api("w1", "T1", 200, None));
    reached(&lab, "fault.healed", 1).await;
    assert_eq!(lab.said(), ["break Idp Refuse", "mend Idp Refuse"]);
    assert_eq!(lab.kinds_since(lab.journal.records().len() - 2), ["fault.due", "fault.healed"]);

    let lab = Lab::with(
        "faults: [{ do: { link.refuse: { on: idp } } }]
heal: { when: { event: api.response }, delay: { between: [5ms, 20ms] } }",
    );
    lab.send(api("w1", "T1", 200, None));
    reached(&lab, "fault.healed", 1).await;
    let due = lab.journal.records().into_iter().find_map(|record| match &record.event {
        Event::FaultDue { drawn_ms, .. } => *drawn_ms,
        _ => None,
    });
    assert!(due.is_some_and(|ms| (5..=20).contains(&ms)), "{due:?}");
}

/// Sends a request and says whether it is held.
fn is_held(lab: &Lab, route: &str) -> (bool, futures::future::BoxFuture<'static, tokenlapse::journal::Directive>) {
    let mut request = api_request("w1", "T1");
    request.route = Some(route.into());
    let mut waits: futures::future::BoxFuture<'static, _> =
        Box::pin(lab.journal.record(Event::ApiRequest(request)).settled());
    let polled = waits.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    (polled.is_pending(), waits)
}

#[tokio::test]
async fn a_barrier_holds_requests_until_enough_have_come() {
    let lab = Lab::with(
        "faults: [{ when: { event: api.request, nth: 1 }, do: { api.hold: { until: 3, route: 'GET /a' } } }]",
    );
    let (held, first) = is_held(&lab, "GET /a");
    assert!(held);
    assert!(!is_held(&lab, "GET /b").0, "another route");
    let (held, second) = is_held(&lab, "GET /a");
    assert!(held);
    assert_eq!(lab.counts(0), (1, 0, false));
    assert!(!is_held(&lab, "GET /a").0, "the third opens it");
    assert!(first.await.is_proceed() && second.await.is_proceed());
    assert!(!is_held(&lab, "GET /a").0, "and it stays open");
    assert_eq!(lab.counts(0), (1, 1, true));
}

#[tokio::test]
async fn a_barrier_that_is_never_full_ends_with_its_time() {
    let lab = Lab::with("faults: [{ when: { event: api.request }, do: { api.hold: { until: 3 } }, for: 20ms }]");
    let (held, waits) = is_held(&lab, "GET /a");
    assert!(held);
    assert!(waits.await.is_proceed());
    assert_eq!(lab.counts(0), (1, 0, true), "nobody met: it did not bite");
}

#[tokio::test]
async fn a_barrier_lets_go_when_the_lab_does() {
    let lab = Lab::with("faults: [{ when: { event: api.request }, do: { api.hold: { until: 3 } } }]");
    let (held, waits) = is_held(&lab, "GET /a");
    assert!(held);
    lab.journal.release();
    assert!(waits.await.is_proceed());
}
