//! How each misbehaviour is seen on the wire.

use std::time::{Duration, Instant};

use base64::Engine as _;
use mock_idp::Listener;
use mock_idp::misbehave::{CLIENT, SUBJECT};
use serde_json::{Value, json};

use super::lab::{Ask, Lab, NOW_S};
use crate::support::wire::{End, Seen, Wire};

const MS: Duration = Duration::from_millis(1);
/// How long a change takes that is late.
const LATE: Duration = Duration::from_secs(10);

/// Shows a misbehaviour that has just begun.
pub(super) async fn show(id: &str, lab: &mut Lab) {
    let before = lab.granted();
    match id {
        "outage" => drop(refused(lab, 503, "").await),
        "rfc-error" => {
            let body = r#"{"error":"invalid_grant","error_description":"the refresh token has expired"}"#;
            refused(lab, 400, body).await;
        }
        "vendor-error" => {
            let reply = lab.ask().await;
            let (error, codes) = (&reply.json()["error"], &reply.json()["error_codes"]);
            assert_eq!((reply.status, error, codes), (401, &json!("invalid_client"), &json!([7_000_222])));
            assert_eq!(reply.header("cache-control"), Some("no-store"));
        }
        "interaction-required" => {
            let reply = lab.ask().await;
            assert_eq!((reply.status, &reply.json()["error"]), (400, &json!("interaction_required")));
            let claims: Value = serde_json::from_str(reply.json()["claims"].as_str().expect("a string")).expect("JSON");
            assert_eq!(claims["access_token"]["polids"]["essential"], true);
        }
        "error-in-200" => {
            let body = r#"{"error":"bad_verification_code","error_description":"The code is wrong."}"#;
            refused(lab, 200, body).await;
        }
        "empty-200" => drop(refused(lab, 200, "").await),
        "empty-401" => drop(refused(lab, 401, "").await),
        "html-200" => page(lab, 200, "text/html").await,
        "html-as-json" => page(lab, 200, "application/json").await,
        "html-302" => page(lab, 302, "text/html").await,
        "html-502" => page(lab, 502, "text/html").await,
        "rate-limit" | "rate-limit-bucket" => limited(id, lab).await,
        "rate-limit-text" => {
            let reply = refused(lab, 429, "Too Many Requests").await;
            assert_eq!((reply.header("content-type"), reply.header("retry-after")), (Some("text/plain"), Some("60")));
        }
        "rate-limit-as-500" => {
            let body = r#"{"error":"access_denied","error_description":"Global limit has been reached"}"#;
            let reply = refused(lab, 500, body).await;
            assert_eq!(reply.header("retry-after"), None);
        }
        "rate-limit-concurrent" => {
            let body = r#"{"error":"too_many_requests","error_description":"the rate limit is exceeded"}"#;
            let reply = refused(lab, 429, body).await;
            let told = ["x-rate-limit-limit", "x-rate-limit-remaining", "retry-after"].map(|name| reply.header(name));
            assert_eq!(told, [Some("0"), Some("0"), None]);
            let now_s = lab.served.idp.clock().now_ms() / 1000;
            let over_s: i64 = reply.header("x-rate-limit-reset").and_then(|at| at.parse().ok()).expect("seconds");
            assert!((1..=61).contains(&(over_s - now_s)), "{over_s} at {now_s}");
        }
        _ if id.starts_with("retry-after-") => retry_after(id, lab).await,
        "no-access-token" => assert_eq!(field(lab, "access_token").await, None),
        "null-access-token" => assert_eq!(field(lab, "access_token").await, Some(Value::Null)),
        "no-expires-in" => assert_eq!(field(lab, "expires_in").await, None),
        "expires-in-null" => assert_eq!(field(lab, "expires_in").await, Some(Value::Null)),
        "expires-in-text" => assert_eq!(field(lab, "expires_in").await, Some(json!("300"))),
        "expires-in-zero" => assert_eq!(field(lab, "expires_in").await, Some(json!(0))),
        "expires-in-negative" => assert_eq!(field(lab, "expires_in").await, Some(json!(-1))),
        "expires-in-huge" => assert_eq!(field(lab, "expires_in").await, Some(json!(31_536_000_000_u64))),
        "expires-in-fraction" => assert_eq!(field(lab, "expires_in").await, Some(json!(299.5))),
        "expires-in-lie" => {
            assert_eq!(field(lab, "expires_in").await, Some(json!(86_400)));
            assert_eq!(lab.served.idp.tokens().last().expect("one").expires_at_ms, (NOW_S + 300) * 1000);
        }
        "expires-on-local-date" => {
            let reply = lab.ask().await;
            assert_eq!(reply.json().get("expires_in"), None);
            assert_eq!(reply.json()["expires_on"], "1/16/2030 5:24:12 AM +00:00");
        }
        "refresh-token-object" => {
            assert_eq!(field(lab, "refresh_token").await, Some(json!({"token": "not-a-string"})));
        }
        "scope-array" => assert_eq!(field(lab, "scope").await, Some(json!(["orders.read"]))),
        "field-twice" => {
            let reply = lab.ask().await;
            let text = reply.text();
            assert!(text.contains(r#""expires_in":300,"#) && text.ends_with(r#","expires_in":1}"#), "{text}");
        }
        "wrong-audience" => {
            let reply = lab.ask().await;
            assert_eq!(lab.introspected(&reply).await["aud"], "another-api", "it is true, too");
            lab.remove();
            let reply = lab.ask().await;
            assert_eq!(lab.introspected(&reply).await["aud"], "api");
        }
        "form-encoded" => {
            let reply = lab.ask().await;
            let fields: Vec<_> = url::form_urlencoded::parse(&reply.body).into_owned().collect();
            assert_eq!(
                fields[1..],
                [("token_type", "Bearer"), ("expires_in", "300"), ("scope", "orders.read")].map(own)
            );
            assert!(fields[0].0 == "access_token" && fields[0].1.starts_with("tlat_"));
            assert_eq!(reply.header("content-type"), Some("application/x-www-form-urlencoded"));
        }
        "content-type-wrong" => labelled(lab, "content-type", Some("text/html; charset=utf-8")).await,
        "content-type-missing" => labelled(lab, "content-type", None).await,
        "gzip-label" => labelled(lab, "content-encoding", Some("gzip")).await,
        "byte-order-mark" => {
            let reply = lab.ask().await;
            let json: Value = serde_json::from_slice(&reply.body[3..]).expect("JSON");
            assert_eq!((&reply.body[..3], &json["expires_in"]), (&b"\xef\xbb\xbf"[..], &json!(300)));
        }
        "processed-and-empty" => {
            let reply = lab.ask().await;
            assert_eq!((reply.status, reply.promised, lab.granted()), (200, 0, before + 1));
        }
        "processed-and-500" => {
            let reply = lab.ask().await;
            assert_eq!((reply.status, lab.granted()), (500, before + 1));
        }
        "delay" => late(lab, 20 * MS).await,
        "delay-uniform" => late(lab, 15 * MS).await,
        // Six deviations below the median: it does not happen.
        "delay-normal" | "delay-log-normal" => late(lab, 14 * MS).await,
        // Three pauses between the four pieces of a body of more than 120 bytes.
        "drip" => late(lab, 15 * MS).await,
        "truncated" => {
            let reply = lab.ask().await;
            assert_eq!((reply.status, reply.text(), reply.end), (200, r#"{"access_token":""#, End::Closed));
            assert!(reply.promised > 100, "the client can see that something is missing");
            assert_eq!(lab.granted(), before + 1);
        }
        "drop-request" => lost(lab, End::Closed, before).await,
        "drop-reply" => lost(lab, End::Closed, before + 1).await,
        "reset-before" => lost(lab, End::Reset, before).await,
        "reset-within" => {
            let reply = lab.ask().await;
            assert_eq!((reply.end, lab.granted()), (End::Reset, before + 1));
            assert!(reply.status == 0 || reply.body.len() <= reply.promised / 2, "{reply:?}");
        }
        "reset-after" => {
            let reply = lab.ask().await;
            lab.assert_usual(&Seen { end: End::Open, ..reply });
            assert_eq!((lab.wire.ending().await, lab.granted()), (End::Reset, before + 1));
        }
        "hang" | "jwks-hang" => {
            hang(lab).await;
            assert_eq!(lab.granted(), before);
            lab.remove();
            let reply = lab.wire.reply().await;
            assert_eq!((reply.status, reply.body.len(), reply.end), (0, 0, End::Closed));
            lab.wire = Wire::open(lab.served.address).await;
        }
        "hang-processed" => {
            hang(lab).await;
            assert_eq!(lab.granted(), before + 1);
            lab.remove();
            let reply = lab.wire.reply().await;
            lab.assert_usual(&reply);
        }
        "clock-ahead" => by_clock(lab, 90, "Mon, 12 Jan 1970 13:48:10 GMT").await,
        "clock-behind" => by_clock(lab, -90, "Mon, 12 Jan 1970 13:45:10 GMT").await,
        "jwks-500" => {
            drop(refused(lab, 500, r#"{"error":"internal_failure","error_description":"Backend Error"}"#).await)
        }
        "jwks-empty" => drop(refused(lab, 200, "{}").await),
        "jwks-no-keys" => drop(refused(lab, 200, r#"{"keys":[]}"#).await),
        "jwks-stale" | "jwks-before-rotation" => {
            lab.served.idp.rotate_keys(false);
            let old = Lab::kid(&lab.ask().await);
            lab.remove();
            let new = Lab::kid(&lab.ask().await);
            let published: Vec<Value> = lab.served.idp.published_keys().into_iter().map(Value::from).collect();
            assert!(new == published && old != new, "{old:?}, {new:?}");
            match id {
                "jwks-stale" => assert_eq!(old, Lab::kid(&lab.usual)),
                // It was rotated before the rule was added, too: the one before the last is served.
                _ => assert_eq!(old.len(), 1),
            }
        }
        "jwks-unordered" => {
            let more: Vec<String> = (0..3).map(|_| lab.served.idp.add_key()).collect();
            let orders = [Lab::kid(&lab.ask().await), Lab::kid(&lab.ask().await), Lab::kid(&lab.ask().await)];
            assert!(orders[0] != orders[1] && orders[1] != orders[2], "{orders:?}");
            lab.remove();
            let stable = Lab::kid(&lab.ask().await);
            assert_eq!((&stable, stable.len()), (&Lab::kid(&lab.ask().await), 1 + more.len()));
            for mut order in orders {
                order.sort_by_key(Value::to_string);
                assert_eq!(order, stable, "none is missing");
            }
        }
        "discovery-outage" => drop(refused(lab, 503, "").await),
        "discovery-stale" => {
            let reply = lab.ask().await;
            assert_eq!(reply.json()["jwks_uri"], "http://127.0.0.1:9/jwks");
            assert_eq!(reply.json()["token_endpoint"], lab.usual.json()["token_endpoint"]);
        }
        "client-disabled" => dead(lab, 401, "invalid_client", "client authentication failed").await,
        "subject-disabled" => {
            dead(lab, 400, "invalid_grant", "the refresh token was revoked: the subject was disabled").await;
            let issuer = Listener::new("minted", lab.served.listener.origin.clone());
            lab.served.idp.mint_refresh_token(CLIENT, SUBJECT, &issuer);
            dead(lab, 400, "invalid_grant", "the subject is disabled").await;
        }
        "tenant-disabled" => dead(lab, 400, "unauthorized_client", "the tenant is disabled").await,
        "consent-withdrawn" => {
            dead(lab, 400, "invalid_grant", "the refresh token was revoked: the consent was withdrawn").await;
        }
        "clock-jump" => dead(lab, 400, "invalid_grant", "the refresh token has expired").await,
        "late-secret" => {
            assert_eq!(lab.ask_as(Ask::Token, CLIENT, "new-secret").await.status, 401);
            assert_eq!(lab.ask().await.status, 200, "the old one is right");
            after_ten_seconds(lab, async |lab| lab.ask_as(Ask::Token, CLIENT, "new-secret").await, (401, 200)).await;
            assert_eq!(lab.ask().await.status, 401, "the old one is wrong now");
        }
        "jwks-late-key" => {
            let old = Lab::kid(&lab.ask().await);
            assert_eq!(old, Lab::kid(&lab.usual));
            let signed = lab.ask_as(Ask::Token, CLIENT, "secret").await.json()["access_token"].clone();
            let header = signed.as_str().and_then(|token| token.split('.').next()).expect("a JWT").to_owned();
            let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).expect("base64");
            let kid = serde_json::from_slice::<Value>(&header).expect("JSON")["kid"].clone();
            assert!(!old.contains(&kid), "nobody can check it");
            lab.served.idp.clock().advance(LATE - MS);
            assert_eq!(Lab::kid(&lab.ask().await), old);
            lab.served.idp.clock().advance(MS);
            assert_eq!(Lab::kid(&lab.ask().await), [old, vec![kid]].concat());
        }
        "late-revocation" => {
            after_ten_seconds(lab, async |lab| lab.ask().await, (200, 400)).await;
            let reason = "the refresh token was revoked: an administrator revoked it";
            dead(lab, 400, "invalid_grant", reason).await;
        }
        "late-client" => {
            after_ten_seconds(lab, async |lab| lab.ask_as(Ask::Token, "newcomer", "secret").await, (401, 200)).await;
        }
        "late-consent" => {
            dead(lab, 400, "invalid_grant", "the consent has no effect yet").await;
            after_ten_seconds(lab, async |lab| lab.ask().await, (400, 200)).await;
        }
        _ => panic!("{id} is not proved: say here how it is seen on the wire"),
    }
}

fn own(pair: (&str, &str)) -> (String, String) {
    (pair.0.to_owned(), pair.1.to_owned())
}

/// Answered so, and not processed.
async fn refused(lab: &mut Lab, status: u16, body: &str) -> Seen {
    let before = lab.granted();
    let reply = lab.ask().await;
    assert_eq!((reply.status, reply.text(), reply.end, lab.granted()), (status, body, End::Open, before));
    reply
}

async fn page(lab: &mut Lab, status: u16, content_type: &str) {
    let before = lab.granted();
    let reply = lab.ask().await;
    assert_eq!((reply.status, reply.header("content-type"), lab.granted()), (status, Some(content_type), before));
    assert_eq!(reply.header("location"), (status == 302).then_some("/login"));
    assert!(reply.text().contains("<html>") && reply.text().ends_with("</html>"), "{}", reply.text());
}

/// The reply is as long as it is to be, and differs in one field only.
async fn field(lab: &mut Lab, name: &str) -> Option<Value> {
    let before = lab.granted();
    let reply = lab.ask().await;
    assert_eq!((reply.status, reply.end, lab.granted()), (200, End::Open, before + 1));
    let (mut found, mut usual) = (reply.json(), lab.usual.json());
    let value = found.as_object_mut().expect("an object").remove(name);
    usual.as_object_mut().expect("an object").remove(name);
    for (other, was) in usual.as_object().expect("an object") {
        assert!(&found[other] == was || other == "access_token", "{other} changed, too");
    }
    value
}

async fn labelled(lab: &mut Lab, header: &str, value: Option<&str>) {
    let reply = lab.ask().await;
    assert_eq!((reply.status, reply.header(header)), (200, value));
    assert_eq!(reply.json()["token_type"], "Bearer", "the body is JSON");
}

async fn retry_after(id: &str, lab: &mut Lab) {
    let reply = refused(lab, 503, "").await;
    let now = Some("Mon, 12 Jan 1970 13:46:40 GMT");
    let (says, dated) = match id {
        "retry-after-seconds" => (Some("60"), false),
        "retry-after-date" => (Some("Mon, 12 Jan 1970 13:47:41 GMT"), true),
        "retry-after-past" => (Some("Mon, 12 Jan 1970 13:45:40 GMT"), true),
        "retry-after-absent" => (None, false),
        "retry-after-fraction" => (Some("1.5"), false),
        "retry-after-negative" => (Some("-1"), false),
        "retry-after-huge" => (Some("9223372036854775807"), false),
        "retry-after-garbage" => (Some("soon"), false),
        "retry-after-blank" => (Some(" "), false),
        "retry-after-hex" => (Some("0x10"), false),
        _ => panic!("{id} is not proved"),
    };
    assert_eq!(reply.header("retry-after"), says, "{id}");
    assert_eq!(reply.date.as_deref() == now, dated, "{id} goes by the provider's clock");
}

/// One is served, the next is refused, and after the wait one is served again.
async fn limited(id: &str, lab: &mut Lab) {
    let served = lab.ask().await;
    let left = (id == "rate-limit").then_some("0");
    assert_eq!((served.status, served.header("x-rate-limit-remaining")), (200, left));
    let body = r#"{"error":"too_many_requests","error_description":"the rate limit is exceeded"}"#;
    let reply = refused(lab, 429, body).await;
    let wait: u64 = reply.header("retry-after").and_then(|wait| wait.parse().ok()).expect("seconds");
    assert_eq!(wait, if id == "rate-limit" { 60 } else { 10 });
    lab.served.idp.clock().advance(Duration::from_secs(wait) - MS);
    assert_eq!(lab.ask().await.status, 429);
    lab.served.idp.clock().advance(MS);
    assert_eq!(lab.ask().await.status, 200);
}

/// A slow machine makes it later, never earlier.
async fn late(lab: &mut Lab, least: Duration) {
    let before = Instant::now();
    let reply = lab.ask().await;
    assert!(before.elapsed() >= least, "it came after {:?}", before.elapsed());
    assert!(reply.body.len() > 120, "{}", reply.text());
    lab.assert_usual(&reply);
}

/// No byte comes, and so many grants were processed.
async fn lost(lab: &mut Lab, end: End, granted: usize) {
    let reply = lab.ask().await;
    assert_eq!((reply.status, reply.body.len(), reply.end, lab.granted()), (0, 0, end, granted));
}

/// The request is held, while others are served.
async fn hang(lab: &mut Lab) {
    lab.send().await;
    lab.served.holds_one().await;
    assert_eq!(lab.served.get("/nothing").await.status, 404);
    assert!(lab.wire.is_quiet());
}

async fn by_clock(lab: &mut Lab, ahead_s: i64, date: &str) {
    let reply = lab.ask().await;
    assert_eq!((reply.status, reply.date.as_deref()), (200, Some(date)));
    assert_eq!(lab.introspected(&reply).await["iat"], NOW_S + ahead_s);
}

/// The refresh token is refused, with this reason.
async fn dead(lab: &mut Lab, status: u16, error: &str, description: &str) {
    let body = json!({"error": error, "error_description": description}).to_string();
    refused(lab, status, &body).await;
}

/// The status turns when ten seconds have passed, and not a moment before.
async fn after_ten_seconds(lab: &mut Lab, ask: impl AsyncFn(&mut Lab) -> Seen, turns: (u16, u16)) {
    let before = ask(lab).await.status;
    lab.served.idp.clock().advance(LATE - MS);
    let just_before = ask(lab).await.status;
    lab.served.idp.clock().advance(MS);
    assert_eq!([before, just_before, ask(lab).await.status], [turns.0, turns.0, turns.1]);
}
