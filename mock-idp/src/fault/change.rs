//! Changes of a reply that was made: its status, header fields and body.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::directive::FieldChange;
use super::reply::HttpReply;
use super::written;

/// One change of a reply. Those of fields leave alone what is no JSON object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Has this HTTP status; what HTTP has no form for becomes 500, and is a mistake where it is read.
    Status(#[serde(deserialize_with = "written::status")] u16),
    /// Has these header fields, each instead of those of its name. What HTTP has no form for is left out, and is a mistake
    /// where it is read; what frames the body is left out.
    SetHeaders(#[serde(deserialize_with = "written::map")] BTreeMap<String, String>),
    /// Lacks these header fields.
    OmitHeaders(#[serde(deserialize_with = "written::names")] Vec<String>),
    /// These fields of the JSON body have these values, `null` included.
    Set(BTreeMap<String, Value>),
    /// The JSON body lacks these fields.
    Omit(Vec<String>),
    /// The JSON body has these fields once more, behind all others (RFC 8259 §4: receivers differ in which they take).
    Repeat(BTreeMap<String, Value>),
    /// The body is this text.
    Body(String),
    /// The fields of the JSON body as `application/x-www-form-urlencoded`, labelled so.
    FormEncoded,
    /// The body begins with a byte order mark (RFC 8259 §8.1 forbids it).
    ByteOrderMark,
}

impl Change {
    /// Does it.
    pub fn apply(&self, reply: &mut HttpReply) {
        match self {
            Self::Status(status) => reply.status = status_of(*status),
            Self::SetHeaders(headers) => {
                for (name, value) in headers.iter().filter_map(|(name, value)| header(name, value)) {
                    reply.headers.insert(name, value);
                }
            }
            Self::OmitHeaders(names) => names.iter().for_each(|name| {
                reply.headers.remove(name.as_str());
            }),
            Self::Set(values) => with_fields(reply, |fields| {
                fields.extend(values.iter().map(|(name, value)| (name.clone(), value.clone())));
            }),
            Self::Omit(names) => with_fields(reply, |fields| names.iter().for_each(|name| drop(fields.remove(name)))),
            Self::Repeat(values) => repeat(reply, values),
            Self::Body(text) => reply.body = text.clone().into(),
            Self::FormEncoded => form_encode(reply),
            Self::ByteOrderMark => reply.body = [b"\xef\xbb\xbf", &*reply.body].concat().into(),
        }
    }
}

impl From<FieldChange> for Change {
    fn from(change: FieldChange) -> Self {
        match change.value {
            Some(value) => Self::Set(BTreeMap::from([(change.field, value)])),
            None => Self::Omit(vec![change.field]),
        }
    }
}

/// A header field, if HTTP has a form for it and if it does not frame the body, which is the connection's matter.
pub(super) fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let name: HeaderName = name.parse().ok().filter(|name| *name != CONTENT_LENGTH && *name != TRANSFER_ENCODING)?;
    Some((name, value.parse().ok()?))
}

/// What HTTP has no form for becomes 500.
pub(super) fn status_of(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Those of a JSON object; `None` if it is none.
pub(super) fn fields(body: &Bytes) -> Option<Map<String, Value>> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Some(fields),
        _ => None,
    }
}

fn with_fields(reply: &mut HttpReply, change: impl FnOnce(&mut Map<String, Value>)) {
    let Some(mut fields) = fields(&reply.body) else { return };
    change(&mut fields);
    reply.body = Value::Object(fields).to_string().into();
}

fn repeat(reply: &mut HttpReply, values: &BTreeMap<String, Value>) {
    let Some(before) = fields(&reply.body) else { return };
    // Written as text: no JSON value holds a name twice.
    let all = before.iter().chain(values).map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())));
    reply.body = format!("{{{}}}", all.collect::<Vec<_>>().join(",")).into();
}

fn form_encode(reply: &mut HttpReply) {
    let Some(fields) = fields(&reply.body) else { return };
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in &fields {
        form.append_pair(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    reply.body = form.finish().into();
    reply.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
}
