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

#[cfg(feature = "admin")]
pub mod admin;
mod assertion;
mod audit;
mod caching;
mod claims;
#[cfg(feature = "command")]
pub mod cli;
mod client_auth;
mod clock;
mod config;
mod dialect;
pub mod dpop;
mod endpoint;
mod error;
pub mod fault;
#[cfg(feature = "file")]
pub mod file;
mod grant;
mod holder;
mod id_token;
mod idp;
mod key;
mod login;
pub mod misbehave;
mod observe;
mod proofs;
mod secret;
#[cfg(feature = "file")]
pub mod settings;
mod store;
pub mod tls;
mod token;
mod user;

pub use assertion::{AssertionRules, Audience, KeySource, KeySourceError, Subjects, TrustedIssuer};
pub use audit::{AuditEvent, AuditKind, Counter, RequestFilter, RequestRecord, Stage, TooFew};
pub use caching::{CacheControl, Caching, NotAHeader};
pub use claims::{ClaimsError, ExtraClaims};
pub use clock::{Clock, TimeSource};
pub use config::{AuthMethod, Client, Config, GrantType, Listener, Memory, Reuse, Rotation, TokenFormat};
pub use dialect::{Assertion, AssertionAudience, Certainty, Dialect, Fact, Throttled};
pub use endpoint::Endpoint;
pub use grant::ExchangePolicy;
pub use holder::{Binding, Holder};
pub use idp::{ClientFacts, Idp, Snapshot, Stolen, WaitingDevice};
pub use key::{Algorithm, KeyCount, KeySettings, NoKeyCount, Signing};
pub use login::{LoginMode, LoginSettings, RefreshGrant};
pub use misbehave::{Rule, RuleId, Rules};
pub use observe::{
    AuthorizationEvent, AuthorizationStep, IdpEvent, Observer, Outcome, Passive, ReplySeen, RequestSeen,
};
pub use secret::{ClientSecret, Secret};
pub use store::{Propagation, Which};
pub use token::{Death, TokenFacts, TokenId, TokenKind};
pub use user::User;
