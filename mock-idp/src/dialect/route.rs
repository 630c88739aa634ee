//! Where endpoints are.

use http::Method;

use super::fact::Certainty;
use crate::endpoint::Endpoint;

/// Which of its vendor's two generations an address belongs to, with the answers and tokens of that generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Generation {
    /// The one that a new client uses.
    #[default]
    Current,
    /// The one before, which still answers.
    Former,
}

/// Where an endpoint is, for one method.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) endpoint: Endpoint,
    pub(crate) method: Method,
    /// From the origin, with a slash in front. `{…}` stands for any one segment.
    pub(crate) path: &'static str,
    pub(crate) generation: Generation,
    pub(crate) certainty: Certainty,
}

impl Route {
    pub(crate) const fn get(path: &'static str, endpoint: Endpoint) -> Self {
        Self::known(Certainty::Ours, Method::GET, path, endpoint)
    }

    pub(crate) const fn post(path: &'static str, endpoint: Endpoint) -> Self {
        Self::known(Certainty::Ours, Method::POST, path, endpoint)
    }

    /// An address that the vendor is known to have.
    pub(crate) const fn known(certainty: Certainty, method: Method, path: &'static str, endpoint: Endpoint) -> Self {
        Self { endpoint, method, path, generation: Generation::Current, certainty }
    }

    /// Likewise, of the generation before.
    pub(crate) const fn former(certainty: Certainty, method: Method, path: &'static str, endpoint: Endpoint) -> Self {
        Self { endpoint, method, path, generation: Generation::Former, certainty }
    }

    /// The segment of a path for which `{…}` stands.
    pub(crate) fn captured<'a>(&self, path: &'a str) -> Option<&'a str> {
        let mut segments = self.path.split('/').zip(path.split('/'));
        segments.find(|(ours, _)| ours.starts_with('{')).map(|(_, theirs)| theirs)
    }

    /// Whether a path is this one.
    pub(crate) fn leads_to(&self, path: &str) -> bool {
        let (mut ours, mut theirs) = (self.path.split('/'), path.split('/'));
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (Some(ours), Some(theirs)) if ours == theirs => {}
                (Some(ours), Some(theirs)) if ours.starts_with('{') && !theirs.is_empty() => {}
                _ => return false,
            }
        }
    }
}
