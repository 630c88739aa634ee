//! Refusals of RFC 6749 §5.2, with what vendors add.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::fault::{Answer, written};

/// An error reply in the form of RFC 6749 §5.2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// `error`, of an RFC or of a vendor.
    pub error: String,
    /// HTTP status: 400 if it is not given.
    #[serde(default = "bad_request", deserialize_with = "written::status")]
    pub status: u16,
    /// `error_description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
    /// Further fields, such as `error_uri`, `error_codes`, `suberror` or `claims`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Value>,
}

fn bad_request() -> u16 {
    400
}

impl Refusal {
    /// With status 400 and nothing but the code.
    pub fn new(error: impl Into<String>) -> Self {
        Self { error: error.into(), status: bad_request(), error_description: None, fields: BTreeMap::new() }
    }

    /// As it is sent. RFC 6749 §5.2: never to be cached.
    pub(super) fn answer(&self) -> Answer {
        let mut body = Map::from_iter([("error".to_owned(), Value::from(self.error.as_str()))]);
        if let Some(text) = &self.error_description {
            body.insert("error_description".into(), text.as_str().into());
        }
        body.extend(self.fields.iter().map(|(name, value)| (name.clone(), value.clone())));
        Answer {
            status: self.status,
            headers: vec![("Cache-Control".into(), "no-store".into()), ("Pragma".into(), "no-cache".into())],
            body: Value::Object(body).to_string(),
        }
    }
}
