//! The JSON Web Key Set (RFC 7517 §5).

use http::StatusCode;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha12Rng;
use serde_json::{Value, json};

use super::Reply;
use crate::dialect::{Vendor, set};
use crate::fault::HttpReply;
use crate::store::Store;

pub(super) fn run(vendor: &dyn Vendor, store: &Store) -> Reply {
    let mut reply = Reply::json(StatusCode::OK, &json!({"keys": store.public_keys()}));
    set(&mut reply.http.headers, vendor.profile().key_set_headers.value);
    store.caching.jwks.apply(&mut reply.http.headers);
    reply
}

/// The same set with its keys in an order that is drawn from this.
pub(crate) fn shuffle(set: &mut HttpReply, seed: u64) {
    let Ok(mut body) = serde_json::from_slice::<Value>(&set.body) else { return };
    if let Some(keys) = body["keys"].as_array_mut() {
        keys.shuffle(&mut ChaCha12Rng::seed_from_u64(seed));
        set.body = body.to_string().into();
    }
}
