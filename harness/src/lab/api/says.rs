//! What a request itself says: which workflow it belongs to, and by which key its effect is known.

use http::HeaderMap;
use serde_json::Value;

use crate::journal::WorkflowId;
use crate::scenario::{Correlate, IdempotencyKey};

/// A request as far as it says something of itself.
pub(super) struct Says<'a> {
    pub(super) headers: &'a HeaderMap,
    /// The parameters of its path.
    pub(super) parameters: &'a [(&'a str, &'a str)],
    pub(super) body: &'a [u8],
}

impl Says<'_> {
    /// The workflow that it names.
    pub(super) fn workflow(&self, correlate: &Correlate) -> Option<WorkflowId> {
        let name = match correlate {
            Correlate::Header(name) => self.header(&name.value),
            Correlate::Path(name) => {
                let found = self.parameters.iter().find(|(known, _)| *known == name.value);
                found.map(|(_, value)| (*value).to_owned())
            }
            Correlate::Body(path) => self.in_body(&path.value),
        };
        name.map(WorkflowId::new)
    }

    /// Its idempotency key.
    pub(super) fn idempotency_key(&self, place: &IdempotencyKey) -> Option<String> {
        match place {
            IdempotencyKey::Header(name) => self.header(&name.value),
            IdempotencyKey::Body(path) => self.in_body(&path.value),
        }
    }

    fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name)?.to_str().ok().map(str::to_owned)
    }

    /// The text or number at a place of a JSON body, `$.order.id`.
    fn in_body(&self, path: &str) -> Option<String> {
        let body: Value = serde_json::from_slice(self.body).ok()?;
        let mut names = path.trim_start_matches('$').split('.').filter(|name| !name.is_empty());
        let found = names.try_fold(&body, |at, name| match at {
            Value::Array(items) => items.get(name.parse::<usize>().ok()?),
            value => value.get(name),
        });
        match found? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_is_read_and_absence_is_nothing() {
        let headers: HeaderMap =
            [("x-workflow-id".parse().expect("a name"), "w1".parse().expect("a value"))].into_iter().collect();
        let says = Says {
            headers: &headers,
            parameters: &[("id", "w2")],
            body: br#"{"order":{"id":3,"name":"w4"},"items":[{"key":"k"}]}"#,
        };
        let workflow = |correlate: Correlate| says.workflow(&correlate).map(|w| w.to_string());
        let key = |place: IdempotencyKey| says.idempotency_key(&place);
        let at = |text: &str| text.to_owned().into();
        assert_eq!(workflow(Correlate::Header(at("X-Workflow-Id"))).as_deref(), Some("w1"));
        assert_eq!(workflow(Correlate::Path(at("id"))).as_deref(), Some("w2"));
        assert_eq!(workflow(Correlate::Body(at("$.order.id"))).as_deref(), Some("3"));
        assert_eq!(workflow(Correlate::Body(at("$.order"))), None);
        assert_eq!(workflow(Correlate::Header(at("X-Other"))), None);
        assert_eq!(workflow(Correlate::Path(at("other"))), None);
        assert_eq!(key(IdempotencyKey::Header(at("X-Workflow-Id"))).as_deref(), Some("w1"));
        assert_eq!(key(IdempotencyKey::Body(at("$.items.0.key"))).as_deref(), Some("k"));
        assert_eq!(key(IdempotencyKey::Body(at("$.items.1.key"))), None);
    }
}
