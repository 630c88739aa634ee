//! Dialects: how vendors say what the RFCs leave open, or say otherwise. One file each. A dialect changes the shape of
//! an answer, never what is true: a dead token is dead in all.

mod generic;

use std::fmt;

use http::Method;
use serde::{Deserialize, Serialize};

use crate::assertion::AssertionRules;
use crate::endpoint::Endpoint;
use crate::error::OAuthError;
use crate::fault::HttpReply;

/// Whose paths, names and answers an identity provider has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "file", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// The RFCs to the letter.
    #[default]
    Generic,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: &'static [Self] = &[Self::Generic];

    /// `generic`.
    pub fn name(self) -> &'static str {
        self.vendor().name()
    }

    /// What it is, in one sentence.
    pub fn doc(self) -> &'static str {
        self.vendor().doc()
    }

    pub(crate) fn vendor(self) -> &'static dyn Vendor {
        match self {
            Self::Generic => &generic::Generic,
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Where an endpoint is, for one method.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) endpoint: Endpoint,
    pub(crate) method: Method,
    /// From the origin, with a slash in front.
    pub(crate) path: &'static str,
}

impl Route {
    pub(crate) const fn get(path: &'static str, endpoint: Endpoint) -> Self {
        Self { endpoint, method: Method::GET, path }
    }

    pub(crate) const fn post(path: &'static str, endpoint: Endpoint) -> Self {
        Self { endpoint, method: Method::POST, path }
    }
}

/// One vendor's ways. What a dialect does not say otherwise is as the RFCs have it.
pub(crate) trait Vendor: Sync {
    /// As in a flag or a file.
    fn name(&self) -> &'static str;

    /// What it is, in one sentence.
    fn doc(&self) -> &'static str;

    /// What is served, and where. The first row of an endpoint is the address that metadata name.
    fn routes(&self) -> &'static [Route];

    /// `iss` of what is issued at an origin (scheme, host and port).
    fn issuer(&self, origin: &str) -> String {
        origin.to_owned()
    }

    /// The address of an endpoint at an origin, if it is served.
    fn url(&self, endpoint: Endpoint, origin: &str) -> Option<String> {
        let route = self.routes().iter().find(|route| route.endpoint == endpoint)?;
        Some(format!("{origin}{}", route.path))
    }

    /// How a refusal is said.
    fn refusal(&self, error: &OAuthError) -> HttpReply {
        generic::refusal(error)
    }

    /// What a client assertion must say (RFC 7523 §2.2).
    fn client_assertions(&self) -> AssertionRules {
        AssertionRules::default()
    }

    /// What an assertion as a grant must say (RFC 7523 §2.1).
    fn assertion_grants(&self) -> AssertionRules {
        AssertionRules::default()
    }
}
