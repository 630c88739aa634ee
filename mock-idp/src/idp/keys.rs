//! Fetching the keys of others, before a decision that needs them.

use url::Url;

use super::Idp;
use crate::assertion::{FetchedKeys, Jwt};
use crate::endpoint::Form;

/// Parameters that hold what others signed.
const SIGNED: &[&str] = &["client_assertion", "assertion", "subject_token", "actor_token"];

impl Idp {
    /// The keys that may be needed to verify what stands in a form, of those that are to be had by an address.
    pub(super) async fn fetch_keys(&self, form: &Form) -> FetchedKeys {
        let mut fetched = FetchedKeys::new();
        for name in SIGNED {
            let Some(Ok(jwt)) = form.get(name).map(Jwt::parse) else { continue };
            for url in self.addresses(&jwt) {
                let keys = self.0.remote_keys.get(&url, jwt.kid(), self.0.clock.now_ms()).await;
                fetched.insert(url, keys);
            }
        }
        // A certificate may be one of those in the client's key set (RFC 8705 §2.2).
        if let Some(url) = form.get("client_id").and_then(|client| self.address_of_client(client))
            && !fetched.contains_key(&url)
        {
            let keys = self.0.remote_keys.get(&url, None, self.0.clock.now_ms()).await;
            fetched.insert(url, keys);
        }
        fetched
    }

    /// Where the keys of whoever claims to have signed this are: of a client by its id, of an issuer by its name.
    fn addresses(&self, jwt: &Jwt) -> Vec<Url> {
        let Some(name) = jwt.text("iss") else { return Vec::new() };
        let of_issuer = self.store().proofs.issuer(name).and_then(|issuer| issuer.keys.address().cloned());
        self.address_of_client(name).into_iter().chain(of_issuer).collect()
    }

    fn address_of_client(&self, client: &str) -> Option<Url> {
        self.store().clients.get(client)?.client.keys.as_ref()?.address().cloned()
    }
}
