//! An action's parameters, read from the JSON Schema of scenario files: the one place that says them all.

use serde_json::Value;

use crate::scenario::scenario_schema;

/// One parameter of an action.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    /// The key.
    pub(super) name: String,
    /// What may stand there, and what stands there if nothing does.
    pub(super) values: String,
    /// What it means.
    pub(super) doc: String,
}

/// The parameters of the action `name`, in the order of the documentation.
pub(super) fn parameters(name: &str) -> Vec<Parameter> {
    let schema = scenario_schema().to_value();
    let root = Root(&schema);
    let action = root.0["$defs"]["Action"]["oneOf"].as_array().into_iter().flatten();
    let Some(of_action) = action.map(|action| &action["properties"][name]).find(|found| !found.is_null()) else {
        return Vec::new();
    };
    let model = root.resolve(of_action);
    // A choice of one key out of several, or a mapping with all of them.
    let choices = model["oneOf"].as_array().into_iter().flatten();
    let either = choices.map(|choice| (choice, true)).chain(std::iter::once((model, false)));
    either.flat_map(|(model, is_choice)| root.of_model(model, is_choice)).collect()
}

struct Root<'a>(&'a Value);

impl<'a> Root<'a> {
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
            Some(name) => self.resolve(&self.0["$defs"][name]),
            None => schema,
        }
    }

    fn of_model(&self, model: &'a Value, is_choice: bool) -> Vec<Parameter> {
        let properties = model["properties"].as_object().into_iter().flatten();
        let required = |name: &str| model["required"].as_array().is_some_and(|all| all.iter().any(|it| it == name));
        let parameter = |(name, schema): (&String, &'a Value)| {
            let mut values = self.values(schema);
            match (&schema["default"], is_choice || !required(name)) {
                (Value::Null | Value::Object(_) | Value::Array(_), true) => {}
                (Value::String(default), _) => values.push_str(&format!(" (default {default})")),
                (Value::Null, false) => values.push_str(" (required)"),
                (default, _) => values.push_str(&format!(" (default {default})")),
            }
            let doc = schema["description"].as_str().or_else(|| model["description"].as_str()).unwrap_or_default();
            Parameter { name: name.clone(), values, doc: doc.to_owned() }
        };
        properties.map(parameter).collect()
    }

    fn values(&self, schema: &'a Value) -> String {
        // `null` only says that a key may be missing.
        let alternatives = schema["anyOf"].as_array().into_iter().flatten();
        let named = alternatives.map(|it| self.resolve(it)).find(|it| it["type"] != "null");
        let model = named.unwrap_or_else(|| self.resolve(schema));
        if let Some(words) = model["enum"].as_array() {
            return words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
        }
        if let Some(choices) = model["oneOf"].as_array() {
            let word = |it: &'a Value| match it["const"].as_str() {
                Some(word) => Some(word.to_owned()),
                None if self.resolve(it)["pattern"].is_string() => Some("duration".to_owned()),
                None => self.resolve(it)["properties"].as_object()?.keys().next().map(|key| format!("{key}: …")),
            };
            return choices.iter().filter_map(word).collect::<Vec<_>>().join(", ");
        }
        let kind = match &model["type"] {
            Value::String(kind) => kind.as_str(),
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or(""),
            _ => "anything",
        };
        match (model["format"].as_str(), kind) {
            (_, "integer") => "number".to_owned(),
            (_, "string") if model["pattern"].is_string() => "duration".to_owned(),
            (_, "string") => "text".to_owned(),
            (_, "boolean") => "true, false".to_owned(),
            (_, "array") => "list".to_owned(),
            (_, "object") => "mapping".to_owned(),
            (_, other) => other.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Action;

    #[test]
    fn every_parameter_says_what_it_is() {
        for (name, _) in Action::DOCS {
            let all = parameters(name);
            assert_eq!(all.is_empty(), *name == "temporal.pause", "{name}: parameters may be optional");
            for parameter in all {
                assert!(!parameter.values.is_empty() && !parameter.doc.is_empty(), "{name}: {parameter:?}");
            }
        }
        assert!(parameters("no.such").is_empty());
    }

    #[test]
    fn values_and_defaults_are_shown() {
        let shown = |name: &str| -> Vec<String> {
            parameters(name).into_iter().map(|it| format!("{} {}", it.name, it.values)).collect()
        };
        assert_eq!(
            shown("idp.delay"),
            [
                "endpoint token, introspect, revoke, jwks, discovery (default token)",
                "grant text",
                "by duration, between: … (required)",
                "times number (default 1)"
            ]
        );
        assert_eq!(shown("time.pass"), ["until token-expiry, all-expired", "by duration"]);
        assert_eq!(shown("link.refuse"), ["on idp, api, temporal (required)"]);
    }
}
