//! States of the provider that refuse what was fine before.

use std::time::Duration;

use super::{CLIENT, Misbehaviour, SUBJECT, control};
use crate::config::Client;
use crate::idp::Idp;
use crate::secret::Secret;
use crate::store::{Propagation, Which};

/// How long changes take that are late.
const LATE: Duration = Duration::from_secs(10);
/// A day, in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// Somebody consents, and the client has a new refresh token.
fn consents(idp: &Idp) {
    idp.consent(CLIENT);
}

pub(super) const ALL: &[Misbehaviour] = &[
    control(
        "client-disabled",
        "The client is turned away, and what it holds is dead.",
        "FM-41",
        |idp| {
            idp.disable_client(CLIENT);
        },
        consents,
    ),
    control(
        "subject-disabled",
        "The user is disabled: grants for it are refused, and its tokens are dead.",
        "FM-13, Keycloak's `User disabled`",
        |idp| idp.disable_subject(SUBJECT),
        |idp| {
            idp.enable_subject(SUBJECT);
            consents(idp);
        },
    ),
    control(
        "tenant-disabled",
        "No client of the tenant gets tokens. What was issued lives on.",
        "FM-29",
        |idp| {
            idp.disable_tenant();
        },
        |idp| idp.enable_tenant(),
    ),
    control(
        "consent-withdrawn",
        "The user withdraws the consent for a client: what it holds for that user is dead.",
        "FM-13, FM-24",
        |idp| idp.withdraw_consent(CLIENT, SUBJECT),
        consents,
    ),
    control(
        "clock-jump",
        "The provider's clock jumps forward: what it issued before is dead for it.",
        "FM-15, googleapis/google-auth-library-nodejs#129",
        |idp| idp.move_clock(40 * DAY_MS),
        |idp| idp.move_clock(-40 * DAY_MS),
    ),
    control(
        "late-secret",
        "A new secret is right after ten seconds only; until then the old one is.",
        "FM-41, microsoftgraph/microsoft-graph-docs#17966",
        |idp| {
            idp.set_propagation(Propagation { secret: LATE, ..Propagation::default() });
            idp.rotate_secret(CLIENT, Secret::new("new-secret"));
        },
        |idp| {
            idp.set_propagation(Propagation::default());
            idp.rotate_secret(CLIENT, Secret::new("secret"));
        },
    ),
    control(
        "jwks-late-key",
        "A new key signs at once, and the JWKS has it after ten seconds.",
        "FM-16, openfga/openfga#3099",
        |idp| {
            idp.set_propagation(Propagation { key: LATE, ..Propagation::default() });
            idp.rotate_keys(true);
        },
        |idp| idp.set_propagation(Propagation::default()),
    ),
    control(
        "late-revocation",
        "What is revoked lives for ten seconds more.",
        "FM-13, Auth0's asynchronous deletion of grants",
        |idp| {
            idp.set_propagation(Propagation { revocation: LATE, ..Propagation::default() });
            idp.revoke(&Which::Subject(SUBJECT.to_owned()), "an administrator revoked it");
        },
        |idp| {
            idp.set_propagation(Propagation::default());
            consents(idp);
        },
    ),
    control(
        "late-client",
        "A new client is known after ten seconds.",
        "FM-41, SharePoint/sp-dev-docs#2346",
        |idp| {
            idp.set_propagation(Propagation { client: LATE, ..Propagation::default() });
            idp.add_client(Client::new("newcomer", "secret"));
        },
        |idp| idp.set_propagation(Propagation::default()),
    ),
    control(
        "late-consent",
        "After a new consent its refresh token is refused for ten seconds.",
        "FM-24, AzureAD/microsoft-authentication-library-for-dotnet#2612",
        |idp| {
            idp.set_propagation(Propagation { consent: LATE, ..Propagation::default() });
            consents(idp);
        },
        |idp| idp.set_propagation(Propagation::default()),
    ),
];
