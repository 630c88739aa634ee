//! What a worker is told of its lab: the values behind the placeholders of a target file.

use std::collections::BTreeMap;
use std::fmt;

use crate::scenario::{LabValue, Placeholder, Template};

/// The lab's values for one worker instance.
#[derive(Clone, Default)]
pub struct LabEnv(BTreeMap<LabValue, String>);

impl fmt::Debug for LabEnv {
    /// Shows the names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys().map(|value| value.name())).finish()
    }
}

impl LabEnv {
    /// The value behind `{name}`; `None` where it does not apply, such as a refresh token's file with another grant.
    pub fn get(&self, value: LabValue) -> Option<&str> {
        self.0.get(&value).map(String::as_str)
    }

    pub(super) fn set(&mut self, value: LabValue, text: impl Into<String>) {
        self.0.insert(value, text.into());
    }

    /// Fills in a template. `None` if it names a value that does not apply: what holds the template is left out.
    pub(super) fn fill(&self, template: &Template, caller: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        let filled = template.render(|placeholder| match placeholder {
            Placeholder::Lab(value) => self.get(*value).map(str::to_owned),
            Placeholder::CallerEnv(name) => caller(name),
            Placeholder::N | Placeholder::NInt => None,
        });
        filled.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_apply_leaves_the_whole_text_out() {
        let mut env = LabEnv::default();
        env.set(LabValue::ApiUrl, "http://127.0.0.1:1");
        let fill = |text: &str| env.fill(&text.parse().expect("a template"), &|name| Some(format!("<{name}>")));
        assert_eq!(fill("{api.url}/v1").as_deref(), Some("http://127.0.0.1:1/v1"));
        assert_eq!(fill("{env.STAGE}").as_deref(), Some("<STAGE>"));
        assert_eq!(fill("x{client.refresh_token_file}"), None);
        assert_eq!(format!("{env:?}"), r#"{"api.url"}"#);
    }
}
