//! Where an identity provider is reached.

use std::borrow::Cow;

use crate::dialect::Generation;

/// One public address of an identity provider.
#[derive(Debug, Clone)]
pub struct Listener {
    /// Who comes in here, for the observer.
    pub name: String,
    /// Scheme, host and port at which it is reached, without a slash at the end. [`Idp::issuer`](crate::Idp::issuer)
    /// makes `iss` of it, [`Idp::url`](crate::Idp::url) the address of an endpoint.
    pub origin: String,
    /// Which of its vendor's generations answers there.
    pub(crate) generation: Generation,
}

impl Listener {
    /// An address for `name` at this origin.
    pub fn new(name: impl Into<String>, origin: impl Into<String>) -> Self {
        let origin: String = origin.into();
        let origin = origin.trim_end_matches('/').to_owned();
        Self { name: name.into(), origin, generation: Generation::default() }
    }

    /// The same address for one generation.
    pub(crate) fn of_generation(&self, generation: Generation) -> Cow<'_, Self> {
        if self.generation == generation {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self { generation, ..self.clone() })
    }
}
