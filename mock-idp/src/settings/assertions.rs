//! What assertions must say, and whose are believed, by a configuration file.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::keys::Keys;
use crate::assertion::{AssertionRules, Audience, Subjects, TrustedIssuer};
use crate::file::{At, Complaint, Duration, Position, Problems};

/// What assertions must be like (RFC 7523 §3). What is left out is as the dialect has it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AssertionSettings {
    /// Which `aud` mean this server; one of those that an assertion names must be among these or `other_audiences`.
    pub audiences: Option<At<Vec<AudienceWord>>>,
    /// Further `aud` that mean this server, letter by letter.
    pub other_audiences: Vec<String>,
    /// Longest time from `iat`, if there is one, and from now to `exp`.
    pub max_lifetime: Option<At<Duration>>,
    /// So much may the signer's clock be wrong, in both directions.
    pub skew: Option<Duration>,
    /// Whether there must be a `jti`. If there is one, it is good once in any case.
    pub jti_required: Option<bool>,
    /// Longest assertion, in bytes.
    pub max_length: Option<usize>,
    /// Longest `iss`, `sub` and `jti`, in characters.
    pub max_claim_length: Option<usize>,
}

/// An `aud` that means this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AudienceWord {
    /// The issuer identifier.
    Issuer,
    /// The address of the token endpoint, whichever endpoint is called.
    TokenEndpoint,
    /// The address of the endpoint that is called.
    CalledEndpoint,
}

impl AssertionSettings {
    /// What the model cannot say.
    pub(super) fn check(&self, problems: &mut Problems) {
        if let Some(audiences) = self.audiences.as_ref().filter(|audiences| audiences.is_empty())
            && self.other_audiences.is_empty()
        {
            let complaint = Complaint::new("no `aud` is right: every assertion would be refused");
            problems.add(audiences.at, complaint.hint("name `issuer`, `token_endpoint` or `called_endpoint`"));
        }
        if let Some(longest) = self.max_lifetime.as_ref().filter(|longest| longest.as_millis() < 1000) {
            let complaint = Complaint::new("an assertion lives for a second or more, as `exp` has whole seconds");
            problems.add(longest.at, complaint.hint("allow some time, as in `5m`"));
        }
    }

    /// The rules of a dialect with what is said otherwise here.
    pub(super) fn rules(&self, of_dialect: AssertionRules) -> AssertionRules {
        let audience = |word: &AudienceWord| match word {
            AudienceWord::Issuer => Audience::Issuer,
            AudienceWord::TokenEndpoint => Audience::TokenEndpoint,
            AudienceWord::CalledEndpoint => Audience::CalledEndpoint,
        };
        let said = self.audiences.as_ref().map(|words| words.iter().map(audience).collect());
        let audiences: Vec<Audience> = said.unwrap_or(of_dialect.audiences);
        let others = self.other_audiences.iter().cloned().map(Audience::Exactly);
        AssertionRules {
            audiences: audiences.into_iter().chain(others).collect(),
            max_lifetime: self.max_lifetime.as_ref().map(|longest| longest.to_std()).or(of_dialect.max_lifetime),
            skew: self.skew.map_or(of_dialect.skew, Duration::to_std),
            jti_required: self.jti_required.unwrap_or(of_dialect.jti_required),
            max_length: self.max_length.or(of_dialect.max_length),
            max_claim_length: self.max_claim_length.or(of_dialect.max_claim_length),
        }
    }
}

/// Somebody whose assertions are grants (RFC 7523 §2.1), and whose tokens can be exchanged (RFC 8693).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuerSettings {
    /// `iss` of its assertions.
    pub issuer: At<String>,
    /// The public keys that it signs with (RFC 7517 §5).
    #[serde(default)]
    pub jwks: Option<At<Map<String, Value>>>,
    /// Where those keys are fetched from, on this machine.
    #[serde(default)]
    pub jwks_uri: Option<At<String>>,
    /// Certificates, in PEM, with the keys that it signs with.
    #[serde(default)]
    pub certificates: Option<At<String>>,
    /// Whom it may speak for. Default: anybody; of a service account itself only.
    #[serde(default)]
    pub subjects: Option<Vec<String>>,
    /// `aud` that its assertions may have, besides those that all may have.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// The client that acts where no other authenticates: a service account is a client that has nothing but its key.
    #[serde(default)]
    pub service_account: Option<At<String>>,
}

impl IssuerSettings {
    fn keys(&self) -> Keys<'_> {
        Keys { jwks: self.jwks.as_ref(), jwks_uri: self.jwks_uri.as_ref(), certificates: self.certificates.as_ref() }
    }

    /// What the model cannot say; `clients` are the ids of all that are registered.
    pub(super) fn check(&self, clients: &[&str], problems: &mut Problems) {
        if self.issuer.is_empty() {
            problems
                .add(self.issuer.at, Complaint::new("the issuer has no name").hint("give the `iss` of its assertions"));
        }
        match self.keys().source() {
            Err((at, complaint)) => problems.add(at, complaint),
            Ok(None) => problems.add(self.issuer.at, no_keys(&self.issuer)),
            Ok(Some(_)) => {}
        }
        if let Some(account) = self.service_account.as_ref().filter(|account| !clients.contains(&account.as_str())) {
            problems.unknown(account.at, "client", account, clients.iter().copied());
        }
    }

    /// The issuer; `None` if its keys are none.
    pub(super) fn trusted(&self) -> Option<TrustedIssuer> {
        let keys = self.keys().source().ok()??;
        let mut issuer = match &self.service_account {
            Some(account) => TrustedIssuer::service_account(account.value.clone(), keys),
            None => TrustedIssuer::new("", keys),
        };
        issuer.issuer.clone_from(&self.issuer.value);
        issuer.audiences.clone_from(&self.audiences);
        if let Some(subjects) = &self.subjects {
            issuer.subjects = Subjects::Only(subjects.clone());
        }
        Some(issuer)
    }

    pub(super) fn name(&self) -> (&str, Position) {
        (&self.issuer, self.issuer.at)
    }
}

fn no_keys(name: &str) -> Complaint {
    Complaint::new(format!("nothing says what `{name}` signs with")).hint("give `jwks`, `jwks_uri` or `certificates`")
}
