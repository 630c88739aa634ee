//! JWTs that others signed: client assertions, assertions as grants (RFC 7523), tokens of other issuers (RFC 8693).

mod flaw;
mod issuer;
mod jwt;
mod keys;
mod remote;
mod replay;
mod rules;

pub use issuer::{Subjects, TrustedIssuer};
pub use keys::{KeySource, KeySourceError};
pub use rules::{AssertionRules, Audience};

pub(crate) use flaw::Flaw;
pub(crate) use jwt::Jwt;
pub(crate) use jwt::{ASYMMETRIC, SYMMETRIC};
pub(crate) use keys::FetchedKeys;
pub(crate) use remote::RemoteKeys;
pub(crate) use replay::Replays;
pub(crate) use rules::Place;
