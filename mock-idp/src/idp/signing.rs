//! What a test does to the keys that sign.

use super::Idp;

impl Idp {
    /// Ids of the keys that the JWKS has now: a token that another key signed is refused by who fetches it.
    pub fn published_keys(&self) -> Vec<String> {
        self.store().keys.shown().iter().map(|key| key.kid.clone()).collect()
    }

    /// Id of the key that signs access tokens; `None` where they are opaque.
    pub fn signing_key(&self) -> Option<String> {
        let store = self.store();
        store.issues_jwts().then(|| store.keys.signing().kid.clone())
    }

    /// Id of the key that signs ID tokens.
    pub fn id_token_key(&self) -> String {
        self.store().id_token_key().kid.clone()
    }

    /// Whether access tokens are JWTs, whose keys can be rotated.
    pub fn issues_jwts(&self) -> bool {
        self.store().issues_jwts()
    }

    /// One more key is in the JWKS, which does not sign before [`Idp::sign_with`] says so: as vendors publish the next key
    /// in advance. Gives its id.
    pub fn add_key(&self) -> String {
        self.make_next_key(None);
        self.apply(|store, now_ms| store.add_key(now_ms))
    }

    /// A key of the JWKS signs from now on what the one before signed. Gives whether there is one of this id that can;
    /// one that is for ID tokens alone cannot.
    pub fn sign_with(&self, kid: &str) -> bool {
        self.apply(|store, _| store.sign_with(kid))
    }

    /// Another key signs access tokens from now on; the old ones stay published if they `overlap`. One that is for ID
    /// tokens alone stays in any case.
    pub fn rotate_keys(&self, overlap: bool) {
        self.keep_documents();
        self.make_next_key(None);
        self.apply(|store, now_ms| store.rotate_keys(overlap, now_ms));
    }

    /// Another key has this id from now on, as after a restore of a vendor's backup: whoever keeps keys by their ids
    /// verifies with the wrong one until it fetches the JWKS again. To the identity provider itself, what the old one
    /// signed is as after a rotation without overlap: access tokens live on, and what must verify by the JWKS, such as
    /// `id_token_hint`, does not. Gives whether a key had it.
    pub fn replace_key(&self, kid: &str) -> bool {
        if !self.make_next_key(Some(kid)) {
            return false;
        }
        self.keep_documents();
        self.apply(|store, now_ms| store.replace_key(kid, now_ms))
    }

    /// Takes a key out of the JWKS: who fetches that now refuses what it signed. If it has signed, the newest key that is
    /// left does from now on. Gives whether it was there; the only key that can sign something stays.
    pub fn remove_key(&self, kid: &str) -> bool {
        self.apply(|store, _| store.remove_key(kid))
    }

    /// Not by a request that holds the store: making a key takes time. Gives whether there is one to be like.
    fn make_next_key(&self, like: Option<&str>) -> bool {
        let next = self.store().keys.next(like);
        next.inspect(|key| key.make()).is_some()
    }
}
