//! What refresh tokens are worth over time: how long they live, whether use replaces them, and what reuse costs.

use std::time::Duration;

use super::swept::Lasting as _;
use super::{Store, Which, seconds};
use crate::config::{AuthMethod, Config, Reuse, Rotation};
use crate::login::{Expiring, millis};
use crate::secret::Digest;
use crate::token::{Death, TokenFacts, TokenKind};

const REUSE: &str = "reuse of a rotated refresh token";

/// The rules, and when which consent's refresh tokens are over for good.
#[derive(Clone)]
pub(super) struct Refreshing {
    rotation: Rotation,
    /// Whether the vendor can have a refresh token good for one use.
    single_use: bool,
    lifetime: Duration,
    idle: Option<Duration>,
    absolute: Option<Duration>,
    /// In seconds since the Unix epoch, by family. Kept until then: no refresh token of it is left after that.
    ends_s: Expiring<u64, i64>,
}

impl Refreshing {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            // A vendor that gives a new one with each use does so wherever it is not single use.
            rotation: match (config.rotation, config.dialect.vendor().profile().refresh.value.by_default) {
                (Rotation::Off, Rotation::Fresh) => Rotation::Fresh,
                (asked, _) => asked,
            },
            single_use: config.dialect.single_use().is_ok(),
            lifetime: config.refresh_token_lifetime,
            idle: config.refresh_token_idle_lifetime,
            absolute: config.refresh_token_absolute_lifetime,
            ends_s: Expiring::new(usize::MAX),
        }
    }

    /// When a refresh token is over that was issued at `issued_ms` and is used, or issued, now.
    pub(super) fn expiry_s(&mut self, family: u64, issued_ms: i64, now_ms: i64) -> i64 {
        let now_s = now_ms.div_euclid(1000);
        let own_s = issued_ms.div_euclid(1000) + seconds(self.lifetime);
        let idle_s = self.idle.map(|idle| now_s + seconds(idle));
        let end_s = self.absolute.map(|absolute| {
            let known = self.ends_s.get(&family, now_ms).copied();
            known.unwrap_or_else(|| {
                let end_s = now_s + seconds(absolute);
                self.ends_s.insert(family, end_s, now_ms.saturating_add(millis(absolute)), now_ms);
                end_s
            })
        });
        [idle_s, end_s].into_iter().flatten().fold(own_s, i64::min)
    }
}

impl Store {
    /// What using this refresh token does to it. One of a public client that no key binds is always replaced (RFC 9700
    /// §4.14.2), but where the vendor has no such thing and departs from the RFC: there a client would learn to live with
    /// what it never meets.
    pub(super) fn rotation_of(&self, token: &TokenFacts) -> Rotation {
        let public = self.clients.get(&token.client).is_some_and(|one| one.client.methods == [AuthMethod::None]);
        let bound = token.holder.as_ref().is_some_and(|holder| !holder.binding.is_none());
        match self.refreshing.rotation {
            Rotation::Off | Rotation::Fresh if public && !bound && self.refreshing.single_use => {
                Rotation::On { reuse: Reuse::RevokeFamily, grace: Duration::ZERO }
            }
            rotation => rotation,
        }
    }

    /// A refresh token that stays was used: it is idle from now on.
    pub(super) fn used(&mut self, token: &TokenFacts, now_ms: i64) {
        let expires_ms = self.refreshing.expiry_s(token.family, token.issued_at_ms, now_ms) * 1000;
        if let Some(record) = self.records.get_mut(&Digest::of(token.value.expose())) {
            record.expires_at_ms = expires_ms;
            self.last_until_ms = self.last_until_ms.max(record.until_ms());
        }
        if let Some(ledger) = &mut self.ledger
            && ledger.due.remove(&(token.expires_at_ms, token.id))
        {
            ledger.due.insert((expires_ms, token.id));
        }
        // Who signed in is known as long as it can be used.
        self.logins.renewed(token.family, expires_ms, now_ms);
    }

    fn newest_refresh_token(&self, family: u64, now_ms: i64) -> Option<TokenFacts> {
        let live = self.records.iter().map(|(_, record)| record).filter(|record| {
            record.family == family
                && record.kind == TokenKind::Refresh
                && now_ms < record.expires_at_ms
                && self.ends.fate(record).death.is_none()
        });
        self.get(live.max_by_key(|record| record.id)?.id)
    }

    /// What dies when a replaced refresh token of this family comes back, and how that is said.
    pub(super) fn punish(&mut self, family: u64, reuse: Reuse, now_ms: i64) -> &'static str {
        let login = self.logins.consent(family, now_ms).map(|consent| consent.authentication.sid.clone());
        match (reuse, login) {
            (Reuse::Refuse, _) => "",
            (Reuse::RevokeNewest, _) => {
                if let Some(token) = self.newest_refresh_token(family, now_ms) {
                    self.end(&token, Death::Revoked(REUSE.to_owned()), now_ms);
                }
                "; the newest refresh token of its consent is revoked"
            }
            (Reuse::RevokeSession, Some(sid)) => {
                self.logins.sign_out(&sid, now_ms);
                for (family, _) in self.logins.families(&sid, now_ms) {
                    self.revoke(&Which::Family(family), REUSE, now_ms);
                }
                "; every token of its login is revoked"
            }
            (Reuse::RevokeFamily, _) | (Reuse::RevokeSession, None) => {
                self.revoke(&Which::Family(family), REUSE, now_ms);
                "; every token of its consent is revoked"
            }
        }
    }
}
