//! Roles, as Temporal's default authorizer has them: bits that add up, compared as numbers.

use std::collections::BTreeMap;
use std::ops::BitOr;

/// One role, or several together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Role(u8);

impl Role {
    const WORKER: Self = Self(1);
    pub(super) const READER: Self = Self(2);
    pub(super) const WRITER: Self = Self(4);
    pub(super) const ADMIN: Self = Self(8);

    /// The role with this name, in any case; none if there is no such role.
    fn named(name: &str) -> Self {
        match name.to_lowercase().as_str() {
            "worker" => Self::WORKER,
            "read" => Self::READER,
            "write" => Self::WRITER,
            "admin" => Self::ADMIN,
            _ => Self::default(),
        }
    }
}

impl BitOr for Role {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The namespace that stands for the whole cluster in permissions.
const SYSTEM: &str = "temporal-system";

/// What somebody may do.
#[derive(Debug, Default)]
pub(super) struct Roles {
    system: Role,
    namespaces: BTreeMap<String, Role>,
}

impl Roles {
    /// Adds a role in a namespace.
    pub(super) fn add(&mut self, namespace: &str, role: &str) {
        let held = match namespace {
            SYSTEM => &mut self.system,
            other => self.namespaces.entry(other.to_owned()).or_default(),
        };
        *held = *held | Role::named(role);
    }

    /// What they may do in the whole cluster.
    pub(super) fn in_cluster(&self) -> Role {
        self.system
    }

    /// What they may do in a namespace.
    pub(super) fn in_namespace(&self, namespace: &str) -> Role {
        self.system | self.namespaces.get(namespace).copied().unwrap_or_default()
    }
}
