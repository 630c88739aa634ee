//! All state of an identity provider, behind one lock of its own.

mod death;

pub use death::Which;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng as _;
use rand::distr::{Alphanumeric, SampleString as _};
use rand_chacha::ChaCha12Rng;

use crate::config::{Client, Config, Listener, Rotation, TokenFormat};
use crate::dialect::{Facts, Vendor};
use crate::key::{Algorithm, SigningKey, from_pool};
use crate::observe::IdpEvent;
use crate::secret::{Digest, Secret};
use crate::token::{AccessClaims, Death, TokenFacts, TokenId, TokenKind};

pub(crate) struct Store {
    vendor: &'static dyn Vendor,
    pub(crate) clients: BTreeMap<String, Registered>,
    pub(crate) access_token_lifetime: Duration,
    /// What `expires_in` says, if not the truth.
    pub(crate) stated_lifetime: Option<Duration>,
    /// `aud` of all access tokens, whatever the client has.
    pub(crate) audience: Option<String>,
    tokens: Vec<TokenFacts>,
    by_value: BTreeMap<Digest, TokenId>,
    /// Tokens that are not in `by_value` yet: their values are made outside of the lock.
    unsigned: Vec<(TokenId, Secret)>,
    /// When which token's time is over: those that are alive, or whose end was not reported yet.
    due: BTreeSet<(i64, TokenId)>,
    families: u64,
    refresh_token_lifetime: Duration,
    rotation: Rotation,
    format: TokenFormat,
    random: ChaCha12Rng,
    keys: Vec<Arc<SigningKey>>,
    events: Vec<IdpEvent>,
    /// What workloads were given last, by client and scopes.
    pub(crate) workloads: BTreeMap<(String, Vec<String>), TokenFacts>,
}

pub(crate) struct Registered {
    pub(crate) client: Arc<Client>,
    pub(crate) disabled: bool,
}

/// What a grant gave.
pub(crate) struct Granted {
    pub(crate) access: TokenFacts,
    pub(crate) refresh: Option<TokenFacts>,
}

impl Store {
    pub(crate) fn new(config: Config) -> Self {
        let keys = match config.format {
            TokenFormat::Jwt(algorithm) => vec![from_pool(algorithm, 0)],
            TokenFormat::Opaque => Vec::new(),
        };
        let registered = |client: Client| (client.id.clone(), Registered { client: Arc::new(client), disabled: false });
        Self {
            vendor: config.dialect.vendor(),
            clients: config.clients.into_iter().map(registered).collect(),
            access_token_lifetime: config.access_token_lifetime,
            stated_lifetime: None,
            audience: None,
            tokens: Vec::new(),
            by_value: BTreeMap::new(),
            unsigned: Vec::new(),
            due: BTreeSet::new(),
            families: 0,
            refresh_token_lifetime: config.refresh_token_lifetime,
            rotation: config.rotation,
            format: config.format,
            random: match config.seed {
                Some(seed) => ChaCha12Rng::seed_from_u64(seed),
                None => ChaCha12Rng::from_rng(&mut rand::rng()),
            },
            keys,
            events: Vec::new(),
            workloads: BTreeMap::new(),
        }
    }

    /// What has happened since the last call, in order.
    pub(crate) fn take_events(&mut self) -> Vec<IdpEvent> {
        std::mem::take(&mut self.events)
    }

    /// The tokens since the last call whose values are still to be made, which is slow: outside of the lock. Then they
    /// belong into [`Store::enter_values`]. Nobody can present them before.
    pub(crate) fn take_unsigned(&mut self) -> Vec<(TokenId, Secret)> {
        std::mem::take(&mut self.unsigned)
    }

    /// From now on these tokens are found by their values.
    pub(crate) fn enter_values(&mut self, tokens: Vec<(TokenId, Digest)>) {
        self.by_value.extend(tokens.into_iter().map(|(id, digest)| (digest, id)));
    }

    pub(crate) fn find(&self, value: &str) -> Option<TokenFacts> {
        self.by_value.get(&Digest::of(value)).map(|id| self.get(*id).clone())
    }

    pub(crate) fn get(&self, id: TokenId) -> &TokenFacts {
        &self.tokens[index(id)]
    }

    pub(crate) fn tokens(&self) -> &[TokenFacts] {
        &self.tokens
    }

    pub(crate) fn public_keys(&self) -> Vec<jsonwebtoken::jwk::Jwk> {
        self.keys.iter().map(|key| key.public.clone()).collect()
    }

    /// Another key signs from now on; the old ones stay published if they `overlap`.
    pub(crate) fn rotate_keys(&mut self, overlap: bool) {
        let TokenFormat::Jwt(algorithm) = self.format else { return };
        let next = next_key(algorithm, &self.keys);
        self.events.push(IdpEvent::KeyRotated { kid: next.kid.clone() });
        if !overlap {
            self.keys.clear();
        }
        self.keys.push(next);
    }

    /// A new consent: the root of a family of refresh and access tokens.
    pub(crate) fn new_family(&mut self) -> u64 {
        self.families += 1;
        self.families
    }

    pub(crate) fn access_token(&mut self, to: &Grantee<'_>, now_ms: i64) -> TokenFacts {
        let bent = self.audience.clone().map(|audience| Grantee { audience, ..to.clone() });
        let to = bent.as_ref().unwrap_or(to);
        let (vendor, generation) = (self.vendor, to.listener.generation);
        let issuer = vendor.issuer_of(generation, &to.listener.origin);
        // `iat` is rounded down: rounded up, a token would come from the future.
        let issued_s = now_ms.div_euclid(1000);
        let expires_s = issued_s + seconds(self.access_token_lifetime);
        let drawn = Alphanumeric.sample_string(&mut self.random, 40);
        let value = match self.keys.last() {
            Some(key) => {
                let standard = AccessClaims {
                    iss: issuer,
                    exp: expires_s,
                    aud: to.audience.clone(),
                    sub: to.subject.clone(),
                    client_id: to.client.clone(),
                    iat: issued_s,
                    nbf: issued_s,
                    jti: drawn,
                    scope: to.scopes.join(" "),
                };
                let (key, scopes) = (Arc::clone(key), to.scopes.clone());
                Secret::deferred(move || {
                    let typ = vendor.profile().typ.value;
                    match vendor.claims(&Facts { standard: &standard, scopes: &scopes, generation }) {
                        Some(claims) => key.sign(typ, &claims),
                        None => key.sign(typ, &standard),
                    }
                })
            }
            None => Secret::new(format!("{}{drawn}", vendor.opaque_prefix())),
        };
        self.enter(TokenKind::Access, to, value, now_ms, expires_s * 1000)
    }

    pub(crate) fn refresh_token(&mut self, to: &Grantee<'_>, now_ms: i64) -> TokenFacts {
        let expires_s = now_ms.div_euclid(1000) + seconds(self.refresh_token_lifetime);
        let value = Secret::new(format!("tlrt_{}", Alphanumeric.sample_string(&mut self.random, 40)));
        self.enter(TokenKind::Refresh, to, value, now_ms, expires_s * 1000)
    }

    fn enter(&mut self, kind: TokenKind, to: &Grantee<'_>, value: Secret, now_ms: i64, expires_ms: i64) -> TokenFacts {
        let facts = TokenFacts {
            id: TokenId(self.tokens.len() as u64 + 1),
            kind,
            client: to.client.clone(),
            subject: to.subject.clone(),
            scopes: to.scopes.clone(),
            audience: to.audience.clone(),
            issuer: self.vendor.issuer_of(to.listener.generation, &to.listener.origin),
            origin: to.listener.origin.clone(),
            issued_at_ms: now_ms,
            expires_at_ms: expires_ms,
            death: None,
            value,
            family: to.family,
            rotated_at_ms: 0,
        };
        if facts.value.is_deferred() {
            self.unsigned.push((facts.id, facts.value.clone()));
        } else {
            self.by_value.insert(Digest::of(facts.value.expose()), facts.id);
        }
        self.due.insert((facts.expires_at_ms, facts.id));
        self.tokens.push(facts.clone());
        self.events.push(IdpEvent::Issued(Box::new(facts.clone())));
        facts
    }

    /// Redeems a refresh token that is alive, or whose reuse is allowed, by the client that it was issued to.
    pub(crate) fn redeem(
        &mut self,
        id: TokenId,
        scopes: Vec<String>,
        listener: &Listener,
        request: u64,
        now_ms: i64,
    ) -> Granted {
        let token = self.get(id).clone();
        // The access token may be narrower than the consent; the consent itself stays as wide (RFC 6749 §6).
        let to = |scopes| Grantee {
            listener,
            client: token.client.clone(),
            subject: token.subject.clone(),
            scopes,
            audience: token.audience.clone(),
            family: token.family,
        };
        let access = self.access_token(&to(scopes), now_ms);
        let refresh = match self.rotation {
            // The one that was presented stays good.
            Rotation::Off if self.vendor.profile().refresh.value.fresh => {
                Some(self.refresh_token(&to(token.scopes.clone()), now_ms))
            }
            Rotation::Off => None,
            Rotation::On { .. } => {
                if token.death.is_none() {
                    self.die(id, Death::Rotated(request), now_ms);
                }
                Some(self.refresh_token(&to(token.scopes.clone()), now_ms))
            }
        };
        Granted { access, refresh }
    }
}

/// For whom a token is made.
#[derive(Clone)]
pub(crate) struct Grantee<'a> {
    pub(crate) listener: &'a Listener,
    pub(crate) client: String,
    pub(crate) subject: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) audience: String,
    pub(crate) family: u64,
}

fn index(id: TokenId) -> usize {
    usize::try_from(id.0).expect("as many tokens as memory holds") - 1
}

fn seconds(lifetime: Duration) -> i64 {
    i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX / 2000)
}

fn next_key(algorithm: Algorithm, used: &[Arc<SigningKey>]) -> Arc<SigningKey> {
    let last = used.last().map(|key| key.kid.clone());
    let mut number = 0;
    loop {
        let key = from_pool(algorithm, number);
        number += 1;
        if Some(&key.kid) == last.as_ref() {
            return from_pool(algorithm, number);
        }
    }
}
