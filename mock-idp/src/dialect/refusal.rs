//! How a refusal is said, by a profile.

use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::guid;
use super::profile::{ErrorBody, Profile, Refusal};
use crate::endpoint::Endpoint;
use crate::error::OAuthError;
use crate::fault::HttpReply;

/// The request that is refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refused {
    pub(crate) endpoint: Endpoint,
    pub(crate) number: u64,
    /// By the server's clock.
    pub(crate) now_ms: i64,
}

/// RFC 6749 §5.2, but for what the profile says otherwise.
pub(super) fn say(profile: &Profile, error: &OAuthError, request: &Refused) -> HttpReply {
    let strict = Refusal::of(super::Certainty::Ours, &[]);
    let told = |refusal: &&Refusal| {
        refusal.causes.contains(&error.cause) && refusal.at.is_none_or(|endpoint| endpoint == request.endpoint)
    };
    let refusal = profile.refusals.iter().find(told).unwrap_or(&strict);
    let status = refusal.status.unwrap_or(error.cause.status());
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let code = refusal.code.unwrap_or(error.cause.code());
    let text = refusal.text.unwrap_or(&error.description);
    let body = match (profile.error_body.value, refusal.number) {
        (ErrorBody::CodeAlone, _) => json!({"error": code}),
        (ErrorBody::Numbered, Some(number)) => numbered(code, text, number, request),
        _ => json!({"error": code, "error_description": text}),
    };
    let mut reply = HttpReply::json(status, &body).uncached();
    if refusal.bodiless {
        reply.body = bytes::Bytes::new();
        reply.headers.remove(CONTENT_TYPE);
    }
    // RFC 9110 §15.5.2: every 401 names a scheme, not only where RFC 6749 §5.2 says so once more.
    if status == StatusCode::UNAUTHORIZED {
        reply.headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(r#"Basic realm="mock-idp""#));
    }
    set(&mut reply.headers, refusal.headers);
    reply
}

impl Profile {
    /// Media type and body of the answer to one request too many.
    pub(crate) fn too_many_requests(&self) -> (&'static str, String) {
        if let Some((content_type, body)) = self.throttled.value.body {
            return (content_type, body.to_owned());
        }
        // No RFC has a code for it at the token endpoint.
        let (code, text) = ("too_many_requests", "the rate limit is exceeded");
        let body = match self.error_body.value {
            ErrorBody::CodeAlone => json!({"error": code}),
            ErrorBody::Described | ErrorBody::Numbered => json!({"error": code, "error_description": text}),
        };
        ("application/json", body.to_string())
    }
}

/// Sets header fields, which are constants of profiles.
pub(crate) fn set(headers: &mut HeaderMap, fields: &'static [(&'static str, &'static str)]) {
    for (name, value) in fields {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
}

fn numbered(code: &str, text: &str, number: u32, request: &Refused) -> Value {
    let Refused { number: nth, now_ms, .. } = *request;
    let (trace, correlation) = (guid(&format!("trace {nth} {now_ms}")), guid(&format!("correlation {nth} {now_ms}")));
    let now = jiff::Timestamp::from_millisecond(now_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let now = now.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    let description =
        format!("AADSTS{number}: {text}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {now}");
    json!({
        "error": code,
        "error_description": description,
        "error_codes": [number],
        "timestamp": now,
        "trace_id": trace,
        "correlation_id": correlation,
    })
}
