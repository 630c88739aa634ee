//! All state of an identity provider, behind one lock of its own.

mod death;
mod ends;
mod mark;
mod record;
mod swept;
mod terms;
mod verify;

pub use death::Which;
use ends::{Ends, Fate};
use mark::Mark;
use record::Record;
use swept::{Lasting as _, Swept};
use terms::{Book, Terms};
use verify::Verifier;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rand::distr::{Alphanumeric, SampleString as _};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha12Rng;

use crate::config::{Client, Config, Listener, Memory, Rotation, TokenFormat};
use crate::dialect::Vendor;
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
    /// A random number of its own, by which it knows its JWTs from others'.
    instance: u64,
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
    /// Without a ledger: what is over by then, the time of the last change, is let go.
    gone_ms: i64,
    /// When the clock was set back, and how many tokens there were: those of them that were over stay so.
    set_back: Vec<(i64, TokenId)>,
    /// By then everything that was issued is over.
    last_until_ms: i64,
    refresh_token_lifetime: Duration,
    rotation: Rotation,
    format: TokenFormat,
    random: ChaCha12Rng,
    keys: Vec<Arc<SigningKey>>,
    verifier: Verifier,
    events: Vec<IdpEvent>,
}

pub(crate) struct Registered {
    pub(crate) client: Arc<Client>,
    pub(crate) disabled: bool,
}

/// A token whose value is still to be made.
pub(crate) struct Unsigned {
    record: Record,
    pub(crate) value: Secret,
}

/// What only whoever looks at all tokens needs.
#[derive(Default)]
struct Ledger {
    values: BTreeMap<TokenId, (Digest, Secret)>,
    /// When which token's time is over: those that are alive, or whose end was not reported yet.
    due: BTreeSet<(i64, TokenId)>,
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
        let mut random = match config.seed {
            Some(seed) => ChaCha12Rng::seed_from_u64(seed),
            None => ChaCha12Rng::from_rng(&mut rand::rng()),
        };
        let registered = |client: Client| (client.id.clone(), Registered { client: Arc::new(client), disabled: false });
        Self {
            vendor: config.dialect.vendor(),
            clients: config.clients.into_iter().map(registered).collect(),
            access_token_lifetime: config.access_token_lifetime,
            stated_lifetime: None,
            audience: None,
            instance: random.random(),
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
            gone_ms: i64::MIN,
            set_back: Vec::new(),
            last_until_ms: i64::MIN,
            refresh_token_lifetime: config.refresh_token_lifetime,
            rotation: config.rotation,
            format: config.format,
            random,
            verifier: Verifier::new(&keys),
            keys,
            events: Vec::new(),
        }
    }

    /// What has happened since the last call, in order.
    pub(crate) fn take_events(&mut self) -> Vec<IdpEvent> {
        std::mem::take(&mut self.events)
    }

    /// The tokens since the last call whose values are still to be made, which is slow: outside of the lock. Then they
    /// belong into [`Store::enter_values`]. Nobody can present them before.
    pub(crate) fn take_unsigned(&mut self) -> Vec<Unsigned> {
        std::mem::take(&mut self.unsigned)
    }

    /// From now on these tokens are found by their values.
    pub(crate) fn enter_values(&mut self, tokens: Vec<(Unsigned, Digest)>) {
        for (Unsigned { record, value }, digest) in tokens {
            let facts = self.facts(&record, value);
            self.keep(digest, record, &facts.value);
            // It can have died while it was signed.
            if let Some(death) = facts.death.clone() {
                self.tell_end(&facts, death);
            }
        }
    }

    /// What is known of a token, by its value.
    pub(crate) fn find(&self, value: &str) -> Option<TokenFacts> {
        let record = match self.records.get(&Digest::of(value)) {
            Some(record) => record.clone(),
            None => self.recognise(&self.verifier()?.claims(value)?)?,
        };
        // Whatever is over may be forgotten already: it is not to be seen whether it is.
        (!self.is_gone(&record)).then(|| self.facts(&record, Secret::new(value)))
    }

    fn is_gone(&self, record: &Record) -> bool {
        let until_ms = record.until_ms();
        let before = |(at_ms, through): &(i64, TokenId)| until_ms <= *at_ms && record.id <= *through;
        until_ms <= self.gone_ms || self.set_back.iter().any(before)
    }

    /// What is known of a token, by its number: for controls, since without a ledger all are looked through.
    pub(crate) fn get(&self, id: TokenId) -> Option<TokenFacts> {
        let (_, record, value) = self.held(id)?;
        Some(self.facts(record, value))
    }

    /// All tokens of which something is kept, in order of issue.
    pub(crate) fn tokens(&self) -> Vec<TokenFacts> {
        if let Some(ledger) = &self.ledger {
            let kept = ledger.values.values();
            let kept = kept.filter_map(|(digest, value)| Some((self.records.get(digest)?, value.clone())));
            return kept.map(|(record, value)| self.facts(record, value)).collect();
        }
        let mut tokens: Vec<_> = self.records.iter().map(|(_, record)| self.facts(record, Secret::new(""))).collect();
        tokens.sort_by_key(|token| token.id);
        tokens
    }

    fn held(&self, id: TokenId) -> Option<(Digest, &Record, Secret)> {
        if let Some(ledger) = &self.ledger {
            let (digest, value) = ledger.values.get(&id)?;
            return Some((*digest, self.records.get(digest)?, value.clone()));
        }
        let (digest, record) = self.records.iter().find(|(_, record)| record.id == id)?;
        Some((*digest, record, Secret::new("")))
    }

    fn facts(&self, record: &Record, value: Secret) -> TokenFacts {
        let Fate { death, rotated_at_ms } = self.ends.fate(record);
        let terms = &record.terms;
        TokenFacts {
            id: record.id,
            kind: record.kind,
            client: terms.client.clone(),
            subject: terms.subject.clone(),
            scopes: terms.scopes.clone(),
            audience: terms.audience.clone(),
            issuer: terms.issuer.clone(),
            origin: terms.origin.clone(),
            issued_at_ms: record.issued_at_ms,
            expires_at_ms: record.expires_at_ms,
            death,
            value,
            family: record.family,
            rotated_at_ms,
        }
    }

    fn keep(&mut self, digest: Digest, record: Record, value: &Secret) {
        if let Some(ledger) = &mut self.ledger {
            ledger.values.insert(record.id, (digest, value.clone()));
            ledger.due.insert((record.expires_at_ms, record.id));
        }
        self.records.insert(digest, record, self.gone_ms);
    }

    /// Looks at some of what is kept, and lets go of what is over.
    pub(crate) fn sweep(&mut self, at_most: usize) {
        self.records.sweep(at_most, self.gone_ms);
        self.ends.sweep(at_most, self.gone_ms);
        self.terms.sweep(at_most, self.gone_ms);
    }

    /// So many entries are to be looked at to see all that can be let go.
    pub(crate) fn to_sweep(&self) -> usize {
        if self.ledger.is_some() { 0 } else { self.records.len().max(self.ends.len()).max(self.terms.len()) }
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
        self.verifier = self.verifier.with(&next);
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
        // `iat` is rounded down: rounded up, a token would come from the future.
        let issued_s = now_ms.div_euclid(1000);
        let expires_s = issued_s + seconds(self.access_token_lifetime);
        let (record, terms) = self.record(TokenKind::Access, to, now_ms, expires_s * 1000);
        let value = match self.keys.last() {
            Some(key) => {
                let (key, of) = (Arc::clone(key), Arc::clone(&record.terms));
                let mark = Mark { instance: self.instance, id: record.id, family: record.family, terms };
                Secret::deferred(move || {
                    let claims = AccessClaims {
                        iss: &of.issuer,
                        exp: expires_s,
                        aud: &of.audience,
                        sub: &of.subject,
                        client_id: &of.client,
                        iat: issued_s,
                        nbf: issued_s,
                        jti: &mark.encode(),
                        scope: &of.scopes.join(" "),
                    };
                    key.sign("at+jwt", &claims)
                })
            }
            None => Secret::new(format!("tlat_{}", Alphanumeric.sample_string(&mut self.random, 40))),
        };
        self.enter(record, value)
    }

    pub(crate) fn refresh_token(&mut self, to: &Grantee<'_>, now_ms: i64) -> TokenFacts {
        let expires_s = now_ms.div_euclid(1000) + seconds(self.refresh_token_lifetime);
        let (record, _) = self.record(TokenKind::Refresh, to, now_ms, expires_s * 1000);
        let value = Secret::new(format!("tlrt_{}", Alphanumeric.sample_string(&mut self.random, 40)));
        self.enter(record, value)
    }

    /// The next token, and the number of its terms.
    fn record(&mut self, kind: TokenKind, to: &Grantee<'_>, now_ms: i64, expires_ms: i64) -> (Record, u64) {
        let terms = Terms {
            client: to.client.clone(),
            subject: to.subject.clone(),
            scopes: to.scopes.clone(),
            audience: to.audience.clone(),
            issuer: self.vendor.issuer(&to.listener.origin),
            origin: to.listener.origin.clone(),
        };
        let (number, terms) = self.terms.enter(terms, kind.remembered_until_ms(expires_ms), self.gone_ms);
        self.issued += 1;
        let id = TokenId(self.issued);
        let record = Record { id, family: to.family, terms, issued_at_ms: now_ms, expires_at_ms: expires_ms, kind };
        self.last_until_ms = self.last_until_ms.max(record.until_ms());
        (record, number)
    }

    fn enter(&mut self, record: Record, value: Secret) -> TokenFacts {
        let facts = self.facts(&record, value.clone());
        self.events.push(IdpEvent::Issued(Box::new(facts.clone())));
        match (value.is_deferred(), &self.ledger) {
            (false, _) => self.keep(Digest::of(value.expose()), record, &value),
            (true, Some(_)) => self.unsigned.push(Unsigned { record, value }),
            // A JWT says itself what it is.
            (true, None) => {}
        }
        facts
    }

    /// Redeems a refresh token that is alive, or whose reuse is allowed, by the client that it was issued to.
    pub(crate) fn redeem(
        &mut self,
        token: &TokenFacts,
        scopes: Vec<String>,
        listener: &Listener,
        request: u64,
        now_ms: i64,
    ) -> Granted {
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
            Rotation::Off => None,
            Rotation::On { .. } => {
                if token.death.is_none() {
                    self.end(token, Death::Rotated(request), now_ms);
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
