//! Who may call what: the server's own table of its methods, recorded from the server itself.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::role::Role;

/// What a method acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scope {
    /// One namespace.
    Namespace,
    /// The whole cluster.
    Cluster,
    /// The table does not know it: nobody may call it.
    Unknown,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Needs {
    Read,
    Write,
    Admin,
    Unknown,
}

/// What the server's table says of a method.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Method {
    pub(super) scope: Scope,
    access: Needs,
    /// Number of the request's field that names the namespace.
    pub(super) namespace_field: Option<u32>,
}

impl Method {
    /// Nobody knows it.
    const UNKNOWN: Self = Self { scope: Scope::Unknown, access: Needs::Unknown, namespace_field: None };

    /// The method with this path, `/package.Service/Method`.
    pub(super) fn at(path: &str) -> Self {
        let mut parts = path.trim_start_matches('/').split('/');
        let (Some(service), Some(name), None) = (parts.next(), parts.next(), parts.next()) else {
            return Self::UNKNOWN;
        };
        TABLE.services.get(service).and_then(|methods| methods.get(name)).copied().unwrap_or(Self::UNKNOWN)
    }

    /// The least role that may call it.
    pub(super) fn role(self) -> Role {
        match self.access {
            Needs::Read => Role::READER,
            Needs::Write => Role::WRITER,
            Needs::Admin | Needs::Unknown => Role::ADMIN,
        }
    }
}

/// Methods that everybody may call who shows no bad token.
pub(super) fn is_health_check(path: &str) -> bool {
    matches!(path, "/grpc.health.v1.Health/Check" | "/temporal.api.workflowservice.v1.WorkflowService/GetSystemInfo")
}

#[derive(Deserialize)]
struct Table {
    services: BTreeMap<String, BTreeMap<String, Method>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    serde_json::from_str(tokenlapse_scenarios::FRONTEND_ACCESS).expect("it is recorded, and a test reads it")
});
