//! Eventual consistency: changes that take effect later than they are made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Chosen, Registered, Store};
use crate::config::Client;
use crate::error::{Cause, OAuthError};
use crate::key::SigningKey;
use crate::secret::Secret;

/// How long each kind of change takes until it has an effect, by the provider's clock; 0 is at once. What was made
/// before it was set keeps its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Propagation {
    /// A secret that replaces another: until then the old one is right.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub secret: Duration,
    /// A key that is new: until then the JWKS is as it was, and lacks it. One that is removed is gone at once.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub key: Duration,
    /// A revocation by a control or by RFC 7009: until then the token lives. Reuse detection strikes at once.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub revocation: Duration,
    /// A client that is added: until then nobody knows it.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub client: Duration,
    /// A consent: until then its refresh token is refused.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub consent: Duration,
}

/// A change that takes effect at its time.
#[derive(Clone)]
pub(crate) enum Later {
    Secret { client: String, secret: Secret },
    Keys(Vec<Arc<SigningKey>>),
    Revocation { chosen: Chosen, reason: String },
    Client(Box<Client>),
    Consent { family: u64 },
}

/// What is on its way.
#[derive(Clone, Default)]
pub(crate) struct Underway {
    pub(crate) propagation: Propagation,
    /// By when it takes effect and in which order it was made.
    changes: BTreeMap<(i64, u64), Later>,
    made: u64,
    /// Families whose consent is on its way.
    families: BTreeSet<u64>,
}

impl Underway {
    /// A key that was removed does not come back with a change that was made before.
    pub(super) fn forget_key(&mut self, kid: &str) {
        for change in self.changes.values_mut() {
            if let Later::Keys(keys) = change {
                keys.retain(|key| key.kid != kid);
            }
        }
    }
}

impl Store {
    /// Has the effect of a change when its time has come: at once, if its kind takes none.
    pub(crate) fn change(&mut self, change: Later, now_ms: i64) {
        let takes = &self.underway.propagation;
        let takes = match &change {
            Later::Secret { .. } => takes.secret,
            Later::Keys(_) => takes.key,
            Later::Revocation { .. } => takes.revocation,
            Later::Client(_) => takes.client,
            Later::Consent { .. } => takes.consent,
        };
        if takes.is_zero() {
            return self.take_effect(change, now_ms);
        }
        if let Later::Consent { family } = change {
            self.underway.families.insert(family);
        }
        let at_ms = now_ms.saturating_add(i64::try_from(takes.as_millis()).unwrap_or(i64::MAX));
        self.underway.made += 1;
        self.underway.changes.insert((at_ms, self.underway.made), change);
    }

    /// Does and reports, in their order, what has come with time: changes that take effect, and tokens that expire.
    pub(crate) fn settle(&mut self, now_ms: i64) {
        while let Some(first) = self.underway.changes.first_entry().filter(|first| first.key().0 <= now_ms) {
            let ((at_ms, _), change) = first.remove_entry();
            self.expire_due(at_ms);
            self.take_effect(change, at_ms);
        }
        self.expire_due(now_ms);
    }

    /// Whether a consent is known.
    ///
    /// # Errors
    ///
    /// `invalid_grant` (RFC 6749 §5.2) if it is on its way.
    pub(crate) fn check_consent(&self, family: u64) -> Result<(), OAuthError> {
        match self.underway.families.contains(&family) {
            true => Err(OAuthError::new(Cause::ConsentUnderway, "the consent has no effect yet")),
            false => Ok(()),
        }
    }

    fn take_effect(&mut self, change: Later, now_ms: i64) {
        match change {
            Later::Secret { client, secret } => {
                if let Some(registered) = self.clients.get_mut(&client) {
                    Arc::make_mut(&mut registered.client).secrets = vec![secret.into()];
                }
            }
            Later::Keys(keys) => self.keys.show(keys),
            Later::Revocation { chosen, reason } => self.revoke_chosen(&chosen, &reason, now_ms),
            Later::Client(client) => {
                let id = client.id.clone();
                self.clients.entry(id).or_insert(Registered { client: Arc::new(*client), disabled: false });
            }
            Later::Consent { family } => drop(self.underway.families.remove(&family)),
        }
    }
}
