//! Who is turned away, besides disabled clients.

use std::collections::BTreeSet;

use super::Store;
use crate::error::{Cause, OAuthError};

/// Subjects that are disabled, and whether all are.
#[derive(Clone, Default)]
pub(crate) struct Disabled {
    pub(crate) subjects: BTreeSet<String>,
    pub(crate) tenant: bool,
}

impl Store {
    /// Whether tokens are issued at all.
    ///
    /// # Errors
    ///
    /// `unauthorized_client` if the tenant is disabled: RFC 6749 §5.2 has no code of its own for that.
    pub(crate) fn check_tenant(&self) -> Result<(), OAuthError> {
        match self.disabled.tenant {
            true => Err(OAuthError::new(Cause::TenantDisabled, "the tenant is disabled")),
            false => Ok(()),
        }
    }

    /// Whether anything is granted for this subject.
    ///
    /// # Errors
    ///
    /// `invalid_grant` (RFC 6749 §5.2) if it is disabled.
    pub(crate) fn check_subject(&self, subject: &str) -> Result<(), OAuthError> {
        match self.disabled.subjects.contains(subject) {
            true => Err(OAuthError::new(Cause::SubjectDisabled, "the subject is disabled")),
            false => Ok(()),
        }
    }
}
