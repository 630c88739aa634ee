//! States of the provider that refuse what was fine before.

use super::{CLIENT, Misbehaviour, SUBJECT, control};
use crate::idp::Idp;

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
];
