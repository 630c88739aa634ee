//! Which workflow a request belongs to, by what the request itself says.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde_json::Value;

use crate::journal::WorkflowId;

/// Where a request names its workflow (`api.correlate` of the target file).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Correlate {
    /// In this header.
    Header(String),
    /// In this parameter of the route's path.
    Path(String),
    /// At this place of a JSON body, as a JSON pointer (RFC 6901).
    Body(String),
}

impl Correlate {
    /// The workflow that a request names.
    pub fn workflow(
        &self,
        headers: &HeaderMap,
        parameters: &BTreeMap<String, String>,
        body: &[u8],
    ) -> Option<WorkflowId> {
        match self {
            Self::Header(name) => headers.get(name)?.to_str().ok().map(WorkflowId::from),
            Self::Path(name) => parameters.get(name).map(|value| WorkflowId::from(value.as_str())),
            Self::Body(pointer) => match serde_json::from_slice::<Value>(body).ok()?.pointer(pointer)? {
                Value::String(text) => Some(text.as_str().into()),
                Value::Number(number) => Some(number.to_string().as_str().into()),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_is_read_and_absence_is_no_workflow() {
        let headers: HeaderMap =
            [("x-workflow-id".parse().expect("a name"), "w1".parse().expect("a value"))].into_iter().collect();
        let parameters = BTreeMap::from([("id".to_owned(), "w2".to_owned())]);
        let body = br#"{"order":{"id":3,"name":"w4"}}"#;
        let found = |correlate: Correlate| correlate.workflow(&headers, &parameters, body).map(|w| w.to_string());
        assert_eq!(found(Correlate::Header("X-Workflow-Id".into())).as_deref(), Some("w1"));
        assert_eq!(found(Correlate::Path("id".into())).as_deref(), Some("w2"));
        assert_eq!(found(Correlate::Body("/order/id".into())).as_deref(), Some("3"));
        assert_eq!(found(Correlate::Body("/order/name".into())).as_deref(), Some("w4"));
        assert_eq!(found(Correlate::Body("/order".into())), None);
        assert_eq!(found(Correlate::Header("X-Other".into())), None);
        assert_eq!(found(Correlate::Path("other".into())), None);
    }
}
