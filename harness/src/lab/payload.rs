//! Decodes what Temporal stores, so that the journal shows what a reader of the history could see.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use temporalio_common::protos::temporal::api::common::v1::Payload;

/// The JSON in a payload, if it says that it holds some and does.
pub fn json(payload: &Payload) -> Option<Value> {
    match encoding(payload) {
        b"binary/null" => Some(Value::Null),
        b"json/plain" | b"json/protobuf" => serde_json::from_slice(&payload.data).ok(),
        _ => None,
    }
}

/// The content of a payload: JSON as it is, anything else as base64 with its encoding named.
pub fn decode(payload: &Payload) -> Value {
    json(payload).unwrap_or_else(|| {
        let mut shown = Map::new();
        shown.insert("encoding".into(), String::from_utf8_lossy(encoding(payload)).into());
        shown.insert("base64".into(), STANDARD.encode(&payload.data).into());
        Value::Object(shown)
    })
}

fn encoding(payload: &Payload) -> &[u8] {
    payload.metadata.get("encoding").map_or(&[], Vec::as_slice)
}

/// Replaces each payload in the serialised form of a Temporal message by its content.
///
/// A payload is known by its `metadata.encoding`, which no other message of Temporal's has.
pub fn decode_in_place(message: &mut Value) {
    match message {
        Value::Array(items) => items.iter_mut().for_each(decode_in_place),
        Value::Object(fields) => match as_payload(fields) {
            Some(payload) => *message = decode(&payload),
            None => fields.values_mut().for_each(decode_in_place),
        },
        _ => {}
    }
}

fn as_payload(fields: &Map<String, Value>) -> Option<Payload> {
    fields.get("metadata")?.get("encoding")?;
    fields.get("data")?;
    serde_json::from_value(Value::Object(fields.clone())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn payload(encoding: &str, data: &[u8]) -> Payload {
        Payload {
            metadata: [("encoding".to_owned(), encoding.as_bytes().to_vec())].into(),
            data: data.to_vec(),
            ..Payload::default()
        }
    }

    #[test]
    fn each_encoding_shows_its_content() {
        assert_eq!(decode(&payload("json/plain", br#"{"order":"1"}"#)), json!({"order": "1"}));
        assert_eq!(decode(&payload("binary/null", b"")), Value::Null);
        assert_eq!(decode(&payload("binary/plain", b"abc")), json!({"encoding": "binary/plain", "base64": "YWJj"}));
        let broken = json!({"encoding": "json/plain", "base64": "ew=="});
        assert_eq!(decode(&payload("json/plain", b"{")), broken, "what claims to be JSON and is not stays visible");
    }

    #[test]
    fn payloads_are_found_wherever_they_stand() {
        let stored = serde_json::to_value(payload("json/plain", b"[1]")).expect("JSON");
        let mut message = json!({"input": {"payloads": [stored]}, "memo": {"fields": {"a": stored}}, "other": 1});
        decode_in_place(&mut message);
        assert_eq!(message, json!({"input": {"payloads": [[1]]}, "memo": {"fields": {"a": [1]}}, "other": 1}));
    }
}
