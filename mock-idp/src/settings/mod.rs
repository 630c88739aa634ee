//! Configuration files (YAML): model, errors with line and column, JSON Schema.
//!
//! ```
//! use mock_idp::settings::Settings;
//!
//! let text = "clients:\n  - { id: billing, secret: hush, scopes: [invoices.read] }\ntokens: { lifetime: 1m }\n";
//! let idp = Settings::parse(text, "idp.yaml").expect("a good file").idp();
//! assert_eq!(idp.clients(), ["billing"]);
//!
//! let errors = Settings::parse("tokens: { lifetme: 1m }\n", "idp.yaml").expect_err("a wrong key");
//! assert_eq!(errors[0].to_string(), "idp.yaml:1:11: unknown key `lifetme` (did you mean `lifetime`?)");
//! ```

mod client;
mod clock;
pub mod example;
mod tokens;
mod user;

use std::collections::BTreeSet;

use schemars::{JsonSchema, Schema};
use serde::Deserialize;

pub use client::ClientSettings;
pub use clock::ClockSettings;
pub use tokens::{Format, RotationSettings, TokenSettings};
pub use user::{LoginFileSettings, UserSettings};

use crate::config::Config;
use crate::dialect::Dialect;
use crate::file::{self, Complaint, Diagnostic, Problems, Source};
use crate::idp::Idp;
use crate::misbehave::Rule;

/// A configuration file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whose paths, names and answers it has.
    #[serde(default)]
    pub dialect: Dialect,
    /// Who may ask for tokens. Default: one client `worker` whose secret is no secret.
    #[serde(default = "example::clients")]
    pub clients: Vec<ClientSettings>,
    /// Who may sign in; the first is the one who does where nobody is asked. Default: `alice`.
    #[serde(default)]
    pub users: Option<Vec<UserSettings>>,
    /// What signing in is like.
    #[serde(default)]
    pub login: LoginFileSettings,
    /// What is issued.
    #[serde(default)]
    pub tokens: TokenSettings,
    /// The identity provider's own clock.
    #[serde(default)]
    pub clock: ClockSettings,
    /// What goes wrong: rules of misbehaviour, the oldest first, as the control takes them.
    #[serde(default)]
    #[schemars(with = "Vec<serde_json::Map<String, serde_json::Value>>")]
    pub rules: Vec<Rule>,
}

impl Default for Settings {
    /// An empty file.
    fn default() -> Self {
        Self {
            dialect: Dialect::default(),
            clients: example::clients(),
            tokens: TokenSettings::default(),
            clock: ClockSettings::default(),
            users: None,
            login: LoginFileSettings::default(),
            rules: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads a configuration file; `name` stands in front of line and column.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, in the order of the file; where the text does not fit the model, the first thing.
    pub fn parse(text: &str, name: &str) -> Result<Self, Vec<Diagnostic>> {
        let source = Source::new(name, text);
        // YAML's word for nothing is no mapping, but a file of comments is a good file.
        let settings = match file::parse::<Option<Self>>(text, &source) {
            Ok(settings) => settings.unwrap_or_default(),
            Err(error) => return Err(vec![error]),
        };
        let mut problems = Problems::new(source);
        let mut ids = BTreeSet::new();
        for client in &settings.clients {
            client.check(&mut problems);
            if !ids.insert(&client.id.value) {
                let complaint = Complaint::new(format!("two clients are named `{}`", client.id.value));
                problems.add(client.id.at, complaint.hint("give each client an id of its own"));
            }
        }
        settings.users.iter().flatten().for_each(|user| user.check(&mut problems));
        settings.tokens.check(&mut problems);
        problems.finish(settings)
    }

    /// JSON Schema (2020-12) of configuration files.
    pub fn schema() -> Schema {
        file::schema::<Self>()
    }

    /// What an identity provider of this file is made with.
    pub fn config(&self) -> Config {
        let mut config = Config {
            dialect: self.dialect,
            clients: self.clients.iter().map(ClientSettings::client).collect(),
            login: self.login.settings(),
            ..Config::default()
        };
        if let Some(users) = &self.users {
            config.users = users.iter().map(UserSettings::user).collect();
        }
        self.tokens.apply(&mut config);
        config
    }

    /// An identity provider as the file has it, its clock set and its rules added.
    pub fn idp(&self) -> Idp {
        let idp = Idp::new(self.config());
        idp.clock().shift_ms(self.clock.offset.as_millis());
        idp.clock().drift(self.clock.drift);
        for rule in &self.rules {
            idp.rules().add(rule.clone());
        }
        // A reset comes back to here.
        idp.mark_fresh();
        idp
    }
}
