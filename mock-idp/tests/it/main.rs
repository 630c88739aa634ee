//! The integration tests: what is seen from outside, each file or folder about one thing.

mod admin;
mod authorization_code;
mod broken;
mod catalogue;
mod client_auth;
mod clients;
mod command;
mod composed;
mod configured;
mod conformance;
mod device;
mod dialects;
mod dpop;
mod exchange;
mod fuzz;
mod fuzz_served;
mod keys;
mod limits;
mod login_page;
mod memory;
mod misbehave;
mod model;
mod oidc;
mod propagation;
mod refreshing;
mod rfc;
mod seen;
#[path = "../support/mod.rs"]
mod support;
mod time;
mod tls;
