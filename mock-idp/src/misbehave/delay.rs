//! How long a reply waits.

use std::time::Duration;

use rand::RngExt as _;
use rand_chacha::ChaCha12Rng;
use rand_distr::{Distribution as _, LogNormal, Normal};
use serde::{Deserialize, Serialize};

/// The 99th percentile of the standard normal distribution.
const Z99: f64 = 2.326_347_874_040_841;

/// What a delay is drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delay {
    /// Always so long.
    Fixed(#[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")] Duration),
    /// Anything between two bounds, all equally likely.
    Uniform(Spread),
    /// Symmetric around the median; what would be negative is no delay.
    Normal(Tail),
    /// As latencies of services mostly are: many near the median, few very long, at most ten times the 99th percentile.
    LogNormal(Tail),
}

/// The bounds of a uniform distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// The shortest.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub from: Duration,
    /// The longest. Below the shortest it counts as that.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub to: Duration,
}

/// A distribution by what is read off a latency chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tail {
    /// Half of the delays are shorter.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub median: Duration,
    /// One in a hundred is longer. Below the median it counts as that: all delays are the same.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub p99: Duration,
}

impl From<Duration> for Delay {
    fn from(fixed: Duration) -> Self {
        Self::Fixed(fixed)
    }
}

impl Delay {
    pub(super) fn is_random(self) -> bool {
        !matches!(self, Self::Fixed(_))
    }

    pub(super) fn draw(self, random: &mut ChaCha12Rng) -> Duration {
        let drawn = match self {
            Self::Fixed(fixed) => return fixed,
            Self::Uniform(Spread { from, to }) => {
                return from.saturating_add(to.saturating_sub(from).mul_f64(random.random()));
            }
            Self::Normal(Tail { median, p99 }) => {
                let deviation = p99.saturating_sub(median).as_secs_f64() / Z99;
                Normal::new(median.as_secs_f64(), deviation).map(|normal| normal.sample(random))
            }
            Self::LogNormal(Tail { median, .. }) if median.is_zero() => return Duration::ZERO,
            Self::LogNormal(Tail { median, p99 }) => {
                let (median, p99) = (median.as_secs_f64(), p99.max(median).as_secs_f64());
                let normal = LogNormal::new(median.ln(), (p99 / median).ln() / Z99);
                normal.map(|normal| normal.sample(random).min(p99 * 10.0))
            }
        };
        // Negative, or longer than a duration can be: no delay.
        drawn.ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn sorted(delay: Delay) -> Vec<Duration> {
        let mut random = ChaCha12Rng::seed_from_u64(7);
        let mut drawn: Vec<Duration> = (0..10_000).map(|_| delay.draw(&mut random)).collect();
        drawn.sort();
        drawn
    }

    fn near(found: Duration, wanted: Duration) -> bool {
        found > wanted.mul_f64(0.95) && found < wanted.mul_f64(1.05)
    }

    #[test]
    fn half_are_below_the_median_and_one_in_a_hundred_above_the_99th_percentile() {
        let tail = Tail { median: 100 * MS, p99: 180 * MS };
        for drawn in [sorted(Delay::Normal(tail)), sorted(Delay::LogNormal(tail))] {
            assert!(near(drawn[5_000], 100 * MS) && near(drawn[9_900], 180 * MS), "{:?}", (drawn[5_000], drawn[9_900]));
        }
        let symmetric = sorted(Delay::Normal(tail))[100];
        assert!(symmetric > 16 * MS && symmetric < 24 * MS, "{symmetric:?}");
        // ln is symmetric: 100²/180.
        assert!(near(sorted(Delay::LogNormal(tail))[100], 100 * MS * 100 / 180));
    }

    #[test]
    fn a_uniform_delay_fills_its_bounds() {
        let drawn = sorted(Delay::Uniform(Spread { from: 10 * MS, to: 20 * MS }));
        assert!(drawn[0] >= 10 * MS && drawn[0] < 10 * MS + MS / 10);
        assert!(drawn[9_999] <= 20 * MS && drawn[9_999] > 20 * MS - MS / 10);
        assert!(near(drawn[5_000], 15 * MS));
    }

    #[test]
    fn nonsense_is_no_panic() {
        let backwards = Tail { median: Duration::MAX, p99: MS };
        let huge = Tail { median: MS, p99: Duration::MAX };
        for delay in
            [Delay::Normal(backwards), Delay::LogNormal(backwards), Delay::Normal(huge), Delay::LogNormal(huge)]
        {
            sorted(delay);
        }
        let still = Delay::Uniform(Spread { from: 5 * MS, to: MS });
        assert_eq!(sorted(still)[9_999], 5 * MS);
        sorted(Delay::Uniform(Spread { from: MS, to: Duration::MAX }));
        assert_eq!(sorted(Delay::LogNormal(Tail { median: Duration::ZERO, p99: MS }))[9_999], Duration::ZERO);
    }
}
