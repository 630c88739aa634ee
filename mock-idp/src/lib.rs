//! A strict OAuth 2.0 authorization server for tests, that misbehaves only on request.
//!
//! [`Idp`] is the state: clients, tokens, keys and a clock of its own. [`Idp::router`] gives it an address; several
//! addresses share one state, and each has its own issuer. Whoever drives a test uses the controls of [`Idp`] (revoke,
//! expire, disable, rotate, move the clock), and an [`Observer`] to see each request at the moment of its decision
//! and to change its reply.
//!
//! ```
//! use mock_idp::{Client, Config, Idp, Listener};
//!
//! let idp = Idp::new(Config { clients: vec![Client::new("worker", "secret").scopes(["orders.read"])], ..Config::default() });
//! let router = idp.router(Listener::new("w1", "http://127.0.0.1:9000"));
//! # let _ = router;
//! ```

pub mod cli;
mod client_auth;
mod clock;
mod config;
mod dialect;
mod endpoint;
mod error;
pub mod fault;
mod grant;
mod idp;
mod key;
pub mod misbehave;
mod observe;
mod secret;
mod store;
mod token;

pub use clock::{Clock, TimeSource};
pub use config::{AuthMethod, Client, Config, GrantType, Listener, Memory, Reuse, Rotation, TokenFormat};
pub use dialect::Dialect;
pub use endpoint::Endpoint;
pub use idp::{Idp, Stolen};
pub use key::Algorithm;
pub use misbehave::{Rule, RuleId, Rules};
pub use observe::{IdpEvent, Observer, Outcome, Passive, ReplySeen, RequestSeen};
pub use secret::Secret;
pub use store::Which;
pub use token::{Death, TokenFacts, TokenId, TokenKind};
