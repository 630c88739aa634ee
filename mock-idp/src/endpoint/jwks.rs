//! The JSON Web Key Set (RFC 7517 §5).

use http::StatusCode;
use serde_json::json;

use super::Reply;
use crate::dialect::{Vendor, set};
use crate::store::Store;

pub(super) fn run(vendor: &dyn Vendor, store: &Store) -> Reply {
    let mut reply = Reply::json(StatusCode::OK, &json!({"keys": store.public_keys()}));
    set(&mut reply.http.headers, vendor.profile().key_set_headers.value);
    reply
}
