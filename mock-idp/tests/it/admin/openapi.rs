//! The OpenAPI document.

use std::collections::BTreeSet;

use serde_json::Value;

use super::support::Lab;

/// All that `$ref` says.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn the_document_is_openapi_3_1_and_every_reference_is_there() {
    let lab = Lab::new().await;
    let document = lab.get("/openapi.json").await;
    assert!(document["openapi"].as_str().expect("a version").starts_with("3.1."), "{}", document["openapi"]);
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 15, "{found:?}");
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("in the document");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let printed: Value = serde_json::from_str(&mock_idp::admin::openapi()).expect("JSON");
    assert_eq!(printed, document, "the library has the same");
}

#[tokio::test]
async fn every_operation_says_what_it_is_and_how_it_is_refused() {
    let lab = Lab::new().await;
    let document = lab.get("/openapi.json").await;
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        assert!(path.starts_with("/admin/"), "{path}");
        for (method, operation) in item.as_object().expect("operations") {
            let place = format!("{method} {path}");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{place}");
            assert!(operation["responses"]["default"]["content"]["application/problem+json"].is_object(), "{place}");
            assert!(ids.insert(operation["operationId"].to_string()), "{place}: the id is taken");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                assert!(parameter["description"].is_string(), "{place}: {parameter}");
            }
        }
    }
    assert!(ids.len() > 25, "{ids:?}");
}
