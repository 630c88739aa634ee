//! Rate limits, by a clock that the test moves.

use std::num::NonZeroU32;
use std::time::Duration;

use mock_idp::fault::{Act, Directive, HttpReply};
use mock_idp::misbehave::{Allowance, Body, LimitHeaders, Per, RateLimit, Reset, RetryAfter, Wait};
use mock_idp::{Client, Config, Endpoint, Idp, Rule, TimeSource, TokenFormat};

use crate::support::{Reply, Served, basic, serve};

const GRANT: &str = "grant_type=client_credentials";
const NOW_S: u64 = 1_000_000;

fn config() -> Config {
    let clients = vec![Client::new("worker", "secret"), Client::new("other", "else")];
    let time = TimeSource::new(|| 1_000_000_000);
    Config { clients, format: TokenFormat::Opaque, time, ..Config::default() }
}

fn window(requests: u32) -> RateLimit {
    RateLimit::new(Allowance::FixedWindow { requests, period: Duration::from_secs(60) })
}

async fn other(served: &Served) -> Reply {
    served.post("/oauth2/token", &basic("other", "else"), GRANT).await
}

fn header(reply: &Reply, name: &str) -> Option<String> {
    let line =
        reply.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).or(line.strip_prefix(name)))?;
    Some(line.trim_start_matches(':').trim().to_owned())
}

#[tokio::test]
async fn a_window_serves_so_many_of_each_client_and_tells_what_is_left() {
    let served = serve(config()).await;
    let limit = RateLimit { headers: Some(LimitHeaders::default()), ..window(2) };
    served.idp.rules().add(Rule::on(Endpoint::Token).limit(limit));
    let state = |reply: &Reply| {
        let of = |name: &str| header(reply, &format!("x-rate-limit-{name}")).unwrap_or_default();
        [of("limit"), of("remaining"), of("reset")]
    };
    let reset = (NOW_S + 60).to_string();
    let first = served.token(GRANT).await;
    assert_eq!((first.status, state(&first)), (200, ["2".into(), "1".into(), reset.clone()]));
    served.idp.clock().advance(Duration::from_millis(19_500));
    assert_eq!(state(&served.token(GRANT).await), ["2".into(), "0".into(), reset.clone()]);
    let refused = served.token(GRANT).await;
    assert_eq!((refused.status, state(&refused)), (429, ["2".into(), "0".into(), reset]));
    assert_eq!(header(&refused, "retry-after").as_deref(), Some("41"), "40.5 s, rounded up");
    assert_eq!(refused.text("error"), "too_many_requests");
    assert_eq!(other(&served).await.status, 200, "another client has a counter of its own");
    assert_eq!(served.idp.tokens().len(), 3, "what is refused is not processed");
    served.idp.clock().advance(Duration::from_millis(40_499));
    assert_eq!(served.token(GRANT).await.status, 429);
    served.idp.clock().advance(Duration::from_millis(1));
    assert_eq!(served.token(GRANT).await.status, 200, "a new window");
    served.idp.clock().shift_ms(-3_600_000);
    let back = served.token(GRANT).await;
    assert_eq!((back.status, header(&back, "x-rate-limit-remaining").as_deref()), (200, Some("1")));
}

#[tokio::test]
async fn a_bucket_allows_a_burst_and_then_one_at_a_time() {
    let served = serve(config()).await;
    let capacity = NonZeroU32::new(3).expect("not 0");
    let allow = Allowance::TokenBucket { capacity, every: Duration::from_secs(10) };
    let headers = Some(LimitHeaders { reset_as: Reset::Seconds, ..LimitHeaders::default() });
    served.idp.rules().add(Rule::on(Endpoint::Token).limit(RateLimit { headers, ..RateLimit::new(allow) }));
    let ask = async || {
        let reply = served.token(GRANT).await;
        let of = |name| header(&reply, name).and_then(|value| value.parse::<u64>().ok());
        (reply.status, of("x-rate-limit-remaining"), of("x-rate-limit-reset"), of("retry-after"))
    };
    assert_eq!(ask().await, (200, Some(2), Some(10), None));
    assert_eq!(ask().await, (200, Some(1), Some(20), None));
    assert_eq!(ask().await, (200, Some(0), Some(30), None));
    assert_eq!(ask().await, (429, Some(0), Some(30), Some(10)));
    served.idp.clock().advance(Duration::from_secs(9));
    assert_eq!(ask().await, (429, Some(0), Some(21), Some(1)));
    served.idp.clock().advance(Duration::from_secs(1));
    assert_eq!(ask().await, (200, Some(0), Some(30), None));
    served.idp.clock().advance(Duration::from_secs(3600));
    assert_eq!(ask().await, (200, Some(2), Some(10), None), "no fuller than full");
}

#[tokio::test]
async fn counters_can_be_shared_and_refusals_can_look_otherwise() {
    let served = serve(config()).await;
    let limit = RateLimit {
        per: Per::All,
        status: Some(503),
        body: Body::Text("Too Many Requests".into()),
        retry_after: Wait::Date,
        ..window(1)
    };
    let rule = served.idp.rules().add(Rule::everywhere().limit(limit));
    assert_eq!(served.token(GRANT).await.status, 200);
    let refused = other(&served).await;
    assert_eq!((refused.status, refused.body.as_str()), (503, "Too Many Requests"));
    assert_eq!(header(&refused, "content-type").as_deref(), Some("text/plain"));
    assert_eq!(header(&refused, "retry-after").as_deref(), Some("Mon, 12 Jan 1970 13:47:40 GMT"));
    served.idp.rules().remove(rule);
    served.idp.rules().add(Rule::everywhere().limit(RateLimit { per: Per::Endpoint, ..window(1) }));
    assert_eq!(served.token(GRANT).await.status, 200);
    assert_eq!(served.get("/oauth2/jwks").await.status, 200, "each endpoint has a counter of its own");
    assert_eq!(other(&served).await.status, 429);
    served.idp.rules().clear();
    let body = Body::Other { content_type: "application/problem+json".into(), body: r#"{"title":"slow"}"#.into() };
    let retry_after = Wait::Says(RetryAfter::Text("later".into()));
    served.idp.rules().add(Rule::everywhere().limit(RateLimit { body, retry_after, ..window(0) }));
    let refused = other(&served).await;
    assert_eq!((refused.status, refused.body.as_str()), (429, r#"{"title":"slow"}"#));
    assert_eq!(header(&refused, "content-type").as_deref(), Some("application/problem+json"));
    assert_eq!(header(&refused, "retry-after").as_deref(), Some("later"));
}

#[test]
fn a_limit_that_somebody_else_calls_exceeded_is_said_as_any_other() {
    let idp = Idp::new(config());
    let said = |limit: &RateLimit| {
        let now_ms = idp.clock().now_ms();
        let Directive { act: Act::Answer(answer), changes, .. } = idp.rules().exceeded(limit, now_ms) else {
            panic!("it is exceeded")
        };
        let mut reply = HttpReply::from(&answer);
        changes.iter().for_each(|change| change.apply(&mut reply));
        let of = |name: &str| reply.headers.get(name).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        let names = ["retry-after", "x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset"];
        (reply.status.as_u16(), names.map(of))
    };
    let headers = Some(LimitHeaders::default());
    let all_used = said(&RateLimit { headers: headers.clone(), ..window(2) });
    assert_eq!(all_used, (429, [Some(60), Some(2), Some(0), Some(NOW_S + 60)]));
    let capacity = NonZeroU32::new(3).expect("not 0");
    let allow = Allowance::TokenBucket { capacity, every: Duration::from_secs(10) };
    let empty = said(&RateLimit { headers, ..RateLimit::new(allow) });
    assert_eq!(empty, (429, [Some(10), Some(3), Some(0), Some(NOW_S + 30)]));
    assert!(idp.rules().list().is_empty(), "nothing is counted");
}

#[tokio::test]
async fn rfc9110_10_2_3_how_long_to_wait_is_said_in_seconds_or_as_a_date() {
    let served = serve(config()).await;
    for (retry_after, says) in [(Wait::Seconds, "60"), (Wait::Date, "Mon, 12 Jan 1970 13:47:40 GMT")] {
        served.idp.rules().clear();
        served.idp.rules().add(Rule::everywhere().limit(RateLimit { retry_after, ..window(0) }));
        assert_eq!(header(&served.token(GRANT).await, "retry-after").as_deref(), Some(says));
    }
}

#[tokio::test]
async fn a_limit_counts_what_another_rule_answers_and_leaves_that_answer() {
    let served = serve(config()).await;
    served.idp.rules().add(Rule::on(Endpoint::Token).status(503).once());
    served.idp.rules().add(Rule::on(Endpoint::Token).limit(window(1)));
    assert_eq!(served.token(GRANT).await.status, 503);
    assert_eq!(served.token(GRANT).await.status, 429);
}
