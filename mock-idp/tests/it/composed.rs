//! Which requests rules are for, and what several rules make of one request.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mock_idp::fault::{Change, Drip};
use mock_idp::misbehave::{Delay, Deliver, Instead, Probability, RetryAfter, Spread};
use mock_idp::{Client, Config, Endpoint, Observer, Outcome, ReplySeen, RequestSeen, Rule, TimeSource, TokenFormat};

use crate::support::{Served, basic, serve};

const GRANT: &str = "grant_type=client_credentials";

fn config() -> Config {
    let clients = vec![Client::new("worker", "secret"), Client::new("other", "else")];
    Config { clients, format: TokenFormat::Opaque, time: TimeSource::new(|| 1_000_000_500), ..Config::default() }
}

async fn statuses(served: &Served, requests: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..requests {
        statuses.push(served.token(GRANT).await.status);
    }
    statuses
}

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("not 0")
}

fn chance(value: f64) -> Probability {
    Probability::try_from(value).expect("a probability")
}

#[tokio::test]
async fn a_rule_can_be_for_the_nth_request_or_every_nth_that_matches() {
    let served = serve(config()).await;
    let rules = served.idp.rules();
    let nth = rules.add(Rule::on(Endpoint::Token).nth(number(2)).status(503));
    served.get("/oauth2/jwks").await;
    assert_eq!(statuses(&served, 4).await, [200, 503, 200, 200], "other endpoints are not counted");
    assert!(!rules.remove(nth), "it is over");
    let every = rules.add(Rule::on(Endpoint::Token).every(number(2)).status(503).times(2));
    assert_eq!(statuses(&served, 6).await, [200, 503, 200, 503, 200, 200]);
    assert!(!rules.remove(every), "it is over");
}

#[tokio::test]
async fn a_rule_can_be_for_one_grant() {
    let served = serve(config()).await;
    served.idp.rules().add(Rule::on(Endpoint::Token).grant("refresh_token").status(503));
    assert_eq!(statuses(&served, 1).await, [200]);
    assert_eq!(served.token("grant_type=refresh_token&refresh_token=x").await.status, 503);
}

#[tokio::test]
async fn a_delay_a_header_a_field_and_an_answer_of_four_rules_meet_in_one_reply() {
    let served = serve(config()).await;
    let rules = served.idp.rules();
    let delay = Duration::from_millis(15);
    let body = r#"{"error":"slow"}"#;
    rules.add(Rule::everywhere().delay(delay).header("x-one", "1").header("x-both", "first"));
    rules.add(Rule::everywhere().delay(delay).header("x-both", "second").set("more", true));
    rules.add(Rule::on(Endpoint::Token).body(429, "application/json", body).retry_after(RetryAfter::Date(delay)));
    let before = std::time::Instant::now();
    let reply = served.token(GRANT).await;
    assert!(before.elapsed() >= 2 * delay, "delays add up");
    assert_eq!((reply.status, reply.body.as_str()), (429, r#"{"error":"slow","more":true}"#));
    for line in [
        "x-one: 1",
        "x-both: second",
        "retry-after: Mon, 12 Jan 1970 13:46:41 GMT",
        "date: Mon, 12 Jan 1970 13:46:40 GMT",
    ] {
        assert!(reply.head.contains(line), "{line} is missing in {}", reply.head);
    }
    assert_eq!(served.idp.tokens().len(), 0, "it was not processed");
}

#[tokio::test]
async fn the_second_rule_that_decides_a_fate_waits_and_keeps_its_times() {
    let served = serve(config()).await;
    let rules = served.idp.rules();
    rules.add(Rule::everywhere().status(500).times(2));
    let second = rules.add(
        Rule::everywhere()
            .instead(Instead::Answer(mock_idp::fault::Answer { status: 503, headers: Vec::new(), body: String::new() }))
            .header("x-second", "yes")
            .times(2),
    );
    let first = served.token(GRANT).await;
    assert!(first.status == 500 && !first.head.contains("x-second"), "none of it acts: {}", first.head);
    assert_eq!(statuses(&served, 4).await, [500, 503, 503, 200]);
    assert!(!rules.remove(second));
}

#[tokio::test]
async fn an_answer_can_be_cut_by_the_same_rule() {
    let served = serve(config()).await;
    let rule = Rule::everywhere().body(200, "text/html", "<html>").deliver(Deliver::Truncate(3)).once();
    served.idp.rules().add(rule);
    let reply = served.token(GRANT).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "<ht"));
}

/// What an observer is told of replies: status, error and `Retry-After`.
#[derive(Default)]
struct Told(Mutex<Vec<(u16, String, String)>>);

impl Observer for Told {
    fn reply(&self, _: &RequestSeen, reply: &ReplySeen) -> Outcome {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let told = (reply.status, text(&reply.error), text(&reply.retry_after));
        self.0.lock().expect("no panic").push(told);
        Outcome::default()
    }
}

#[tokio::test]
async fn an_observer_is_told_of_the_reply_as_it_is_sent() {
    let told = Arc::new(Told::default());
    let served = serve(Config { observer: Arc::clone(&told) as Arc<dyn Observer>, ..config() }).await;
    let rule = Rule::everywhere().change(Change::Status(418)).set("error", "teapot");
    served.idp.rules().add(rule.retry_after(RetryAfter::Seconds(-1)).once());
    assert_eq!(served.token(GRANT).await.status, 418);
    assert_eq!(served.token(GRANT).await.status, 200);
    let sent = [(418, "teapot".to_owned(), "-1".to_owned()), (200, String::new(), String::new())];
    assert_eq!(*told.0.lock().expect("no panic"), sent);
}

#[tokio::test]
async fn the_same_seed_and_requests_make_the_same_choices_whatever_other_rules_there_are() {
    let rule = || Rule::on(Endpoint::Token).probability(chance(0.5)).status(503);
    let alone = serve(Config { seed: Some(5), ..config() }).await;
    alone.idp.rules().add(rule());
    let choices = statuses(&alone, 60).await;
    let refused = choices.iter().filter(|status| **status == 503).count();
    assert!((15..=45).contains(&refused), "{refused} of 60");

    let beside = serve(Config { seed: Some(5), ..config() }).await;
    let random = Delay::Uniform(Spread { from: Duration::ZERO, to: Duration::from_micros(1) });
    beside.idp.rules().add(Rule::everywhere().probability(Probability::NEVER).delay(random).status(500));
    beside.idp.rules().add(Rule::everywhere().probability(Probability::ALWAYS).header("x-always", "1"));
    beside.idp.rules().add(rule());
    assert_eq!(statuses(&beside, 60).await, choices);

    let other = serve(Config { seed: Some(6), ..config() }).await;
    other.idp.rules().add(rule());
    assert_ne!(statuses(&other, 60).await, choices);

    let own = serve(Config { seed: Some(6), ..config() }).await;
    own.idp.rules().add(rule().seed(5));
    assert_eq!(statuses(&own, 60).await, choices, "a seed of its own");
}

#[tokio::test]
async fn two_rules_draw_independently() {
    let served = serve(config()).await;
    for name in ["x-one", "x-two"] {
        served.idp.rules().add(Rule::everywhere().probability(chance(0.5)).header(name, "1"));
    }
    let mut seen = BTreeMap::new();
    for _ in 0..60 {
        let head = served.token(GRANT).await.head;
        *seen.entry((head.contains("x-one"), head.contains("x-two"))).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), 4, "all combinations come: {seen:?}");
}

#[tokio::test]
async fn a_list_tells_what_rules_have_done() {
    let served = serve(config()).await;
    let rules = served.idp.rules();
    let id = rules.add(Rule::on(Endpoint::Token).every(number(2)).status(503).lasting(Duration::from_secs(9)));
    statuses(&served, 5).await;
    let standing = rules.list();
    assert_eq!(standing.len(), 1);
    let one = &standing[0];
    assert_eq!((one.id, one.matched, one.acted, one.held, one.ends_ms), (id, 5, 2, 0, Some(1_000_009_500)));
    served.idp.clock().advance(Duration::from_secs(9));
    assert_eq!(rules.list(), []);
}

#[tokio::test]
async fn a_period_that_ends_releases_what_hangs() {
    let served = serve(config()).await;
    let rule = Rule::on(Endpoint::Token).instead(Instead::Hang).lasting(Duration::from_secs(3600)).once();
    served.idp.rules().add(rule);
    let form = format!(
        "POST /oauth2/token HTTP/1.1\r\nHost: idp\r\nContent-Length: {}\r\n{}\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{GRANT}",
        GRANT.len(),
        basic("worker", "secret")
    );
    let hangs = served.raw(&form);
    let ends = async {
        served.holds_one().await;
        assert_eq!(statuses(&served, 1).await, [200], "its one time is over, and it still holds");
        assert_eq!(served.idp.rules().list()[0].held, 1);
        served.idp.clock().advance(Duration::from_secs(3600));
    };
    let (reply, ()) = tokio::join!(hangs, ends);
    assert!(reply.is_none(), "closed without a byte");
    assert_eq!(served.idp.rules().list(), []);
}

#[test]
fn a_rule_reads_well_and_survives_its_own_writing() {
    let rule = Rule::on(Endpoint::Token).client("worker").every(number(3)).probability(chance(0.25)).times(2);
    let rule = rule.lasting(Duration::from_millis(90_500)).delay(Duration::from_millis(250)).omit("expires_in");
    let rule = rule.deliver(Deliver::Drip(Drip { bytes: 10, every: Duration::from_millis(5) }));
    let text = serde_json::to_string(&rule).expect("it is JSON");
    assert_eq!(
        text,
        r#"{"when":{"endpoint":"token","client":"worker","turn":{"every":3},"probability":0.25},"times":2,"#.to_owned()
            + r#""lasting":"1m 30s 500ms","change":[{"omit":["expires_in"]}],"delay":{"fixed":"250ms"},"#
            + r#""deliver":{"drip":{"bytes":10,"every":"5ms"}}}"#
    );
    assert_eq!(serde_json::from_str::<Rule>(&text).expect("a rule"), rule);
    for wrong in [r#"{"what":1}"#, r#"{"when":{"probability":1.5}}"#, r#"{"when":{"turn":{"nth":0}}}"#] {
        assert!(serde_json::from_str::<Rule>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn the_rule_in_the_readme_is_one() {
    let (_, rest) = include_str!("../../README.md").split_once("```yaml\n").expect("an example");
    let (yaml, _) = rest.split_once("```").expect("its end");
    let rule: Rule = serde_saphyr::from_str(yaml).expect(yaml);
    assert_eq!(serde_json::to_value(rule).expect("JSON")["limit"]["headers"]["reset_as"], "epoch");
}
