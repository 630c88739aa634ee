//! Answers that no processing stands behind.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Misbehaviour, rule};
use crate::endpoint::Endpoint;
use crate::misbehave::{Refusal, Rule};

const HTML: &str =
    "<!DOCTYPE html><html><head><title>Sign in to continue</title></head><body><h1>Sign in</h1></body></html>";
const JSON: &str = "application/json";

fn token() -> Rule {
    Rule::on(Endpoint::Token)
}

pub(super) const ALL: &[Misbehaviour] = &[
    rule("outage", "The token endpoint answers 503 without a body.", "FM-06, keycloak and ingress restarts", || {
        token().status(503)
    }),
    rule("rfc-error", "The grant is refused with an error of RFC 6749 §5.2.", "FM-02, RFC 6749 §5.2", || {
        token().refuse(Refusal {
            error_description: Some("the refresh token has expired".into()),
            ..Refusal::new("invalid_grant")
        })
    }),
    rule(
        "vendor-error",
        "The client is refused with the numbers and ids of a vendor beside `error`.",
        "FM-41, hashicorp/vault-plugin-secrets-azure#57",
        || {
            token().refuse(Refusal {
                error: "invalid_client".into(),
                status: 401,
                error_description: Some("AADSTS7000222: The provided client secret keys are expired.".into()),
                fields: BTreeMap::from([
                    ("error_codes".into(), json!([7_000_222])),
                    ("timestamp".into(), "2026-01-01 00:00:00Z".into()),
                    ("trace_id".into(), "00000000-0000-0000-0000-000000000001".into()),
                ]),
            })
        },
    ),
    rule(
        "interaction-required",
        "Conditional access wants a human; `claims` is JSON in a string, for the authorization request.",
        "FM-40, Entra's on-behalf-of flow",
        || {
            let claims = json!({"access_token": {"polids": {"essential": true, "values": ["policy-1"]}}});
            token().refuse(Refusal {
                fields: BTreeMap::from([
                    ("claims".into(), claims.to_string().into()),
                    ("suberror".into(), "basic_action".into()),
                ]),
                ..Refusal::new("interaction_required")
            })
        },
    ),
    rule("error-in-200", "A refusal comes with status 200.", "FM-26, lelylan/simple-oauth2#459", || {
        token().body(200, JSON, r#"{"error":"bad_verification_code","error_description":"The code is wrong."}"#)
    }),
    rule("empty-200", "Status 200 and no body.", "FM-26, QwenLM/qwen-code#3123", || token().status(200)),
    rule("empty-401", "Status 401 and no body: a parser of errors fails on it.", "FM-26, givtnl/givt-app#1912", || {
        token().status(401)
    }),
    rule(
        "html-200",
        "A captive portal or a firewall answers with a page and status 200.",
        "FM-18, tetsuo-ai/agenc-core#1172",
        || token().body(200, "text/html", HTML),
    ),
    rule("html-as-json", "A page is labelled `application/json`.", "FM-18, n8n-io/n8n#27089", || {
        token().body(200, JSON, HTML)
    }),
    rule("html-302", "A portal redirects to its login page.", "FM-18, evoila/meho#1711", || {
        token().body(302, "text/html", HTML).header("Location", "/login")
    }),
    rule("html-502", "A proxy in front says that nothing is behind it.", "FM-18, ruckus/quickbooks-ruby#423", || {
        token().body(502, "text/html", "<html><head><title>502 Bad Gateway</title></head></html>")
    }),
];
