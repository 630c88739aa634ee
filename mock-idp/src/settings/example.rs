//! What is served without a configuration file, and a commented file to start from.

use super::ClientSettings;
use crate::secret::Secret;

/// A commented configuration file with every key.
pub const TEXT: &str = include_str!("example.yaml");

/// The secret of the client that is there without a file: it protects nothing, and can be printed.
pub fn secret() -> Secret {
    Secret::new("not-a-secret")
}

pub(super) fn clients() -> Vec<ClientSettings> {
    let scopes = ["orders.read", "orders.write"].map(|scope| scope.to_owned().into()).to_vec();
    vec![ClientSettings { scopes, ..ClientSettings::new("worker", secret()) }]
}
