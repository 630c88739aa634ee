//! Names of things in a journal.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The place of an event in its journal: 1, 2, 3 … What has a lower number saw the older state of the lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Joins the events of one request or call (`idp.request` with its `idp.response`, `gate.rpc` with its `gate.rpc_done`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Call(pub u64);

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps a name.
            pub fn new(name: impl Into<Arc<str>>) -> Self {
                Self(name.into())
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self::new(name)
            }
        }
    };
}

name! {
    /// A worker instance with its generation: `w1.1`, after a restart `w1.2`.
    ///
    /// Each generation has its own addresses in the lab, so what arrives there is known to come from it.
    Instance
}

impl Instance {
    /// The given generation (from 1) of the worker `worker`.
    pub fn of(worker: &str, generation: u32) -> Self {
        Self::new(format!("{worker}.{generation}"))
    }

    /// The worker without its generation: `w1` of `w1.2`.
    pub fn worker(&self) -> &str {
        self.0.rsplit_once('.').map_or(&self.0, |(worker, _)| worker)
    }
}

name! {
    /// A token or secret as it is shown: `T1` (access), `R1` (refresh), `S1` (client secret), in order of issue.
    TokenName
}

name! {
    /// A Temporal workflow id.
    WorkflowId
}

name! {
    /// A secret that is not the lab's own, shown by a digest only.
    Fingerprint
}
