//! All state of an identity provider, behind one lock of its own.

mod death;
mod disabled;
mod login;
mod propagation;
mod refreshing;

pub use death::Which;
pub(crate) use disabled::Disabled;
pub use propagation::Propagation;
pub(crate) use propagation::{Later, Underway};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use rand::SeedableRng as _;
use rand::distr::{Alphanumeric, SampleString as _};
use rand_chacha::ChaCha12Rng;

use refreshing::Refreshing;

use crate::config::{Client, Config, Listener, Rotation, TokenFormat};
use crate::dialect::{Facts, Vendor};
use crate::holder::Holder;
use crate::key::{Algorithm, SigningKey, from_pool};
use crate::login::Logins;
use crate::observe::{AuthorizationEvent, IdpEvent};
use crate::proofs::Proofs;
use crate::secret::{Digest, Secret};
use crate::token::{AccessClaims, Death, TokenFacts, TokenId, TokenKind};

#[derive(Clone)]
pub(crate) struct Store {
    vendor: &'static dyn Vendor,
    pub(crate) clients: BTreeMap<String, Registered>,
    pub(crate) logins: Logins,
    pub(crate) disabled: Disabled,
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
    refreshing: Refreshing,
    format: TokenFormat,
    random: ChaCha12Rng,
    /// Whether `random` was given its seed.
    seeded: bool,
    keys: Vec<Arc<SigningKey>>,
    /// What the JWKS shows.
    shown_keys: Vec<Jwk>,
    pub(crate) underway: Underway,
    events: Vec<IdpEvent>,
    /// How often all this was replaced by a saved state.
    restored: u64,
    pub(crate) proofs: Proofs,
    /// What workloads were given last, by client and scopes.
    pub(crate) workloads: BTreeMap<(String, Vec<String>), TokenFacts>,
}

#[derive(Clone)]
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
        let (proofs, refreshing) = (Proofs::new(&config), Refreshing::new(&config));
        Self {
            vendor: config.dialect.vendor(),
            clients: config.clients.into_iter().map(registered).collect(),
            logins: Logins::new(config.users, config.login, random(config.seed, LOGINS)),
            disabled: Disabled::default(),
            access_token_lifetime: config.access_token_lifetime,
            stated_lifetime: None,
            audience: None,
            tokens: Vec::new(),
            by_value: BTreeMap::new(),
            unsigned: Vec::new(),
            due: BTreeSet::new(),
            families: 0,
            refreshing,
            format: config.format,
            seeded: config.seed.is_some(),
            random: random(config.seed, TOKENS),
            shown_keys: public_forms(&keys),
            keys,
            underway: Underway::default(),
            events: Vec::new(),
            restored: 0,
            proofs,
            workloads: BTreeMap::new(),
        }
    }

    /// Everything is again as in `saved`. Without a seed randomness goes on, lest values that were issued since are
    /// issued again.
    pub(crate) fn restore(&mut self, saved: &Self) {
        let mut saved = saved.clone();
        if !saved.seeded {
            std::mem::swap(&mut saved.random, &mut self.random);
            saved.logins.go_on_drawing(&self.logins);
        }
        saved.restored = self.restored + 1;
        *self = saved;
    }

    /// How often all this was replaced by a saved state: what was decided before is of another world.
    pub(crate) fn restored(&self) -> u64 {
        self.restored
    }

    /// What has happened since the last call, in order.
    pub(crate) fn take_events(&mut self) -> Vec<IdpEvent> {
        std::mem::take(&mut self.events)
    }

    /// Tells a step on a user's way to tokens.
    pub(crate) fn tell(&mut self, step: AuthorizationEvent) {
        self.events.push(IdpEvent::Authorization(Box::new(step)));
    }

    /// `iss` at an address.
    pub(crate) fn issuer(&self, listener: &Listener) -> String {
        self.vendor.issuer(&listener.origin)
    }

    /// What signs ID tokens: the key of the access tokens, or one for them alone where those are opaque.
    pub(crate) fn id_token_key(&self) -> Arc<SigningKey> {
        self.keys.last().map_or_else(|| from_pool(Algorithm::Es256, 0), Arc::clone)
    }

    /// The tokens since the last call whose values are still to be made, which is slow: outside of the lock. Then they
    /// belong into [`Store::enter_values`]. Nobody can present them before.
    pub(crate) fn take_unsigned(&mut self) -> Vec<(TokenId, Secret)> {
        std::mem::take(&mut self.unsigned)
    }

    /// From now on these tokens are found by their values, unless the state was restored meanwhile: then they are
    /// unknown, and another may have the number.
    pub(crate) fn enter_values(&mut self, tokens: Vec<(TokenId, Digest)>, restored: u64) {
        if restored != self.restored {
            return;
        }
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

    /// Keys that verify what is signed. Where access tokens are opaque, other things are signed all the same.
    pub(crate) fn public_keys(&self) -> Vec<Jwk> {
        match self.keys.is_empty() {
            true => vec![self.id_token_key().public.clone()],
            false => self.shown_keys.clone(),
        }
    }

    /// Whether access tokens are JWTs.
    pub(crate) fn issues_jwts(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Another key signs from now on; the old ones stay published if they `overlap`.
    pub(crate) fn rotate_keys(&mut self, overlap: bool, now_ms: i64) {
        let TokenFormat::Jwt(algorithm) = self.format else { return };
        let next = next_key(algorithm, &self.keys);
        self.events.push(IdpEvent::KeyRotated { kid: next.kid.clone() });
        if !overlap {
            self.keys.clear();
        }
        self.keys.push(next);
        self.change(Later::Keys(public_forms(&self.keys)), now_ms);
    }

    /// Takes a key out of the JWKS, if it is in there and another one is left to sign.
    pub(crate) fn remove_key(&mut self, kid: &str) -> bool {
        let before = self.keys.len();
        if before > 1 {
            self.keys.retain(|key| key.kid != kid);
            self.shown_keys.retain(|key| key.common.key_id.as_deref() != Some(kid));
        }
        self.keys.len() < before
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
                    cnf: to.holder.as_ref().and_then(|holder| holder.binding.claim()),
                    act: to.holder.as_ref().and_then(|holder| holder.actor.clone()),
                    may_act: to.holder.as_ref().and_then(|holder| holder.may_act.clone()),
                };
                let (key, scopes) = (Arc::clone(key), to.scopes.clone());
                let registered = self.clients.get(&to.client);
                let extra = registered.map(|registered| registered.client.claims.clone()).unwrap_or_default();
                Secret::deferred(move || {
                    let typ = vendor.profile().typ.value;
                    match vendor.claims(&Facts { standard: &standard, scopes: &scopes, generation }) {
                        Some(claims) => extra.sign(&key, typ, &claims),
                        None => extra.sign(&key, typ, &standard),
                    }
                })
            }
            None => Secret::new(format!("{}{drawn}", vendor.opaque_prefix())),
        };
        self.enter(TokenKind::Access, to, value, now_ms, expires_s * 1000)
    }

    pub(crate) fn refresh_token(&mut self, to: &Grantee<'_>, now_ms: i64) -> TokenFacts {
        let expires_s = self.refreshing.expiry_s(to.family, now_ms, now_ms);
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
            holder: to.holder.clone(),
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
        holder: Option<Arc<Holder>>,
        (listener, request): (&Listener, u64),
        now_ms: i64,
    ) -> Granted {
        let token = self.get(id).clone();
        // The access token may be narrower than the consent, and is for whoever asks now; the consent itself stays as
        // wide (RFC 6749 §6), and the refresh token with whom it was issued to.
        let to = |scopes, holder| Grantee {
            listener,
            client: token.client.clone(),
            subject: token.subject.clone(),
            scopes,
            audience: token.audience.clone(),
            family: token.family,
            holder,
        };
        let access = self.access_token(&to(scopes, holder), now_ms);
        let refresh = match self.rotation_of(&token) {
            Rotation::Off => {
                self.used(id, now_ms);
                None
            }
            rotation @ (Rotation::Fresh | Rotation::On { .. }) => {
                match rotation {
                    Rotation::On { .. } if token.death.is_none() => self.die(id, Death::Rotated(request), now_ms),
                    Rotation::On { .. } => {}
                    Rotation::Off | Rotation::Fresh => self.used(id, now_ms),
                }
                Some(self.refresh_token(&to(token.scopes.clone(), token.holder.clone()), now_ms))
            }
        };
        Granted { access, refresh }
    }
}

/// Streams of one seed: values for browsers and devices do not change those of tokens.
const TOKENS: u64 = 0;
const LOGINS: u64 = 1;

fn random(seed: Option<u64>, stream: u64) -> ChaCha12Rng {
    let mut random = match seed {
        Some(seed) => ChaCha12Rng::seed_from_u64(seed),
        None => ChaCha12Rng::from_rng(&mut rand::rng()),
    };
    random.set_stream(stream);
    random
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
    /// Who may present it, if not every bearer, and who acts.
    pub(crate) holder: Option<Arc<Holder>>,
}

fn index(id: TokenId) -> usize {
    usize::try_from(id.0).expect("as many tokens as memory holds") - 1
}

fn seconds(lifetime: Duration) -> i64 {
    i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX / 2000)
}

fn public_forms(keys: &[Arc<SigningKey>]) -> Vec<Jwk> {
    keys.iter().map(|key| key.public.clone()).collect()
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
