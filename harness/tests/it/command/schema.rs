//! Just enough of JSON Schema (2020-12) to hold a report against its own: the keywords that schemars writes for plain
//! data. An unknown keyword fails, so that nothing passes unread.

use serde_json::Value;

/// Everything in which `value` differs from the schema.
pub(crate) fn differences(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(schema, schema, value, "", &mut found);
    found
}

fn compare(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let Some(keywords) = schema.as_object() else { return };
    for (keyword, wanted) in keywords {
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" => {}
            "$ref" => {
                let pointer = wanted.as_str().and_then(|it| it.strip_prefix('#')).expect("a place in this schema");
                compare(root, root.pointer(pointer).expect("it is defined"), value, at, found);
            }
            "type" => {
                let many = wanted.as_array().cloned().unwrap_or_else(|| vec![wanted.clone()]);
                if !many.iter().any(|kind| is(kind.as_str().expect("a type"), value)) {
                    found.push(format!("{at} is {value}, not {wanted}"));
                }
            }
            "enum" if !wanted.as_array().expect("a list").contains(value) => {
                found.push(format!("{at} is {value}, none of {wanted}"));
            }
            "const" if wanted != value => found.push(format!("{at} is {value}, not {wanted}")),
            "enum" | "const" => {}
            "oneOf" | "anyOf" => {
                let fits = |one: &&Value| {
                    let mut differences = Vec::new();
                    compare(root, one, value, at, &mut differences);
                    differences.is_empty()
                };
                if !wanted.as_array().expect("a list").iter().any(|one| fits(&one)) {
                    found.push(format!("{at} is {value}, which fits none of {wanted}"));
                }
            }
            "minimum" if value.as_f64() < wanted.as_f64() => found.push(format!("{at} is {value}, below {wanted}")),
            "maximum" if value.as_f64() > wanted.as_f64() => found.push(format!("{at} is {value}, above {wanted}")),
            "minimum" | "maximum" => {}
            "required" => {
                for key in wanted.as_array().expect("a list") {
                    if value.get(key.as_str().expect("a key")).is_none() {
                        found.push(format!("{at} lacks {key}"));
                    }
                }
            }
            "properties" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    match wanted.get(key) {
                        Some(schema) => compare(root, schema, value, &format!("{at}/{key}"), found),
                        None => found.push(format!("{at}/{key} is not in the schema")),
                    }
                }
            }
            "additionalProperties" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    compare(root, wanted, value, &format!("{at}/{key}"), found);
                }
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    compare(root, wanted, value, &format!("{at}/{index}"), found);
                }
            }
            unknown => found.push(format!("the keyword {unknown} is not understood")),
        }
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

#[test]
fn a_difference_is_found_wherever_it_is() {
    let schema = serde_json::json!({
        "type": "object", "required": ["a"],
        "properties": { "a": { "type": "array", "items": { "$ref": "#/$defs/word" } } },
        "$defs": { "word": { "oneOf": [{ "const": "x" }, { "enum": ["y"] }] } },
    });
    let differ = |value: Value| differences(&schema, &value).len();
    assert_eq!(differ(serde_json::json!({ "a": ["x", "y"] })), 0);
    for wrong in [r#"{}"#, r#"{"a": 1}"#, r#"{"a": ["z"]}"#, r#"{"a": [], "b": 1}"#, "[]"] {
        assert!(differ(serde_json::from_str(wrong).expect("JSON")) > 0, "{wrong}");
    }
}
