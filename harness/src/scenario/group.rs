//! How long a scenario makes everybody wait: what runs by default and what only on request.

use std::num::NonZeroU32;

use mock_idp::file::Duration;

use super::action::{Action, TimePass};
use super::idp_action::RetryAfter;
use super::model::{Fault, Scenario, TimeMode};
use super::resolve::REAL_LIFETIME;

/// Whether a scenario runs unless somebody asks for less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// It waits at most [`Group::PATIENCE`] in real time.
    Quick,
    /// It waits longer, and runs only if it is named or `--slow` is given.
    Slow,
}

impl Group {
    /// The longest wait of a quick scenario.
    pub const PATIENCE: Duration = Duration::from_secs(5);

    /// Both names, as the command line knows them.
    pub const NAMES: [&'static str; 2] = ["quick", "slow"];

    /// The group that a scenario belongs to.
    pub fn of(scenario: &Scenario) -> Self {
        if prescribed_wait(scenario) <= Self::PATIENCE { Self::Quick } else { Self::Slow }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// The real time that a scenario prescribes, whatever the machine's speed: how long its faults wait and last, what
/// `Retry-After` says, and tokens that expire in reality. Time on clocks that are moved costs nothing.
pub fn prescribed_wait(scenario: &Scenario) -> Duration {
    let real = scenario.clocks.time == TimeMode::Real;
    let faults = scenario.faults.iter().map(|fault| wait_of(fault, real));
    let heal =
        scenario.heal.as_ref().and_then(|heal| heal.delay.as_ref()).map_or(0, |delay| delay.longest().as_millis());
    Duration::from_millis(faults.fold(heal, u64::saturating_add))
}

fn wait_of(fault: &Fault, real: bool) -> u64 {
    let delay = fault.delay.as_ref().map_or(0, |delay| delay.longest().as_millis());
    let lasts = match &fault.action.value {
        // A barrier opens when all have come: `for` is only how long it waits for somebody who does not.
        Action::ApiHold(_) => 0,
        _ => fault.lasts.as_ref().map_or(0, |lasts| lasts.longest().as_millis()),
    };
    let once = match &fault.action.value {
        Action::IdpDelay(late) => late.by.longest().as_millis().saturating_mul(late.times.get().into()),
        Action::ApiDelay(late) => late.by.longest().as_millis().saturating_mul(late.times.get().into()),
        Action::GateDelay(late) => {
            late.by.longest().as_millis().saturating_mul(late.times.map_or(1, NonZeroU32::get).into())
        }
        Action::IdpRateLimit(limit) => come_back(limit.retry_after.as_ref(), limit.times.get()),
        Action::IdpRespond(reply) => come_back(reply.retry_after.as_ref(), reply.times.get()),
        Action::ApiRespond(reply) => come_back(reply.retry_after.as_ref(), reply.times.get()),
        Action::TemporalRestart(end) | Action::TemporalKill(end) => end.down().as_millis(),
        Action::TimePass(TimePass::Until(_)) if real => REAL_LIFETIME.as_millis(),
        _ => 0,
    };
    let firing = [delay, lasts, once].into_iter().fold(0, u64::saturating_add);
    firing.saturating_mul(fault.count.map_or(1, |count| count.get().into()))
}

fn come_back(after: Option<&RetryAfter>, times: u32) -> u64 {
    let once = match after {
        Some(RetryAfter::Seconds(seconds)) => u64::from(*seconds) * 1000,
        Some(RetryAfter::Date(after)) => after.as_millis(),
        Some(RetryAfter::Raw(_)) | None => 0,
    };
    once.saturating_mul(times.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(rest: &str) -> (u64, Group) {
        let text = format!("scenario: s\nfamily: f\ntitle: t\n{rest}");
        let scenario = Scenario::parse(&text, "s.yaml").unwrap_or_else(|problems| panic!("{problems:?}"));
        (prescribed_wait(&scenario).as_millis(), Group::of(&scenario))
    }

    #[test]
    fn what_is_prescribed_is_added_up() {
        for (faults, expected) in [
            ("[{ do: { api.respond: { status: 503 } } }]", 0),
            ("[{ do: { time.pass: { until: token-expiry } } }, { do: { time.pass: { by: 1h } } }]", 0),
            ("[{ do: { link.refuse: { on: idp } }, for: 2s, delay: 500ms }]", 2_500),
            ("[{ do: { idp.delay: { by: 1s, times: 3 } }, count: 2 }]", 6_000),
            ("[{ do: { gate.delay: { by: 1s, times: 2 } } }, { do: { gate.delay: { by: 1s } } }]", 3_000),
            ("[{ do: { api.hold: { until: 8 } }, for: 1h }]", 0),
            ("[{ do: { api.delay: { by: { between: [1s, 3s] } } }, delay: { between: [0s, 1s] } }]", 4_000),
            ("[{ do: { idp.rate_limit: { retry_after: { seconds: 4 }, times: 2 } } }]", 8_000),
            ("[{ do: { api.respond: { status: 429, retry_after: { date: 2s } } } }]", 2_000),
            ("[{ do: { api.respond: { status: 429, retry_after: { raw: soon } } } }]", 0),
        ] {
            assert_eq!(wait(&format!("faults: {faults}")).0, expected, "{faults}");
        }
        let real = "clocks: { time: real }\nfaults: [{ do: { time.pass: { until: token-expiry } } }]";
        assert_eq!(wait(real), (2_000, Group::Quick));
    }

    #[test]
    fn a_scenario_is_slow_beyond_the_limit_only() {
        let lasting =
            |time: &str| wait(&format!("faults: [{{ do: {{ link.refuse: {{ on: api }} }}, for: {time} }}]")).1;
        assert_eq!([lasting("5s"), lasting("5001ms")], [Group::Quick, Group::Slow]);
    }
}
