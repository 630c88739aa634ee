//! The protected API of a target: what it offers, how it judges tokens, how its requests are told apart.

use std::borrow::Cow;
use std::fmt;

use mock_idp::file::{At, Complaint, Duration};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::route::RoutePattern;
use super::value::{Entries, Value};

/// The protected API.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// How tokens are judged.
    #[serde(default)]
    pub validate: Validate,
    /// Where a request names the workflow that it belongs to, for requests that nothing else can tell apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlate: Option<At<Correlate>>,
    /// What it offers. Without any, every request with a good token is answered with 200.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// A real test API that answers behind the lab's front, instead of `respond`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<At<String>>,
    /// `aud` that tokens must have. Default: the API's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
}

/// How an API judges tokens. `exp`, `nbf`, and an `iat` in the future, are judged by the API's clock.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Validate {
    /// By itself or by asking. Default: `jwks` for JWTs, `introspect` for opaque tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<At<ValidationMode>>,
    /// How far clocks may differ. Default: 0s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leeway: Option<Duration>,
}

/// Where an API's judgement comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ValidationMode {
    /// Offline, by cached keys: a revoked token works until its `exp`, as in most real APIs.
    Jwks,
    /// By asking the identity provider (RFC 7662): what is dead is refused at once.
    Introspect,
}

/// Where a request names its workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Correlate {
    /// In this header field.
    Header(At<String>),
    /// In this path parameter.
    Path(At<String>),
    /// At this place of the JSON body, `$.id`.
    Body(At<String>),
}

/// One route of the API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Method and path; `{name}` is a path parameter.
    pub route: At<RoutePattern>,
    /// Scopes that a token must have for it.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Whether it changes something that must happen once.
    #[serde(default)]
    pub effect: bool,
    /// Whether one activity calls it again and again, page after page (FM-08).
    #[serde(default)]
    pub paging: bool,
    /// Where a request names its idempotency key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<At<IdempotencyKey>>,
    /// What it answers. Default: 200 with an empty object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub respond: Option<RouteReply>,
}

impl Route {
    /// A route that any good token may use, without effect.
    pub fn new(pattern: RoutePattern) -> Self {
        Self {
            route: pattern.into(),
            scopes: Vec::new(),
            effect: false,
            paging: false,
            idempotency: None,
            respond: None,
        }
    }

    /// The same route for tokens with these scopes only.
    #[must_use]
    pub fn needs(self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { scopes: scopes.into_iter().map(Into::into).collect(), ..self }
    }

    /// The same route with an effect, once per value of the header `idempotency` if one is named.
    #[must_use]
    pub fn with_effect(self, idempotency: Option<&str>) -> Self {
        let header = |name: &str| IdempotencyKey::Header(name.to_owned().into()).into();
        Self { effect: true, idempotency: idempotency.map(header), ..self }
    }
}

/// Where a request names its idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IdempotencyKey {
    /// In this header field.
    Header(At<String>),
    /// At this place of the JSON body.
    Body(At<String>),
}

/// What a route answers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteReply {
    /// HTTP status. Default: 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Header fields.
    #[serde(default)]
    pub headers: Entries<String>,
    /// JSON body; `{name}` is the path parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<At<Value>>,
}

/// An HTTP status code, 100 to 599 (RFC 9110 §15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Status(u16);

impl Status {
    /// 200 OK.
    pub const OK: Self = Self(200);

    /// As a number.
    pub fn code(self) -> u16 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl de::Visitor<'_> for Number {
            type Value = Status;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an HTTP status")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Status, E> {
                match u16::try_from(value) {
                    Ok(code @ 100..=599) => Ok(Status(code)),
                    _ => Err(E::custom(
                        Complaint::new(format!("`{value}` is no HTTP status")).hint("a number from 100 to 599"),
                    )),
                }
            }
        }
        deserializer.deserialize_u64(Number)
    }
}

impl JsonSchema for Status {
    fn schema_name() -> Cow<'static, str> {
        "Status".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "HTTP status", "type": "integer", "minimum": 100, "maximum": 599 })
    }
}
