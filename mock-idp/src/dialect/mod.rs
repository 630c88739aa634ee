//! Dialects: how vendors say what the RFCs leave open, or say otherwise. One file each. A dialect changes the shape of
//! an answer, never what is true: a dead token is dead in all.

mod auth0;
mod cognito;
mod entra;
mod fact;
mod generic;
mod google;
mod keycloak;
mod okta;
mod profile;
mod refusal;
mod request;
mod route;
mod words;

use std::borrow::Cow;
use std::fmt;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use fact::{Certainty, Fact};
pub(crate) use profile::Workload;
pub use profile::{Assertion, AssertionAudience, Throttled};
pub(crate) use refusal::{Refused, set};
pub(crate) use request::Asked;
pub(crate) use route::{Generation, Route};

use crate::assertion::AssertionRules;
use crate::config::{Client, Rotation};
use crate::endpoint::{Endpoint, Form};
use crate::error::OAuthError;
use crate::fault::HttpReply;
use crate::token::AccessClaims;
use profile::{Format, Numbers, Profile, Scope};

/// Whose paths, names and answers an identity provider has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "file", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// The RFCs to the letter.
    #[default]
    Generic,
    /// Okta, a custom authorization server.
    Okta,
    /// Microsoft Entra ID.
    Entra,
    /// Google.
    Google,
    /// Auth0.
    Auth0,
    /// Keycloak.
    Keycloak,
    /// Amazon Cognito.
    Cognito,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: &'static [Self] =
        &[Self::Generic, Self::Okta, Self::Entra, Self::Google, Self::Auth0, Self::Keycloak, Self::Cognito];

    /// `generic`.
    pub fn name(self) -> &'static str {
        self.vendor().name()
    }

    /// The dialect with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|dialect| dialect.name() == name)
    }

    /// What it is, in one sentence.
    pub fn doc(self) -> &'static str {
        self.vendor().doc()
    }

    /// Everything that it does, in words, each with how sure it is that the vendor does it so.
    pub fn facts(self) -> Vec<Fact> {
        self.vendor().profile().facts()
    }

    /// What is said to whoever asks too often.
    pub fn throttled(self) -> Throttled {
        self.vendor().profile().throttled.value
    }

    /// What a client's signed assertion must be like.
    pub fn assertion(self) -> Assertion {
        self.vendor().profile().assertion.value
    }

    /// What refresh tokens do unless somebody sets it otherwise.
    pub fn rotation_by_default(self) -> Rotation {
        self.vendor().profile().refresh.value.by_default
    }

    /// Whether a refresh token can be good for one use only; `Err` says why not.
    ///
    /// # Errors
    ///
    /// What the vendor does instead, in words.
    pub fn single_use(self) -> Result<(), String> {
        let refresh = &self.vendor().profile().refresh;
        if refresh.value.single_use { Ok(()) } else { Err(refresh.fact("refresh tokens", refresh.value.words()).says) }
    }

    /// The prefix of access tokens that are always opaque, whatever a client would like; `None` where JWTs are issued.
    pub fn opaque_prefix(self) -> Option<&'static str> {
        match self.vendor().profile().format.value {
            Format::Opaque(prefix) => Some(prefix),
            Format::Jwt(_) => None,
        }
    }

    /// What a client that wants all its scopes by client credentials sends as `scope`.
    pub fn scope_parameter(self, client: &Client) -> String {
        match self.vendor().profile().scope.value {
            Scope::OfOneResource => format!("{}/.default", client.audience.trim_end_matches('/')),
            Scope::Strict | Scope::ForeignIgnored => client.scopes.join(" "),
        }
    }

    /// Whether this `scope` stands for all that the client may have.
    pub fn asks_for_all(self, scope: &str) -> bool {
        let all = |word: &str| word.ends_with("/.default");
        self.vendor().profile().scope.value == Scope::OfOneResource && scope.split(' ').any(all)
    }

    /// What a client must send as `audience` by client credentials; `None` where there is no such parameter.
    pub fn audience_parameter(self, client: &Client) -> Option<String> {
        (self.vendor().profile().audience.value == profile::Audience::Parameter).then(|| client.audience.clone())
    }

    /// All facts about all dialects as a table in Markdown.
    pub fn table() -> String {
        fact::table(Self::ALL.iter().map(|dialect| (dialect.name(), dialect.facts())))
    }

    pub(crate) fn vendor(self) -> &'static dyn Vendor {
        match self {
            Self::Generic => &generic::Generic,
            Self::Okta => &okta::Okta,
            Self::Entra => &entra::Entra,
            Self::Google => &google::Google,
            Self::Auth0 => &auth0::Auth0,
            Self::Keycloak => &keycloak::Keycloak,
            Self::Cognito => &cognito::Cognito,
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a signed access token is to say.
pub(crate) struct Facts<'a> {
    /// As RFC 9068 has it.
    pub(crate) standard: &'a AccessClaims,
    pub(crate) scopes: &'a [String],
    pub(crate) generation: Generation,
}

impl Facts<'_> {
    /// Whether it speaks for somebody else than the client itself.
    fn has_user(&self) -> bool {
        self.standard.sub != self.standard.client_id
    }
}

/// A vendor's own claims.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct Claims(Map<String, Value>);

impl Claims {
    fn of(claims: Value) -> Option<Self> {
        match claims {
            Value::Object(claims) => Some(Self(claims)),
            _ => None,
        }
    }
}

/// What a successful answer is about.
pub(crate) struct Success<'a> {
    pub(crate) generation: Generation,
    /// Seconds, as stated.
    pub(crate) expires_in: i64,
    /// The second since the Unix epoch, as stated.
    pub(crate) expires_at_s: i64,
    pub(crate) audience: &'a str,
    pub(crate) has_user: bool,
    /// Seconds that the refresh token in the answer lives.
    pub(crate) refresh_expires_in: Option<i64>,
    pub(crate) family: u64,
}

/// One vendor's ways. What a dialect does not say otherwise is as the RFCs have it.
pub(crate) trait Vendor: Sync {
    /// As in a flag or a file.
    fn name(&self) -> &'static str;

    /// What it is, in one sentence.
    fn doc(&self) -> &'static str;

    /// What it differs in, as data.
    fn profile(&self) -> &'static Profile;

    /// What is served, and where. The first row of an endpoint is the address that metadata name.
    fn routes(&self) -> &'static [Route] {
        self.profile().routes
    }

    /// `iss` of what is issued at an origin (scheme, host and port).
    fn issuer(&self, origin: &str) -> String {
        format!("{origin}{}", self.profile().issuer.value)
    }

    /// Likewise, by the generation of the address where it is asked for.
    fn issuer_of(&self, generation: Generation, origin: &str) -> String {
        let _ = generation;
        self.issuer(origin)
    }

    /// `issuer` of the metadata at a path.
    fn stated_issuer(&self, path: &str, issuer: String) -> String {
        let _ = path;
        issuer
    }

    /// The address of an endpoint at an origin, if it is served.
    fn url(&self, endpoint: Endpoint, origin: &str) -> Option<String> {
        self.url_of(Generation::Current, endpoint, origin)
    }

    /// Likewise, of that generation if it has one of its own.
    fn url_of(&self, generation: Generation, endpoint: Endpoint, origin: &str) -> Option<String> {
        let mut routes = self.routes().iter().filter(|route| route.endpoint == endpoint);
        let own = routes.clone().find(|route| route.generation == generation);
        let route = own.or_else(|| routes.next())?;
        Some(format!("{origin}{}", route.path))
    }

    /// The row that a request is for. What GET does, HEAD does without a body (RFC 9110 §9.3.2).
    fn route(&self, method: &Method, path: &str) -> Option<&'static Route> {
        let does = |route: &&Route| route.method == *method || (*method == Method::HEAD && route.method == Method::GET);
        self.routes().iter().filter(does).find(|route| route.leads_to(path))
    }

    /// The claims of a signed access token; `None` for those of RFC 9068.
    fn claims(&self, of: &Facts<'_>) -> Option<Claims> {
        let _ = of;
        None
    }

    /// What opaque access tokens begin with.
    fn opaque_prefix(&self) -> &'static str {
        match self.profile().format.value {
            Format::Opaque(prefix) => prefix,
            Format::Jwt(_) => "tlat_",
        }
    }

    /// What a successful answer has more, or less, than RFC 6749 §5.1.
    fn success(&self, of: &Success<'_>, body: &mut Map<String, Value>) {
        let _ = (of, body);
    }

    /// Header fields of a successful answer instead of the usual ones.
    fn success_headers(&self, generation: Generation) -> &'static [(&'static str, &'static str)] {
        let _ = generation;
        &[]
    }

    /// The form of a token request as RFC 6749 would have it.
    ///
    /// # Errors
    ///
    /// What the vendor refuses and the RFC has no word for.
    fn standard<'f>(&self, form: &'f Form, asked: &Asked<'_>) -> Result<Cow<'f, Form>, OAuthError> {
        request::standard(self.profile(), form, asked)
    }

    /// How a refusal is said.
    fn refusal(&self, error: &OAuthError, request: &Refused) -> HttpReply {
        refusal::say(self.profile(), error, request)
    }

    /// What a client assertion must say (RFC 7523 §2.2).
    fn client_assertions(&self) -> AssertionRules {
        self.profile().assertion.value.rules()
    }

    /// What an assertion as a grant must say (RFC 7523 §2.1).
    fn assertion_grants(&self) -> AssertionRules {
        self.profile().assertion.value.rules()
    }
}

/// Writes numbers as text where the vendor does.
pub(crate) fn in_their_form(vendor: &dyn Vendor, generation: Generation, body: &mut Map<String, Value>) {
    let (current, former) = vendor.profile().expires_in.value;
    let numbers = match generation {
        Generation::Current => current,
        Generation::Former => former,
    };
    if numbers == Numbers::Text {
        for value in body.values_mut().filter(|value| value.is_number()) {
            *value = value.to_string().into();
        }
    }
}

/// A GUID that is always the same for the same text.
fn guid(of: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, of.as_bytes());
    let hex: String = digest.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}
