//! Fields of a token reply that are missing or wrong.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Misbehaviour, rule};
use crate::endpoint::Endpoint;
use crate::fault::Change;
use crate::misbehave::{Processing, Rule};

fn set(field: &str, value: impl Into<Value>) -> Rule {
    Rule::on(Endpoint::Token).set(field, value)
}

fn expires_in(value: impl Into<Value>) -> Rule {
    set("expires_in", value)
}

pub(super) const ALL: &[Misbehaviour] = &[
    rule("no-access-token", "A success without `access_token`.", "FM-26, decocms/studio#6068", || {
        Rule::on(Endpoint::Token).omit("access_token")
    }),
    rule(
        "null-access-token",
        "`access_token` is `null`, and is stored as a word.",
        "FM-26, omnibear/omnibear#8",
        || set("access_token", Value::Null),
    ),
    rule("no-expires-in", "`expires_in` is missing, which RFC 6749 §5.1 allows.", "FM-25, p2/OAuth2#27", || {
        Rule::on(Endpoint::Token).omit("expires_in")
    }),
    rule("expires-in-null", "`expires_in` is `null`.", "FM-25, oauthlib/oauthlib#675", || expires_in(Value::Null)),
    rule("expires-in-text", "`expires_in` is a string of digits.", "FM-25, Azure/azure-sdk-for-cpp#4723", || {
        expires_in("300")
    }),
    rule("expires-in-zero", "`expires_in` is 0.", "FM-25, spring-projects/spring-security#4810", || expires_in(0)),
    rule("expires-in-negative", "`expires_in` is negative.", "FM-25, spring-projects/spring-security#4810", || {
        expires_in(-1)
    }),
    rule("expires-in-huge", "`expires_in` overflows a timer of 32 bits.", "FM-25, angularjs-oauth/oauth-ng#70", || {
        expires_in(31_536_000_000_u64)
    }),
    rule("expires-in-fraction", "`expires_in` is no whole number.", "FM-25", || expires_in(299.5)),
    rule("expires-in-lie", "`expires_in` says a day; the token lives as long as ever.", "FM-20, FM-25", || {
        expires_in(86_400)
    }),
    rule(
        "expires-on-local-date",
        "Only `expires_on`, as a date in the server's own writing.",
        "FM-25, Azure/azure-sdk-for-python#5952",
        || Rule::on(Endpoint::Token).omit("expires_in").set("expires_on", "1/16/2030 5:24:12 AM +00:00"),
    ),
    rule(
        "refresh-token-object",
        "`refresh_token` is an object.",
        "FM-26, FrankHassanabad/Oauth2orizeRecipes#2",
        || set("refresh_token", json!({"token": "not-a-string"})),
    ),
    rule("scope-array", "`scope` is an array.", "FM-22, FM-26", || set("scope", json!(["orders.read"]))),
    rule(
        "field-twice",
        "`expires_in` stands twice with different values: receivers differ in which they take.",
        "FM-25, RFC 8259 §4",
        || {
            let again = BTreeMap::from([("expires_in".to_owned(), Value::from(1))]);
            Rule::on(Endpoint::Token).change(Change::Repeat(again))
        },
    ),
    rule("wrong-audience", "Access tokens are for another audience.", "FM-35", || {
        let audience = Some("another-api".into());
        Rule::on(Endpoint::Token).processing(Processing { audience, ..Processing::default() })
    }),
];
