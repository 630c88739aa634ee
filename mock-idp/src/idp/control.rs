//! What a test does to the identity provider.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Idp;
use crate::config::Listener;
use crate::endpoint::{Call, decide};
use crate::secret::Secret;
use crate::store::{Grantee, Which};
use crate::token::{TokenFacts, TokenId, TokenKind};

/// What became of a stolen refresh token that was presented.
#[derive(Debug, Clone)]
pub struct Stolen {
    /// The token, as it was before.
    pub token: TokenFacts,
    /// `error` of RFC 6749 §5.2; `None` if the thief got tokens, within the grace or without reuse detection.
    pub error: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Tokens that the thief got.
    pub issued: Vec<TokenId>,
}

impl Idp {
    /// What is known of a token, whoever asks: the truth, by which an API front judges with its own clock.
    pub fn facts(&self, value: &str) -> Option<TokenFacts> {
        self.store().find(value)
    }

    /// Ids of the registered clients.
    pub fn clients(&self) -> Vec<String> {
        self.store().clients.keys().cloned().collect()
    }

    /// Every token that was issued, in order; with [`Memory::Needed`](crate::Memory) those of which something is kept.
    pub fn tokens(&self) -> Vec<TokenFacts> {
        self.store().tokens()
    }

    /// Ids of the keys that the JWKS has now: a token that another key signed is refused by who fetches it.
    pub fn published_keys(&self) -> Vec<String> {
        self.store().public_keys().into_iter().filter_map(|key| key.common.key_id).collect()
    }

    /// Makes a refresh token for a client, as if somebody had consented.
    ///
    /// Gives `None` if the client is unknown.
    pub fn mint_refresh_token(&self, client: &str, subject: &str, listener: &Listener) -> Option<TokenFacts> {
        self.apply(|store, now_ms| {
            let client = Arc::clone(&store.clients.get(client)?.client);
            let family = store.new_family();
            let to = Grantee {
                listener,
                client: client.id.clone(),
                subject: subject.to_owned(),
                scopes: client.scopes.clone(),
                audience: client.audience.clone(),
                family,
            };
            Some(store.refresh_token(&to, now_ms))
        })
    }

    /// Tokens die before their time.
    pub fn revoke(&self, which: &Which, reason: &str) {
        self.apply(|store, now_ms| store.revoke(which, reason, now_ms));
    }

    /// A token's time is over now.
    pub fn expire(&self, token: TokenId) {
        self.apply(|store, now_ms| store.expire(token, now_ms));
    }

    /// The client is turned away, and what it holds is dead.
    pub fn disable_client(&self, client: &str) {
        self.apply(|store, now_ms| {
            if let Some(registered) = store.clients.get_mut(client) {
                registered.disabled = true;
                store.revoke(&Which::Client(client.to_owned()), "the client was disabled", now_ms);
            }
        });
    }

    /// The client is served again. What died stays dead.
    pub fn enable_client(&self, client: &str) {
        self.apply(|store, _| {
            if let Some(registered) = store.clients.get_mut(client) {
                registered.disabled = false;
            }
        });
    }

    /// Somebody consents again: the client is served, and has a new refresh token like the newest that it ever had
    /// (subject, scopes, issuer). What died stays dead.
    ///
    /// Gives `None` if there never was one, as with client credentials only: then being served again is all.
    pub fn consent(&self, client: &str) -> Option<TokenFacts> {
        self.enable_client(client);
        self.apply(|store, now_ms| {
            let of_client = |token: &TokenFacts| token.client == client && token.kind == TokenKind::Refresh;
            let before = store.tokens().into_iter().rev().find(of_client)?;
            let family = store.new_family();
            let to = Grantee {
                listener: &Listener::new("consent", before.origin),
                client: before.client,
                subject: before.subject,
                scopes: before.scopes,
                audience: before.audience,
                family,
            };
            Some(store.refresh_token(&to, now_ms))
        })
    }

    /// The client has another secret from now on; the old one is refused at once. What it holds stays alive.
    pub fn rotate_secret(&self, client: &str, secret: Secret) {
        self.apply(|store, _| {
            if let Some(registered) = store.clients.get_mut(client) {
                Arc::make_mut(&mut registered.client).secret = secret;
            }
        });
    }

    /// Another key signs from now on; the old ones stay published if they `overlap`.
    pub fn rotate_keys(&self, overlap: bool) {
        self.keep_documents();
        self.apply(|store, _| store.rotate_keys(overlap));
    }

    /// From now on access tokens live so long, and `expires_in` says `stated` if that is given: a lie.
    pub fn set_access_token_lifetime(&self, lifetime: Duration, stated: Option<Duration>) {
        self.apply(|store, _| {
            store.access_token_lifetime = lifetime;
            store.stated_lifetime = stated;
        });
    }

    /// Moves the clock by so many milliseconds, and reports each token that this made expire.
    pub fn move_clock(&self, by_ms: i64) {
        self.0.clock.shift_ms(by_ms);
        self.expire_due();
        self.sweep();
    }

    /// Which token's time is over next, and when, in milliseconds since the Unix epoch by this clock.
    /// [`Clock::until`](crate::Clock::until) says how long that is in real time.
    pub fn next_expiry(&self) -> Option<(TokenId, i64)> {
        self.store().next_expiry()
    }

    /// Reports each token whose time is over, once. Requests and other controls do that by themselves; whoever wants
    /// to hear of it when it happens calls this at [`Idp::next_expiry`].
    pub fn expire_due(&self) {
        self.apply(|_, _| ());
    }

    /// The refresh token that was replaced last, of this client or of any: what a thief would have got hold of.
    pub fn last_rotated(&self, client: Option<&str>) -> Option<TokenFacts> {
        self.store().last_rotated(client)
    }

    /// Somebody else presents the refresh token that was replaced last, with the credentials of the client that it was
    /// issued to. The token endpoint decides as it does for anybody, so that reuse detection strikes and the observer
    /// hears of each death. It is no request on an address: the observer sees its effects only.
    ///
    /// Gives `None` if no token was replaced yet that is not revoked.
    pub fn reuse_rotated(&self, client: Option<&str>) -> Option<Stolen> {
        let number = self.0.requests.fetch_add(1, Ordering::Relaxed) + 1;
        self.apply(|store, now_ms| {
            let token = store.last_rotated(client)?;
            let call = Call::refresh(self.0.vendor, &store.clients.get(&token.client)?.client, &token.value, number);
            let reply = decide(&call, &Listener::new("thief", &token.origin), store, now_ms);
            Some(Stolen { token, error: reply.error, reason: reply.reason, issued: reply.issued })
        })
    }
}
