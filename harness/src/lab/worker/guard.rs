//! The guard: the kernel lets a worker connect by TCP to the lab's ports only.
//!
//! Landlock (Linux 6.7 or later, no privilege needed) holds for the process that asks and for all that descends from
//! it. It knows ports, not addresses, and TCP only; what it lets through, the [trap](crate::lab::egress) may see.
//!
//! What it refuses is in no journal: the kernel tells nobody but the caller, who gets `EACCES`. (Its audit log of denials
//! needs Linux 6.15 and privileges.) So a scenario run in which a worker bypasses the proxy is not `invalid` by itself;
//! it fails by what the worker could not do, and [`unready`](crate::lab::unready) helps a worker whose lines speak of it.

/// Holds this thread, and whatever it starts from now on, to connections to `ports`. Returns whether the kernel does:
/// where it cannot, nothing changes.
#[cfg(target_os = "linux")]
pub(super) fn hold_to(ports: &[u16]) -> bool {
    use landlock::{AccessNet, NetPort, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus};

    let held = || -> Result<_, RulesetError> {
        Ruleset::default()
            .handle_access(AccessNet::ConnectTcp)?
            .create()?
            .add_rules(ports.iter().map(|&port| Ok::<_, RulesetError>(NetPort::new(port, AccessNet::ConnectTcp))))?
            .restrict_self()
    };
    held().is_ok_and(|status| status.ruleset == RulesetStatus::FullyEnforced)
}

/// Nothing but Linux has it.
#[cfg(not(target_os = "linux"))]
pub(super) fn hold_to(_ports: &[u16]) -> bool {
    false
}

/// Whether this machine has the guard.
#[cfg(target_os = "linux")]
pub fn available() -> bool {
    use landlock::{AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr};

    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessNet::ConnectTcp)
        .and_then(Ruleset::create)
        .is_ok()
}

/// Whether this machine has the guard.
#[cfg(not(target_os = "linux"))]
pub fn available() -> bool {
    false
}
