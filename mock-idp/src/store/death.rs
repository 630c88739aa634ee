//! How tokens die: by time, by revocation, by being replaced.

use super::{Store, index};
use serde::Deserialize;

use crate::config::Rotation;
use crate::error::{Cause, OAuthError};
use crate::observe::IdpEvent;
use crate::token::{Death, TokenFacts, TokenId, TokenKind};

/// Which tokens a control acts on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// This one.
    Token(TokenId),
    /// The newest live one of a kind.
    Newest(TokenKind),
    /// All of a kind.
    All(TokenKind),
    /// All of a client.
    Client(String),
    /// All that speak for a subject.
    Subject(String),
    /// All of a client that speak for a subject: what one consent stands behind.
    Consent {
        /// The client.
        client: String,
        /// The subject.
        subject: String,
    },
}

impl Store {
    /// What presenting a rotated refresh token again does (RFC 9700 §4.14.2).
    ///
    /// # Errors
    ///
    /// `invalid_grant` if it is rotated and its grace is over.
    pub(crate) fn detect_reuse(&mut self, id: TokenId, now_ms: i64) -> Result<(), OAuthError> {
        let token = self.get(id).clone();
        let (Some(Death::Rotated(first)), Rotation::On { reuse, grace }) = (&token.death, self.rotation_of(&token))
        else {
            return Ok(());
        };
        let since = now_ms - token.rotated_at_ms;
        if !grace.is_zero() && since <= i64::try_from(grace.as_millis()).unwrap_or(i64::MAX) {
            return Ok(());
        }
        let mut reason = format!("the refresh token was redeemed at request {first}");
        reason += self.punish(token.family, reuse, now_ms);
        Err(OAuthError::new(Cause::RefreshTokenReused, reason))
    }

    /// Kills tokens.
    pub(crate) fn revoke(&mut self, which: &Which, reason: &str, now_ms: i64) {
        for id in self.chosen(which, now_ms) {
            self.die(id, Death::Revoked(reason.to_owned()), now_ms);
        }
    }

    /// The tokens that a control acts on.
    pub(crate) fn chosen(&self, which: &Which, now_ms: i64) -> Vec<TokenId> {
        let live = |token: &&TokenFacts| token.is_live(now_ms);
        match which {
            Which::Token(id) => self.ids(|token| token.id == *id),
            Which::Newest(kind) => {
                let newest = self.tokens.iter().rev().filter(live).find(|token| token.kind == *kind);
                newest.map(|token| token.id).into_iter().collect()
            }
            Which::All(kind) => self.ids(|token| token.kind == *kind),
            Which::Client(client) => self.ids(|token| token.client == *client),
            Which::Subject(subject) => self.ids(|token| token.subject == *subject),
            Which::Consent { client, subject } => {
                self.ids(|token| token.client == *client && token.subject == *subject)
            }
        }
    }

    /// Kills what descends from one consent.
    pub(crate) fn revoke_family(&mut self, family: u64, reason: &str, now_ms: i64) {
        for id in self.ids(|token| token.family == family) {
            self.die(id, Death::Revoked(reason.to_owned()), now_ms);
        }
    }

    /// Ends a token's life now.
    pub(crate) fn expire(&mut self, id: TokenId, now_ms: i64) {
        let Some(token) = self.tokens.iter_mut().find(|token| token.id == id) else { return };
        let due = self.due.remove(&(token.expires_at_ms, id));
        token.expires_at_ms = token.expires_at_ms.min(now_ms.div_euclid(1000) * 1000);
        if due {
            self.due.insert((token.expires_at_ms, id));
        }
        self.expire_due(now_ms);
    }

    /// Which token's time is over next, and when.
    pub(crate) fn next_expiry(&self) -> Option<(TokenId, i64)> {
        self.due.first().map(|(at_ms, id)| (*id, *at_ms))
    }

    /// Reports each token whose time is over and was not reported yet.
    pub(crate) fn expire_due(&mut self, now_ms: i64) {
        while let Some((at_ms, id)) = self.due.first().copied().filter(|(at_ms, _)| *at_ms <= now_ms) {
            self.due.remove(&(at_ms, id));
            let token = Box::new(self.get(id).clone());
            self.events.push(IdpEvent::Died { token, death: Death::Expired });
        }
    }

    /// The refresh token that was replaced last, of this client or of any.
    pub(crate) fn last_rotated(&self, client: Option<&str>) -> Option<&TokenFacts> {
        let of_client = |token: &&TokenFacts| client.is_none_or(|client| token.client == client);
        let rotated = self.tokens.iter().filter(|token| matches!(token.death, Some(Death::Rotated(_))));
        rotated.filter(of_client).max_by_key(|token| (token.rotated_at_ms, token.id))
    }

    fn ids(&self, wanted: impl Fn(&TokenFacts) -> bool) -> Vec<TokenId> {
        self.tokens.iter().filter(|token| wanted(token)).map(|token| token.id).collect()
    }

    pub(super) fn die(&mut self, id: TokenId, death: Death, now_ms: i64) {
        let token = &mut self.tokens[index(id)];
        // A rotated token can still be revoked, which ends its grace; the dead do not die twice.
        if matches!(token.death, Some(Death::Revoked(_) | Death::Expired)) {
            return;
        }
        if matches!(death, Death::Rotated(_)) {
            token.rotated_at_ms = now_ms;
        }
        token.death = Some(death.clone());
        let alive = self.due.remove(&(token.expires_at_ms, id));
        if alive {
            let token = Box::new(token.clone());
            self.events.push(IdpEvent::Died { token, death });
        }
    }
}
