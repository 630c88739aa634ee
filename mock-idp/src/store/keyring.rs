//! The keys that sign, and what the JWKS shows of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jsonwebtoken::jwk::Jwk;

use super::verify::Verifier;
use super::{Later, Store};
use crate::config::{Config, TokenFormat};
use crate::key::{Algorithm, Signing, SigningKey};
use crate::observe::IdpEvent;

/// The keys of an identity provider.
#[derive(Clone)]
pub(crate) struct Keyring {
    /// In the order in which they were made; at least one. No two have one name.
    keys: Vec<Arc<SigningKey>>,
    /// The one of them that signs.
    signing: Arc<SigningKey>,
    /// What signs ID tokens and the like, if another one does.
    apart: Option<Arc<SigningKey>>,
    /// How many were made of each algorithm: no key comes back.
    made: BTreeMap<Algorithm, usize>,
    /// What the JWKS shows, which may be late.
    shown: Vec<Arc<SigningKey>>,
    verifier: Verifier,
}

impl Keyring {
    pub(super) fn new(config: &Config) -> Self {
        let settings = config.keys;
        let (algorithm, apart) = match config.format {
            TokenFormat::Jwt(algorithm) => (algorithm, settings.id_tokens),
            // Other things are signed all the same.
            TokenFormat::Opaque => (config.id_token_algorithm(), None),
        };
        let first = SigningKey::numbered(algorithm, 0);
        let count = usize::from(settings.published.get());
        let more = (1..count).map(|number| SigningKey::numbered(algorithm, number));
        let keys: Vec<_> = std::iter::once(Arc::clone(&first)).chain(more).collect();
        let signing = match settings.signing {
            Signing::Newest => keys.last().map_or(first, Arc::clone),
            Signing::Oldest => first,
        };
        let verifier = Verifier::new(&keys);
        let mut keyring = Self {
            keys,
            signing,
            apart: None,
            made: BTreeMap::from([(algorithm, count)]),
            shown: Vec::new(),
            verifier,
        };
        keyring.apart = apart.map(|algorithm| keyring.take(algorithm));
        keyring.shown = keyring.all();
        keyring
    }

    /// What signs access tokens, if they are JWTs.
    pub(crate) fn signing(&self) -> &Arc<SigningKey> {
        &self.signing
    }

    /// What signs ID tokens and the like.
    pub(crate) fn for_id_tokens(&self) -> &Arc<SigningKey> {
        self.apart.as_ref().unwrap_or(&self.signing)
    }

    /// Those of the JWKS.
    pub(crate) fn shown(&self) -> &[Arc<SigningKey>] {
        &self.shown
    }

    pub(super) fn show(&mut self, keys: Vec<Arc<SigningKey>>) {
        self.shown = keys;
    }

    pub(super) fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The key that is made next of the algorithm of this one, or of the one that signs: for whoever makes it before it
    /// is needed.
    pub(crate) fn next(&self, like: Option<&str>) -> Option<Arc<SigningKey>> {
        let algorithm = match like {
            Some(kid) => self.named(kid)?.algorithm(),
            None => self.signing.algorithm(),
        };
        Some(SigningKey::numbered(algorithm, self.made(algorithm)))
    }

    fn made(&self, algorithm: Algorithm) -> usize {
        self.made.get(&algorithm).copied().unwrap_or_default()
    }

    fn take(&mut self, algorithm: Algorithm) -> Arc<SigningKey> {
        SigningKey::numbered(algorithm, self.count(algorithm))
    }

    /// The number of one more key.
    fn count(&mut self, algorithm: Algorithm) -> usize {
        let made = self.made.entry(algorithm).or_default();
        *made += 1;
        *made - 1
    }

    fn named(&self, kid: &str) -> Option<&Arc<SigningKey>> {
        self.keys.iter().chain(&self.apart).find(|key| key.kid == kid)
    }

    /// All that can sign.
    fn all(&self) -> Vec<Arc<SigningKey>> {
        self.keys.iter().chain(&self.apart).cloned().collect()
    }

    /// One more, which does not sign yet.
    fn add(&mut self) -> Arc<SigningKey> {
        let key = self.take(self.signing.algorithm());
        self.verifier = self.verifier.with(&key);
        self.keys.push(Arc::clone(&key));
        key
    }

    /// Another key by this name, if there is one.
    fn replace(&mut self, kid: &str) -> bool {
        let Some(old) = self.named(kid).cloned() else { return false };
        let number = self.count(old.algorithm());
        let new = old.successor(number);
        self.verifier = self.verifier.with(&new);
        for place in self.keys.iter_mut().chain(&mut self.apart).chain([&mut self.signing]) {
            if place.kid == kid {
                *place = Arc::clone(&new);
            }
        }
        true
    }

    /// Gives whether it is gone.
    fn remove(&mut self, kid: &str) -> bool {
        let is_only_one = matches!(self.keys.as_slice(), [only] if only.kid == kid);
        if is_only_one || self.apart.as_ref().is_some_and(|key| key.kid == kid) {
            return false;
        }
        let before = self.keys.len() + self.shown.len();
        self.keys.retain(|key| key.kid != kid);
        self.shown.retain(|key| key.kid != kid);
        if self.signing.kid == kid
            && let Some(newest) = self.keys.last()
        {
            self.signing = Arc::clone(newest);
        }
        self.keys.len() + self.shown.len() < before
    }
}

impl Store {
    /// The JWKS.
    pub(crate) fn public_keys(&self) -> Vec<Jwk> {
        self.keys.shown().iter().map(|key| key.public()).collect()
    }

    /// One more key is published, which does not sign.
    pub(crate) fn add_key(&mut self, now_ms: i64) -> String {
        let kid = self.keys.add().kid.clone();
        self.events.push(IdpEvent::KeyAdded { kid: kid.clone() });
        self.show_keys(now_ms);
        kid
    }

    /// Another key signs from now on; the old ones stay published if they `overlap`.
    pub(crate) fn rotate_keys(&mut self, overlap: bool, now_ms: i64) {
        if !self.issues_jwts() {
            return;
        }
        let next = self.keys.add();
        self.events.push(IdpEvent::KeyAdded { kid: next.kid.clone() });
        self.sign_by(&next);
        if !overlap {
            for old in self.keys.keys.extract_if(.., |key| key.kid != next.kid) {
                self.events.push(IdpEvent::KeyRemoved { kid: old.kid.clone() });
            }
        }
        self.show_keys(now_ms);
    }

    /// A published key signs from now on. Gives whether there is one of this name that can.
    pub(crate) fn sign_with(&mut self, kid: &str) -> bool {
        let Some(key) = self.keys.keys.iter().find(|key| key.kid == kid).cloned() else { return false };
        if self.keys.signing.kid != kid {
            self.sign_by(&key);
        }
        true
    }

    fn sign_by(&mut self, key: &Arc<SigningKey>) {
        self.keys.signing = Arc::clone(key);
        self.events.push(IdpEvent::KeyRotated { kid: key.kid.clone() });
    }

    /// Another key has this name from now on. Gives whether one had it.
    pub(crate) fn replace_key(&mut self, kid: &str, now_ms: i64) -> bool {
        let replaced = self.keys.replace(kid);
        if replaced {
            self.events.push(IdpEvent::KeyReplaced { kid: kid.to_owned() });
            self.show_keys(now_ms);
        }
        replaced
    }

    /// Takes a key out of the JWKS, if it is in there and another one is left to sign.
    pub(crate) fn remove_key(&mut self, kid: &str) -> bool {
        let was_signing = self.keys.signing.kid == kid;
        let removed = self.keys.remove(kid);
        if removed {
            self.underway.forget_key(kid);
            self.events.push(IdpEvent::KeyRemoved { kid: kid.to_owned() });
            if was_signing {
                self.events.push(IdpEvent::KeyRotated { kid: self.keys.signing.kid.clone() });
            }
        }
        removed
    }

    fn show_keys(&mut self, now_ms: i64) {
        self.change(Later::Keys(self.keys.all()), now_ms);
    }
}
