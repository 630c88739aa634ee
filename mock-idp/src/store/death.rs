//! How tokens die: by time, by revocation, by being replaced.

use serde::Deserialize;

use super::Store;
use super::ends::Whom;
use crate::config::Rotation;
use crate::error::{Cause, OAuthError};
use crate::observe::IdpEvent;
use crate::token::{Death, TokenFacts, TokenId, TokenKind};

/// Which tokens a control acts on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
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
    /// All that descend from one consent ([`TokenFacts::family`]).
    Family(u64),
}

/// Tokens that a control acts on: those of them that there were when they were chosen, but of a family all that there
/// are when it dies, since what came of it meanwhile came of what is revoked.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    which: Which,
    through: Option<TokenId>,
}

impl Chosen {
    /// One token.
    pub(crate) fn one(id: TokenId) -> Self {
        Self { which: Which::Token(id), through: None }
    }
}

impl Store {
    /// What presenting a rotated refresh token again does (RFC 9700 §4.14.2).
    ///
    /// # Errors
    ///
    /// `invalid_grant` if it is rotated and its grace is over.
    pub(crate) fn detect_reuse(&mut self, token: &TokenFacts, now_ms: i64) -> Result<(), OAuthError> {
        let (Some(Death::Rotated(first)), Rotation::On { reuse, grace }) = (&token.death, self.rotation_of(token))
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
        if let Some(chosen) = self.chosen(which, now_ms) {
            self.revoke_chosen(&chosen, reason, now_ms);
        }
    }

    /// The tokens that a control acts on, of those that there are now.
    pub(crate) fn chosen(&self, which: &Which, now_ms: i64) -> Option<Chosen> {
        let which = match which {
            Which::Newest(kind) => {
                let newest = |token: &TokenFacts| token.kind == *kind && token.is_live(now_ms);
                Which::Token(self.tokens().into_iter().rev().find(newest)?.id)
            }
            _ => which.clone(),
        };
        let through = (!matches!(which, Which::Family(_))).then_some(TokenId(self.issued));
        Some(Chosen { which, through })
    }

    /// Kills tokens that were chosen before.
    pub(crate) fn revoke_chosen(&mut self, chosen: &Chosen, reason: &str, now_ms: i64) {
        let Chosen { which, through } = chosen;
        let through = through.unwrap_or(TokenId(self.issued));
        let whom = match which {
            Which::Token(id) => return self.revoke_one(*id, reason, now_ms),
            // Resolved when it was chosen.
            Which::Newest(_) => return,
            Which::All(kind) => Whom::Kind(*kind),
            Which::Client(client) => Whom::Client(client.clone()),
            Which::Subject(subject) => Whom::Subject(subject.clone()),
            Which::Consent { client, subject } => Whom::Consent { client: client.clone(), subject: subject.clone() },
            Which::Family(family) => Whom::Family(*family),
        };
        self.ends.cut(whom.clone(), through, reason, self.last_until_ms, self.gone_ms);
        let Some(ledger) = &self.ledger else {
            return self.events.push(IdpEvent::Revoked { which: which.clone(), reason: reason.to_owned() });
        };
        let alive = ledger.due.iter().filter_map(|(_, id)| ledger.values.get(id));
        let dying = alive.filter_map(|(digest, value)| Some((self.records.get(digest)?, value)));
        let dying = dying.filter(|(record, _)| record.id <= through && whom.includes(record));
        let mut dead: Vec<_> = dying.map(|(record, value)| self.facts(record, value.clone())).collect();
        dead.sort_by_key(|token| token.id);
        for token in dead {
            self.tell_end(&token, Death::Revoked(reason.to_owned()));
        }
    }

    fn revoke_one(&mut self, id: TokenId, reason: &str, now_ms: i64) {
        let death = Death::Revoked(reason.to_owned());
        match self.ledger.is_some().then(|| self.get(id)) {
            Some(Some(token)) => self.end(&token, death, now_ms),
            Some(None) => {}
            // It may be a JWT of which nothing is kept.
            None => {
                self.ends.end(id, death, now_ms, self.last_until_ms, self.gone_ms);
                self.events.push(IdpEvent::Revoked { which: Which::Token(id), reason: reason.to_owned() });
            }
        }
    }

    /// A token dies before its time.
    pub(crate) fn end(&mut self, token: &TokenFacts, death: Death, now_ms: i64) {
        let until_ms = token.kind.remembered_until_ms(token.expires_at_ms);
        self.ends.end(token.id, death.clone(), now_ms, until_ms, self.gone_ms);
        self.tell_end(&TokenFacts { death: Some(death.clone()), ..token.clone() }, death);
    }

    /// Reports that a token died, if it was alive.
    pub(super) fn tell_end(&mut self, token: &TokenFacts, death: Death) {
        let alive = match &mut self.ledger {
            Some(ledger) => ledger.due.remove(&(token.expires_at_ms, token.id)),
            None => true,
        };
        if alive {
            self.events.push(IdpEvent::Died { token: Box::new(token.clone()), death });
        }
    }

    /// Ends a token's life now.
    pub(crate) fn expire(&mut self, id: TokenId, now_ms: i64) {
        let found = self.held(id).map(|(digest, record, _)| (digest, record.expires_at_ms));
        let Some((digest, before_ms)) = found else {
            return self.ends.end(id, Death::Expired, now_ms, self.last_until_ms, self.gone_ms);
        };
        let expires_ms = before_ms.min(now_ms.div_euclid(1000) * 1000);
        if let Some(record) = self.records.get_mut(&digest) {
            record.expires_at_ms = expires_ms;
        }
        if let Some(ledger) = &mut self.ledger
            && ledger.due.remove(&(before_ms, id))
        {
            ledger.due.insert((expires_ms, id));
        }
        self.expire_due(now_ms);
    }

    /// Which token's time is over next, and when. Known only where everything is kept.
    pub(crate) fn next_expiry(&self) -> Option<(TokenId, i64)> {
        self.ledger.as_ref()?.due.first().map(|(at_ms, id)| (*id, *at_ms))
    }

    /// Reports each token whose time is over and was not reported yet, or forgets them.
    pub(crate) fn expire_due(&mut self, now_ms: i64) {
        let Some(ledger) = &mut self.ledger else {
            if now_ms < self.gone_ms {
                // All that was noted before an earlier time is noted once more.
                self.set_back.retain(|(at_ms, _)| *at_ms > self.gone_ms);
                self.set_back.push((self.gone_ms, TokenId(self.issued)));
            }
            self.gone_ms = now_ms;
            return;
        };
        let mut over = Vec::new();
        while let Some((at_ms, id)) = ledger.due.first().copied().filter(|(at_ms, _)| *at_ms <= now_ms) {
            ledger.due.remove(&(at_ms, id));
            over.push(id);
        }
        for token in over.into_iter().filter_map(|id| self.get(id)).collect::<Vec<_>>() {
            self.events.push(IdpEvent::Died { token: Box::new(token), death: Death::Expired });
        }
    }

    /// The refresh token that was replaced last, of this client or of any.
    pub(crate) fn last_rotated(&self, client: Option<&str>) -> Option<TokenFacts> {
        let of_client = |token: &TokenFacts| client.is_none_or(|client| token.client == client);
        let rotated = self.tokens().into_iter().filter(|token| matches!(token.death, Some(Death::Rotated(_))));
        rotated.filter(of_client).max_by_key(|token| (token.rotated_at_ms, token.id))
    }
}
