//! Access tokens: got once, shared, dropped when refused, never shown.
//!
//! [`TokenSource`] is what the rest of the worker sees. Below it lie a [`Grant`] (which OAuth grant, and where a
//! rotated refresh token is kept) and an [`Exchange`] (the call to the token endpoint).

mod endpoint;
mod grant;
mod source;
mod store;

use futures::future::BoxFuture;

pub use endpoint::{Endpoint, Exchange, GrantRequest, Issued};
pub use grant::{ClientCredentials, Grant, Refresh};
pub use source::TokenSource;
pub use store::{Locked, RefreshTokenFile};

use crate::failure::Failure;
use crate::secret::Secret;

/// An access token.
pub type Token = Secret;

/// Gives out access tokens. There is one per identity: client, scopes, audience (FM-10).
pub trait Tokens: Send + Sync {
    /// A token that, as far as is known, is good.
    fn get(&self) -> BoxFuture<'_, Result<Token, Failure>>;

    /// Says that `refused` was refused. A newer token stays.
    fn invalidate(&self, refused: &Token);

    /// Waits until nothing is under way at the identity provider, so that a rotated token is not lost on shutdown.
    fn settle(&self) -> BoxFuture<'_, ()>;
}
