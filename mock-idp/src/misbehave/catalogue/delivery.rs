//! Replies that are late, slow, cut off or lost, and clocks that are wrong.

use std::time::Duration;

use super::{Misbehaviour, rule};
use crate::endpoint::Endpoint;
use crate::fault::Drip;
use crate::misbehave::{Delay, Deliver, Instead, Processing, Rule, Spread, Tail};

const MS: Duration = Duration::from_millis(1);

fn token() -> Rule {
    Rule::on(Endpoint::Token)
}

fn tail() -> Tail {
    Tail { median: Duration::from_millis(20), p99: Duration::from_millis(22) }
}

fn by_clock(clock_ms: i64) -> Rule {
    token().processing(Processing { clock_ms, ..Processing::default() })
}

pub(super) const ALL: &[Misbehaviour] = &[
    rule("delay", "Each reply is late by the same time.", "FM-43, FM-74", || token().delay(20 * MS)),
    rule("delay-uniform", "Replies are late by anything between two bounds.", "FM-43", || {
        token().delay(Delay::Uniform(Spread { from: 15 * MS, to: 30 * MS }))
    }),
    rule("delay-normal", "Replies are late around a median.", "FM-43", || token().delay(Delay::Normal(tail()))),
    rule("delay-log-normal", "Most replies are a bit late, a few very much.", "FM-43, FM-71", || {
        token().delay(Delay::LogNormal(tail()))
    }),
    rule("drip", "The body comes in small pieces.", "FM-43", || {
        token().deliver(Deliver::Drip(Drip { bytes: 40, every: 5 * MS }))
    }),
    rule("truncated", "The body ends in the middle of a word.", "FM-07", || token().truncate(17)),
    rule("drop-request", "The connection closes; nothing was done.", "FM-06", || token().instead(Instead::Drop)),
    rule(
        "drop-reply",
        "The grant is done, and its reply is lost: a retry is reuse.",
        "FM-07, auth0/react-native-auth0#1374",
        || token().drop_reply(),
    ),
    rule("reset-before", "The connection is reset; nothing was done.", "FM-06", || token().instead(Instead::Reset)),
    rule("reset-within", "The connection is reset in the middle of the reply.", "FM-07", || token().reset()),
    rule(
        "reset-after",
        "The connection is reset behind a whole reply, as a balancer with a short patience does.",
        "FM-06",
        || token().deliver(Deliver::ResetAfter),
    ),
    rule("hang", "The request is taken and nothing happens.", "FM-43, FM-54", || token().instead(Instead::Hang)),
    rule("hang-processed", "The grant is done, and its reply does not come.", "FM-07, FM-43", || {
        token().deliver(Deliver::Hang)
    }),
    rule(
        "clock-ahead",
        "One node's clock is fast: `iat` and `nbf` are in the future.",
        "FM-15, keycloak/keycloak#8966",
        || by_clock(90_000),
    ),
    rule("clock-behind", "One node's clock is slow: tokens are dead earlier than they say.", "FM-15", || {
        by_clock(-90_000)
    }),
];
