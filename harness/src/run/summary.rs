//! What a run came to: the object that `--format json` prints.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use mock_idp::Dialect;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::verdict::{FaultReport, Judged, Verdict};
use crate::check::{self, Attribution, Judgement};
use crate::journal::Seq;

/// Version of the report's format.
pub const VERSION: u32 = 1;

/// A whole run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Summary {
    /// [`VERSION`].
    pub version: u32,
    /// Id of the run, which is its directory's name.
    pub run: String,
    /// Name of the target.
    pub target: String,
    /// The Temporal server, in words.
    pub temporal: String,
    /// Whose ways the identity provider had: `generic`, or a vendor.
    pub idp: String,
    /// Text, since JSON numbers lose digits.
    pub seed: String,
    /// The known mistake that the worker was told to make.
    pub defect: Option<String>,
    /// How many scenario runs got which verdict.
    pub totals: Totals,
    /// How long it took.
    pub figures: Figures,
    /// Every scenario run, controls included.
    pub scenarios: Vec<ScenarioReport>,
    /// Whether it was interrupted before all scenarios had run.
    pub interrupted: bool,
    /// Why no scenario has a verdict: the command was used in a wrong way, or nothing could run.
    pub error: Option<String>,
}

impl Summary {
    /// Of a run in which nothing has run yet.
    pub(crate) fn blank(
        run: &str,
        target: &str,
        temporal: &str,
        idp: Dialect,
        seed: u64,
        defect: Option<&str>,
    ) -> Self {
        Self {
            version: VERSION,
            run: run.to_owned(),
            target: target.to_owned(),
            temporal: temporal.to_owned(),
            idp: idp.name().to_owned(),
            seed: seed.to_string(),
            defect: defect.map(str::to_owned),
            totals: Totals::default(),
            figures: Figures::default(),
            scenarios: Vec::new(),
            interrupted: false,
            error: None,
        }
    }
}

/// How many scenario runs got which verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "each is the verdict of that name")]
pub struct Totals {
    pub pass: u32,
    pub fail: u32,
    pub vacuous: u32,
    pub invalid: u32,
    pub not_applicable: u32,
    pub skipped: u32,
    pub known: u32,
}

impl Totals {
    /// Counts verdicts.
    pub fn of(verdicts: impl IntoIterator<Item = Verdict>) -> Self {
        let mut totals = Self::default();
        for verdict in verdicts {
            *totals.of_mut(verdict) += 1;
        }
        totals
    }

    fn of_mut(&mut self, verdict: Verdict) -> &mut u32 {
        match verdict {
            Verdict::Pass => &mut self.pass,
            Verdict::Fail => &mut self.fail,
            Verdict::Vacuous => &mut self.vacuous,
            Verdict::Invalid => &mut self.invalid,
            Verdict::NotApplicable => &mut self.not_applicable,
            Verdict::Skipped => &mut self.skipped,
            Verdict::Known => &mut self.known,
        }
    }

    /// How many have this verdict.
    pub fn count(mut self, verdict: Verdict) -> u32 {
        *self.of_mut(verdict)
    }
}

/// How long a run took.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Figures {
    /// From the first scenario's start to the last one's end.
    pub wall_ms: u64,
    /// Scenario runs per second of that time, controls included.
    pub scenarios_per_s: f64,
    /// How long Temporal took to be ready.
    pub temporal_ready_ms: u64,
    /// Median and maximum per scenario.
    pub scenarios: BTreeMap<String, Spread>,
}

/// Median and maximum of a scenario's durations, start and stop of its workers included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Spread {
    /// How many runs.
    pub runs: u32,
    /// The lower median.
    pub median_ms: u64,
    /// The longest.
    pub max_ms: u64,
}

/// A scenario run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ScenarioReport {
    /// Id of the scenario.
    pub id: String,
    /// Its family.
    pub family: String,
    /// Its title.
    pub title: String,
    /// Which repetition, from 1.
    pub repeat: u32,
    /// The verdict.
    pub verdict: Verdict,
    /// Why; empty for a pass.
    pub reason: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// What each check says; empty where nothing ran.
    pub checks: Vec<CheckReport>,
    /// How far each fault came.
    pub faults: Vec<FaultReport>,
    /// The journal, relative to the run's directory; `None` where nothing ran.
    pub journal: Option<PathBuf>,
}

/// What a check says of a scenario run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CheckReport {
    /// Id of the check.
    pub id: String,
    /// `pass`, `fail`, `not_applicable` or `inconclusive`.
    #[schemars(extend("enum" = ["pass", "fail", "not_applicable", "inconclusive"]))]
    pub verdict: &'static str,
    /// What was found, or why there is nothing to be found.
    pub detail: String,
    /// How requests were attributed to attempts.
    #[serde(serialize_with = "by_name")]
    #[schemars(with = "String", extend("enum" = ["instance", "attempt", "correlate", "set"]))]
    pub attribution: Attribution,
    /// Numbers of the events that prove it.
    #[schemars(with = "Vec<u64>")]
    pub events: Vec<Seq>,
}

fn by_name<S: Serializer>(attribution: &Attribution, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(attribution.name())
}

impl ScenarioReport {
    /// A report of a scenario run that has not been.
    pub(crate) fn blank(id: &str, family: &str, title: &str, repeat: u32) -> Self {
        Self {
            id: id.to_owned(),
            family: family.to_owned(),
            title: title.to_owned(),
            repeat,
            verdict: Verdict::Invalid,
            reason: String::new(),
            duration_ms: 0,
            checks: Vec::new(),
            faults: Vec::new(),
            journal: None,
        }
    }

    /// What its journal says.
    pub(crate) fn judged(mut self, judged: Judged, duration: Duration, journal: PathBuf) -> Self {
        self.verdict = judged.verdict;
        self.reason = judged.reason;
        self.duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.checks = judged.checks.iter().map(CheckReport::of).collect();
        self.faults = judged.faults;
        self.journal = Some(journal);
        self
    }
}

impl CheckReport {
    fn of(verdict: &check::Verdict) -> Self {
        let detail = match &verdict.judgement {
            Judgement::Fail(findings) => {
                let told = findings.iter().map(|finding| format!("{}; expected {}", finding.what, finding.expected));
                told.collect::<Vec<_>>().join("\n")
            }
            _ => verdict.detail.clone(),
        };
        Self {
            id: verdict.check.to_owned(),
            verdict: verdict.judgement.name(),
            detail,
            attribution: verdict.attribution,
            events: verdict.events.clone(),
        }
    }
}

impl Figures {
    pub(super) fn of(scenarios: &[ScenarioReport], wall: Duration, temporal_ready: Duration) -> Self {
        let ran: Vec<_> = scenarios.iter().filter(|scenario| scenario.journal.is_some()).collect();
        let mut durations: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for scenario in &ran {
            durations.entry(scenario.id.clone()).or_default().push(scenario.duration_ms);
        }
        let spread = |mut durations: Vec<u64>| {
            durations.sort_unstable();
            Spread {
                runs: u32::try_from(durations.len()).unwrap_or(u32::MAX),
                median_ms: durations[(durations.len() - 1) / 2],
                max_ms: durations.last().copied().unwrap_or_default(),
            }
        };
        let rate = ran.len() as f64 / wall.as_secs_f64().max(f64::EPSILON);
        Self {
            wall_ms: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX),
            scenarios_per_s: (rate * 10.0).round() / 10.0,
            temporal_ready_ms: u64::try_from(temporal_ready.as_millis()).unwrap_or(u64::MAX),
            scenarios: durations.into_iter().map(|(id, durations)| (id, spread(durations))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_count_each_verdict() {
        let totals = Totals::of(Verdict::ALL.into_iter().chain([Verdict::Fail]));
        for verdict in Verdict::ALL {
            assert_eq!(totals.count(verdict), if verdict == Verdict::Fail { 2 } else { 1 }, "{}", verdict.name());
        }
    }

    fn took(id: &str, duration_ms: u64, ran: bool) -> ScenarioReport {
        ScenarioReport { duration_ms, journal: ran.then(PathBuf::new), ..ScenarioReport::blank(id, "", "", 1) }
    }

    #[test]
    fn figures_are_of_what_ran() {
        let all = [took("a", 30, true), took("a", 10, true), took("a", 20, true), took("b", 5, false)];
        let figures = Figures::of(&all, Duration::from_secs(2), Duration::from_millis(300));
        assert_eq!(figures.scenarios.len(), 1);
        assert_eq!(figures.scenarios["a"], Spread { runs: 3, median_ms: 20, max_ms: 30 });
        assert!((figures.scenarios_per_s - 1.5).abs() < 1e-9);
    }
}
