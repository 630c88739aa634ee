//! What is wrong with a JWT.

use std::borrow::Cow;

/// What is wrong with a JWT, for the reason of a refusal. It holds names and rules, never the JWT's own text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Flaw(pub(crate) Cow<'static, str>);

impl From<&'static str> for Flaw {
    fn from(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<String> for Flaw {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}
