//! What is served without a configuration file, and a commented file to start from.

use super::ClientSettings;
use crate::config::{AuthMethod, GrantType};
use crate::login::RefreshGrant;
use crate::secret::Secret;

/// A commented configuration file with every key.
pub const TEXT: &str = include_str!("example.yaml");

/// The secret of the client that is there without a file: it protects nothing, and can be printed.
pub fn secret() -> Secret {
    Secret::new("not-a-secret")
}

pub(super) fn clients() -> Vec<ClientSettings> {
    vec![ClientSettings {
        id: "worker".to_owned().into(),
        secret: secret(),
        methods: AuthMethod::with_secret(),
        grants: GrantType::without_user(),
        scopes: vec!["orders.read".to_owned(), "orders.write".to_owned()],
        audience: "api".to_owned(),
        resource_server: false,
        redirect_uris: Vec::new(),
        post_logout_redirect_uris: Vec::new(),
        require_pkce: false,
        require_pushed_authorization_requests: false,
        refresh_grant: RefreshGrant::default(),
    }]
}
