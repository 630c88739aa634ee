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

mod assertions;
mod client;
mod clock;
mod dpop;
pub mod example;
mod https;
mod keys;
mod proofs;
mod propagation;
mod tokens;
mod user;
pub(crate) mod words;

use std::collections::BTreeSet;

use schemars::{JsonSchema, Schema};
use serde::Deserialize;

pub use assertions::{AssertionSettings, AudienceWord, IssuerSettings};
pub use client::ClientSettings;
#[cfg(feature = "admin")]
pub(crate) use client::extra_claims;
pub use clock::ClockSettings;
pub use dpop::DpopSettings;
pub use https::HttpsSettings;
#[cfg(feature = "admin")]
pub(crate) use keys::Keys;
pub use propagation::PropagationSettings;
#[cfg(feature = "admin")]
pub(crate) use tokens::too_short;
pub use tokens::{Format, RotationSettings, TokenSettings};
pub use user::{LoginFileSettings, UserSettings};

use crate::caching::Caching;
use crate::config::{AuthMethod, Config};
use crate::dialect::Dialect;
use crate::file::{self, Complaint, Diagnostic, Problems, Source};
use crate::idp::Idp;
use crate::key::KeySettings;
use crate::misbehave::Rule;

/// A configuration file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whose paths, names and answers it has.
    #[serde(default)]
    pub dialect: Dialect,
    /// HTTPS instead of HTTP, for the command; an [`Idp`] of this file has no address yet. Default: HTTP.
    #[serde(default, deserialize_with = "https::wanted")]
    pub https: Option<HttpsSettings>,
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
    /// The keys that sign.
    #[serde(default)]
    pub keys: KeySettings,
    /// How long the JWKS and discovery documents may be kept.
    #[serde(default)]
    pub caching: Caching,
    /// What an assertion must say by which a client authenticates (RFC 7523 §2.2). Default: what the dialect asks for.
    #[serde(default)]
    pub client_assertions: AssertionSettings,
    /// What an assertion must say that is a grant (RFC 7523 §2.1), likewise.
    #[serde(default)]
    pub assertion_grants: AssertionSettings,
    /// Whose assertions are grants, and whose tokens can be exchanged.
    #[serde(default)]
    pub trusted_issuers: Vec<IssuerSettings>,
    /// What DPoP proofs must be like.
    #[serde(default)]
    pub dpop: DpopSettings,
    /// How long changes take until they have an effect.
    #[serde(default)]
    pub propagation: PropagationSettings,
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
            https: None,
            clients: example::clients(),
            tokens: TokenSettings::default(),
            keys: KeySettings::default(),
            caching: Caching::default(),
            client_assertions: AssertionSettings::default(),
            assertion_grants: AssertionSettings::default(),
            trusted_issuers: Vec::new(),
            dpop: DpopSettings::default(),
            propagation: PropagationSettings::default(),
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
    /// All that is wrong with it, in the order of the file: each place that does not fit the model, or, where all do, what
    /// the model cannot say. Of what is no YAML the first thing.
    pub fn parse(text: &str, name: &str) -> Result<Self, Vec<Diagnostic>> {
        let source = Source::new(name, text);
        // YAML's word for nothing is no mapping, but a file of comments is a good file.
        let settings = match file::parse_all::<Option<Self>>(text, &source) {
            Ok(settings) => settings.unwrap_or_default(),
            Err(errors) => return Err(errors),
        };
        let mut problems = Problems::new(source);
        settings.check(&mut problems);
        problems.finish(settings)
    }

    /// What the model cannot say.
    fn check(&self, problems: &mut Problems) {
        let mut ids = BTreeSet::new();
        for client in &self.clients {
            client.check(problems);
            if !ids.insert(client.id.as_str()) {
                let complaint = Complaint::new(format!("two clients are named `{}`", client.id.value));
                problems.add(client.id.at, complaint.hint("give each client an id of its own"));
            }
        }
        let ids: Vec<&str> = ids.into_iter().collect();
        let mut issuers = BTreeSet::new();
        for issuer in &self.trusted_issuers {
            issuer.check(&ids, problems);
            let (name, at) = issuer.name();
            if !issuers.insert(name) {
                let complaint = Complaint::new(format!("the issuer `{name}` is trusted twice"));
                problems.add(at, complaint.hint("say once what it signs with, with all of its keys in one set"));
            }
        }
        self.users.iter().flatten().for_each(|user| user.check(problems));
        self.https.iter().for_each(|https| https.check(problems));
        self.client_assertions.check(problems);
        self.assertion_grants.check(problems);
        self.dpop.check(problems);
        self.tokens.check(problems);
        self.check_authorities(problems);
    }

    /// A certificate proves its client only if somebody vouches for it (RFC 8705 §2.1).
    fn check_authorities(&self, problems: &mut Problems) {
        if self.https.as_ref().is_some_and(|https| https.client_authorities.is_some()) {
            return;
        }
        for client in self.clients.iter().filter(|client| client.methods.contains(&AuthMethod::Tls)) {
            let complaint = Complaint::new("nothing says who vouches for certificates of clients");
            let hint = "give `https: { client_authorities: … }`, their certificates in PEM";
            problems.add(client.methods.at, complaint.hint(hint));
        }
    }

    /// JSON Schema (2020-12) of configuration files.
    pub fn schema() -> Schema {
        file::schema::<Self>()
    }

    /// What an identity provider of this file is made with: what the file does not say is as the dialect's vendor has it.
    pub fn config(&self) -> Config {
        let of_dialect = Config::of(self.dialect);
        let mut config = Config {
            clients: self.clients.iter().map(ClientSettings::client).collect(),
            login: self.login.settings(),
            keys: KeySettings { id_tokens: self.keys.id_tokens.or(of_dialect.keys.id_tokens), ..self.keys },
            caching: self.caching.clone(),
            client_assertions: Some(self.client_assertions.rules(self.dialect.vendor().client_assertions())),
            assertion_grants: Some(self.assertion_grants.rules(self.dialect.vendor().assertion_grants())),
            trusted_issuers: self.trusted_issuers.iter().filter_map(IssuerSettings::trusted).collect(),
            dpop: self.dpop.rules(),
            ..of_dialect
        };
        if let Some(authorities) = self.https.as_ref().and_then(HttpsSettings::authorities) {
            config.client_authorities = authorities;
        }
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
        idp.set_propagation(self.propagation.into());
        for rule in &self.rules {
            idp.rules().add(rule.clone());
        }
        // A reset comes back to here.
        idp.mark_fresh();
        idp
    }
}
