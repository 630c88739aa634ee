//! What controls have set, for whoever looks.

use super::Idp;
use crate::store::Propagation;

impl Idp {
    /// Subjects that are [disabled](Idp::disable_subject).
    pub fn disabled_subjects(&self) -> Vec<String> {
        self.store().disabled.subjects.iter().cloned().collect()
    }

    /// Whether the tenant is [disabled](Idp::disable_tenant).
    pub fn is_tenant_disabled(&self) -> bool {
        self.store().disabled.tenant
    }

    /// How long changes take that are made from now on; [`Idp::set_propagation`] sets it.
    pub fn propagation(&self) -> Propagation {
        self.store().underway.propagation
    }
}
