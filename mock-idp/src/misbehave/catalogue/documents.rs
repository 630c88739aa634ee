//! Discovery and JWKS that are broken or old.

use super::{Misbehaviour, rule};
use crate::endpoint::Endpoint;
use crate::misbehave::{Instead, Processing, Rule, Stale};

const JSON: &str = "application/json";

fn jwks() -> Rule {
    Rule::on(Endpoint::Jwks)
}

fn stale(stale: Stale) -> Rule {
    jwks().processing(Processing { stale: Some(stale), ..Processing::default() })
}

pub(super) const ALL: &[Misbehaviour] = &[
    rule("jwks-500", "The JWKS is an error in JSON: read as a set of keys, it has none.", "FM-53", || {
        jwks().body(500, JSON, r#"{"error":"internal_failure","error_description":"Backend Error"}"#)
    }),
    rule("jwks-hang", "The JWKS does not come.", "FM-54", || jwks().instead(Instead::Hang)),
    rule("jwks-empty", "The JWKS is an empty object.", "FM-53", || jwks().body(200, JSON, "{}")),
    rule("jwks-no-keys", "The JWKS has no keys.", "FM-53", || jwks().body(200, JSON, r#"{"keys":[]}"#)),
    rule(
        "jwks-stale",
        "A cache holds the JWKS of when the rule was added.",
        "FM-16, mckinsey/agents-at-scale-ark#2457",
        || stale(Stale::AsArmed),
    ),
    rule(
        "jwks-before-rotation",
        "A cache holds the JWKS of before the last rotation.",
        "FM-16, giantswarm/mcp-oauth#452",
        || stale(Stale::BeforeRotation),
    ),
    rule(
        "jwks-unordered",
        "The JWKS has its keys in an order that is drawn for each request.",
        "RFC 7517 §5.1",
        || jwks().processing(Processing { unordered_keys: true, ..Processing::default() }),
    ),
    rule("discovery-outage", "The discovery document does not come: 503.", "FM-06", || {
        Rule::on(Endpoint::Discovery).status(503)
    }),
    rule("discovery-stale", "The discovery document names an address that is gone.", "FM-16", || {
        Rule::on(Endpoint::Discovery).set("jwks_uri", "http://127.0.0.1:9/jwks")
    }),
];
