//! What a worker is told of its lab: the values behind the placeholders of a target file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use tokio::sync::watch;

use crate::journal::Instance;
use crate::scenario::{Entries, LabValue, Placeholder, Template};

/// The lab's values for one worker instance.
#[derive(Clone, Default)]
pub struct LabEnv {
    values: BTreeMap<LabValue, String>,
    /// What follows is for a worker in this very process only.
    variables: BTreeMap<String, String>,
    instance: String,
    stage: Option<watch::Receiver<Stage>>,
}

/// How far the life of a worker in this process has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Work,
    Stop,
    Over,
}

impl fmt::Debug for LabEnv {
    /// Shows the names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys().map(|value| value.name())).finish()
    }
}

impl LabEnv {
    /// The value behind `{name}`; `None` where it does not apply, such as a refresh token's file with another grant.
    pub fn get(&self, value: LabValue) -> Option<&str> {
        self.values.get(&value).map(String::as_str)
    }

    /// The variable that the target's `env:` gives the worker, which a process would find in its environment. The
    /// environment itself is everybody's here, so it is not changed.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The worker instance that this is for, such as `worker-2#1`.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Done when the worker shall finish what it does and return: what SIGTERM is to a process.
    pub fn stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        let stage = self.stage.clone();
        async move {
            if let Some(mut stage) = stage {
                // An error means that the lab is gone, which is an end as well.
                let _ = stage.wait_for(|stage| *stage != Stage::Work).await;
            }
        }
    }

    pub(super) fn set(&mut self, value: LabValue, text: impl Into<String>) {
        self.values.insert(value, text.into());
    }

    pub(super) fn belongs_to(&mut self, instance: &Instance, stage: watch::Receiver<Stage>) {
        self.instance = instance.to_string();
        self.stage = Some(stage);
    }

    /// Gives it the variables of a target's worker.
    pub(super) fn fill_variables(&mut self, env: &Entries<Template>, caller: &[(OsString, OsString)]) {
        let caller = variable_of(caller);
        let filled = env.iter().filter_map(|(name, text)| Some((name.value.clone(), self.fill(&text.value, &caller)?)));
        let variables = filled.collect();
        self.variables = variables;
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

/// Looks a variable up among the caller's.
pub(super) fn variable_of(caller: &[(OsString, OsString)]) -> impl Fn(&str) -> Option<String> {
    |name| {
        let found = caller.iter().find(|(known, _)| known.to_str() == Some(name));
        found.and_then(|(_, value)| value.to_str().map(str::to_owned))
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
