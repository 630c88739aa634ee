//! What signatures, certificates and proofs are judged by, and which of them were seen.

use crate::assertion::{AssertionRules, Replays, TrustedIssuer};
use crate::config::Config;
use crate::dpop::DpopVerifier;
use crate::tls::ClientAuthorities;

#[derive(Clone)]
pub(crate) struct Proofs {
    pub(crate) client_rules: AssertionRules,
    pub(crate) grant_rules: AssertionRules,
    pub(crate) issuers: Vec<TrustedIssuer>,
    pub(crate) authorities: ClientAuthorities,
    pub(crate) replays: Replays,
    pub(crate) dpop: DpopVerifier,
}

impl Proofs {
    pub(crate) fn new(config: &Config) -> Self {
        let vendor = config.dialect.vendor();
        Self {
            client_rules: config.client_assertions.clone().unwrap_or_else(|| vendor.client_assertions()),
            grant_rules: config.assertion_grants.clone().unwrap_or_else(|| vendor.assertion_grants()),
            issuers: config.trusted_issuers.clone(),
            authorities: config.client_authorities.clone(),
            replays: Replays::default(),
            dpop: DpopVerifier::new(config.dpop.clone()),
        }
    }

    /// The issuer of this name, if its assertions are believed.
    pub(crate) fn issuer(&self, name: &str) -> Option<&TrustedIssuer> {
        self.issuers.iter().find(|issuer| issuer.issuer == name)
    }
}
