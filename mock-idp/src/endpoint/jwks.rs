//! The JSON Web Key Set (RFC 7517 §5).

use http::StatusCode;
use serde_json::json;

use super::Reply;
use crate::store::Store;

pub(super) fn run(store: &Store) -> Reply {
    Reply::json(StatusCode::OK, &json!({"keys": store.public_keys()}))
}
