//! All state of an identity provider, behind one lock of its own.

mod death;
mod disabled;
mod ends;
mod held;
mod keyring;
mod login;
mod mark;
mod propagation;
mod record;
mod refreshing;
mod swept;
mod terms;
mod verify;

pub(crate) use death::Chosen;
pub use death::Which;
pub(crate) use disabled::Disabled;
use ends::Ends;
use held::{Ledger, Recent, Unsigned};
pub(crate) use keyring::Keyring;
use mark::Mark;
pub use propagation::Propagation;
pub(crate) use propagation::{Later, Underway};
use record::Record;
use swept::{Lasting as _, Swept};
use terms::{Book, Terms};

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rand::distr::{Alphanumeric, SampleString as _};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha12Rng;

use refreshing::Refreshing;

use crate::caching::Caching;
use crate::config::{Client, Config, Listener, Memory, Rotation, TokenFormat};
use crate::dialect::{Facts, Vendor};
use crate::holder::Holder;
use crate::key::SigningKey;
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
    /// A random number of its own, by which it knows its JWTs from others'.
    instance: u64,
    /// Numbers that it had before it was restored, each with its last token that still counts.
    past_instances: Vec<(u64, TokenId)>,
    /// So many tokens were issued.
    issued: u64,
    families: u64,
    /// What is kept of tokens. Without a ledger no JWT is among them that nobody has presented here.
    records: Swept<Digest, Record>,
    terms: Book,
    ends: Ends,
    /// Tokens that are not in `records` yet: their values are made outside of the lock.
    unsigned: Vec<Unsigned>,
    /// Where everything is kept.
    ledger: Option<Ledger>,
    /// Where it is not.
    recent: Recent,
    /// Without a ledger: what is over by then, the time of the last change, is let go.
    gone_ms: i64,
    /// When the clock was set back, and how many tokens there were: those of them that were over stay so.
    set_back: Vec<(i64, TokenId)>,
    /// By then everything that was issued is over.
    last_until_ms: i64,
    refreshing: Refreshing,
    format: TokenFormat,
    random: ChaCha12Rng,
    /// Whether `random` was given its seed.
    seeded: bool,
    pub(crate) keys: Keyring,
    pub(crate) caching: Caching,
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
        let keys = Keyring::new(&config);
        let registered = |client: Client| (client.id.clone(), Registered { client: Arc::new(client), disabled: false });
        let (proofs, refreshing) = (Proofs::new(&config), Refreshing::new(&config));
        let mut random = stream(config.seed, TOKENS);
        Self {
            vendor: config.dialect.vendor(),
            clients: config.clients.into_iter().map(registered).collect(),
            logins: Logins::new(config.users, config.login, stream(config.seed, LOGINS)),
            disabled: Disabled::default(),
            access_token_lifetime: config.access_token_lifetime,
            stated_lifetime: None,
            audience: None,
            instance: random.random(),
            past_instances: Vec::new(),
            issued: 0,
            families: 0,
            records: Swept::new(),
            terms: Book::new(),
            ends: Ends::new(),
            unsigned: Vec::new(),
            ledger: match config.memory {
                Memory::Everything => Some(Ledger::default()),
                Memory::Needed => None,
            },
            recent: Recent::new(config.records),
            gone_ms: i64::MIN,
            set_back: Vec::new(),
            last_until_ms: i64::MIN,
            refreshing,
            format: config.format,
            seeded: config.seed.is_some(),
            random,
            keys,
            caching: config.caching,
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
            // What was issued since has numbers that are given again.
            saved.past_instances.push((saved.instance, TokenId(saved.issued)));
            saved.instance = saved.random.random();
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

    /// Likewise, by the generation of the address.
    fn issuer_at(&self, listener: &Listener) -> String {
        self.vendor.issuer_of(listener.generation, &listener.origin)
    }

    /// What signs ID tokens and the like.
    pub(crate) fn id_token_key(&self) -> Arc<SigningKey> {
        Arc::clone(self.keys.for_id_tokens())
    }

    /// Whether access tokens are JWTs.
    pub(crate) fn issues_jwts(&self) -> bool {
        matches!(self.format, TokenFormat::Jwt(_))
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
        // `iat` is rounded down: rounded up, a token would come from the future.
        let issued_s = now_ms.div_euclid(1000);
        let expires_s = issued_s + seconds(self.access_token_lifetime);
        let (record, terms) = self.record(TokenKind::Access, to, now_ms, expires_s * 1000);
        let value = match self.format {
            TokenFormat::Jwt(_) => {
                let (key, of) = (Arc::clone(self.keys.signing()), Arc::clone(&record.terms));
                let mark = Mark { instance: self.instance, id: record.id, family: record.family, terms };
                let registered = self.clients.get(&to.client);
                let extra = registered.map(|registered| registered.client.claims.clone()).unwrap_or_default();
                Secret::deferred(move || {
                    let holder = of.holder.get();
                    let standard = AccessClaims {
                        iss: of.issuer.clone(),
                        exp: expires_s,
                        aud: of.audience.clone(),
                        sub: of.subject.clone(),
                        client_id: of.client.clone(),
                        iat: issued_s,
                        nbf: issued_s,
                        jti: mark.encode(),
                        scope: of.scopes.join(" "),
                        cnf: holder.and_then(|holder| holder.binding.claim()),
                        act: holder.and_then(|holder| holder.actor.clone()),
                        may_act: holder.and_then(|holder| holder.may_act.clone()),
                    };
                    let typ = vendor.profile().typ.value;
                    match vendor.claims(&Facts { standard: &standard, scopes: &of.scopes, generation }) {
                        Some(claims) => extra.sign(&key, typ, &claims),
                        None => extra.sign(&key, typ, &standard),
                    }
                })
            }
            TokenFormat::Opaque => {
                let drawn = Alphanumeric.sample_string(&mut self.random, 40);
                Secret::new(format!("{}{drawn}", vendor.opaque_prefix()))
            }
        };
        self.enter(record, value)
    }

    pub(crate) fn refresh_token(&mut self, to: &Grantee<'_>, now_ms: i64) -> TokenFacts {
        let expires_s = self.refreshing.expiry_s(to.family, now_ms, now_ms);
        let (record, _) = self.record(TokenKind::Refresh, to, now_ms, expires_s * 1000);
        let value = Secret::new(format!("tlrt_{}", Alphanumeric.sample_string(&mut self.random, 40)));
        self.enter(record, value)
    }

    /// The next token, and the number of its terms.
    fn record(&mut self, kind: TokenKind, to: &Grantee<'_>, now_ms: i64, expires_ms: i64) -> (Record, u64) {
        let (until_ms, issuer) = (kind.remembered_until_ms(expires_ms), self.issuer_at(to.listener));
        let (number, terms) = self
            .terms
            .again(until_ms, |terms| terms.are_for(to, &issuer))
            .unwrap_or_else(|| self.terms.enter(Terms::of(to, issuer), until_ms, self.gone_ms));
        self.issued += 1;
        let id = TokenId(self.issued);
        let record = Record { id, family: to.family, terms, issued_at_ms: now_ms, expires_at_ms: expires_ms, kind };
        self.last_until_ms = self.last_until_ms.max(record.until_ms());
        (record, number)
    }

    fn enter(&mut self, record: Record, value: Secret) -> TokenFacts {
        let facts = self.facts(&record, value.clone());
        self.events.push(IdpEvent::Issued(Box::new(facts.clone())));
        // A JWT says itself what it is, if it has a `jti`.
        let says_itself = || self.vendor.profile().claims.value.contains(&"jti");
        match value.is_deferred() {
            false => self.keep(Digest::of(value.expose()), record, &value),
            true if self.ledger.is_none() && says_itself() => self.recent.push(record, value),
            true => self.unsigned.push(Unsigned { record, value }),
        }
        facts
    }

    /// Redeems a refresh token that is alive, or whose reuse is allowed, by the client that it was issued to.
    pub(crate) fn redeem(
        &mut self,
        token: &TokenFacts,
        scopes: Vec<String>,
        holder: Option<Arc<Holder>>,
        (listener, request): (&Listener, u64),
        now_ms: i64,
    ) -> Granted {
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
        let refresh = match self.rotation_of(token) {
            Rotation::Off => {
                self.used(token, now_ms);
                None
            }
            rotation @ (Rotation::Fresh | Rotation::On { .. }) => {
                match rotation {
                    Rotation::On { .. } if token.death.is_none() => self.end(token, Death::Rotated(request), now_ms),
                    Rotation::On { .. } => {}
                    Rotation::Off | Rotation::Fresh => self.used(token, now_ms),
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

fn stream(seed: Option<u64>, stream: u64) -> ChaCha12Rng {
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

fn seconds(lifetime: Duration) -> i64 {
    i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX / 2000)
}
