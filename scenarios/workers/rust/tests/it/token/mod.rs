//! Tokens, without Temporal and without a network.

mod grant;
mod source;
mod store;
