//! Text for people: a line per scenario, more only where something is wrong.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use anstyle::{AnsiColor, Style};

use super::Report;
use crate::check::Attribution;
use crate::run::{CheckReport, FaultReport, ScenarioReport, Summary, Verdict};

/// Text with colours, which whoever prints it takes out where they are not wanted.
#[derive(Default)]
pub struct Text {
    /// The directory of the run's journals, as the user would write it.
    pub directory: PathBuf,
    /// What repeats a scenario, if its id is put between the two: `tokenlapse run`, ` --seed 7`.
    pub replay: Option<(String, String)>,
}

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Pass => AnsiColor::Green.on_default(),
        Verdict::Fail | Verdict::Invalid => AnsiColor::Red.on_default().bold(),
        Verdict::Vacuous | Verdict::Known => AnsiColor::Yellow.on_default(),
        Verdict::NotApplicable | Verdict::Skipped => AnsiColor::Cyan.on_default(),
    }
}

impl Report for Text {
    fn write(&self, summary: &Summary, to: &mut dyn Write) -> io::Result<()> {
        self.scenarios(&summary.scenarios, to)?;
        writeln!(to)?;
        self.totals(summary, to)
    }
}

/// Repetitions with the same verdict stand in one line.
fn groups(scenarios: &[ScenarioReport]) -> Vec<Vec<&ScenarioReport>> {
    let mut groups: Vec<Vec<&ScenarioReport>> = Vec::new();
    let mut known: BTreeMap<(&str, Verdict, &str), usize> = BTreeMap::new();
    for scenario in scenarios {
        match known.get(&(scenario.id.as_str(), scenario.verdict, scenario.reason.as_str())) {
            Some(&index) => groups[index].push(scenario),
            None => {
                known.insert((&scenario.id, scenario.verdict, &scenario.reason), groups.len());
                groups.push(vec![scenario]);
            }
        }
    }
    groups
}

fn line(same: &[&ScenarioReport], width: usize, to: &mut dyn Write) -> io::Result<()> {
    let first = same[0];
    let style = style(first.verdict);
    write!(to, "  {style}{:<14}{style:#} {:<width$}", first.verdict.name(), first.id)?;
    if first.journal.is_some() {
        let mut durations: Vec<_> = same.iter().map(|scenario| scenario.duration_ms).collect();
        durations.sort_unstable();
        let median = durations[(durations.len() - 1) / 2];
        write!(to, "  {DIM}{:>6.2} s{DIM:#}", median as f64 / 1000.0)?;
        if same.len() > 1 {
            let longest = durations.last().copied().unwrap_or_default();
            write!(to, "  {DIM}median of {}, longest {:.2} s{DIM:#}", same.len(), longest as f64 / 1000.0)?;
        }
    }
    if !first.faults.is_empty() && same.len() == 1 {
        let faults = first.faults.iter().map(fault).collect::<Vec<_>>().join(", ");
        write!(to, "  {DIM}{faults}{DIM:#}")?;
    }
    writeln!(to)
}

fn fault(fault: &FaultReport) -> String {
    let FaultReport { action, fired, bit, .. } = fault;
    match (fired, bit) {
        (0, _) => format!("{action} never fired"),
        (1, 1) => format!("{action} bit"),
        (fired, bit) => format!("{action} fired {fired}, bit {bit}"),
    }
}

impl Text {
    /// Writes scenario runs that stand in the order of their families.
    ///
    /// # Errors
    ///
    /// If nobody takes what is written.
    pub fn scenarios(&self, scenarios: &[ScenarioReport], to: &mut dyn Write) -> io::Result<()> {
        let width = scenarios.iter().map(|scenario| scenario.id.len()).max().unwrap_or_default();
        let mut family = "";
        for same in groups(scenarios) {
            let first = same[0];
            if first.family != family {
                family = &first.family;
                writeln!(to, "\n{BOLD}{family}{BOLD:#}")?;
            }
            line(&same, width, to)?;
            if first.verdict != Verdict::Pass {
                self.trouble(first, to)?;
            }
        }
        Ok(())
    }

    /// Writes why a scenario run did not pass, its journal and what repeats it.
    ///
    /// # Errors
    ///
    /// If nobody takes what is written.
    pub fn trouble(&self, scenario: &ScenarioReport, to: &mut dyn Write) -> io::Result<()> {
        for line in scenario.reason.lines() {
            writeln!(to, "      {line}")?;
        }
        // Where the lab failed nothing can be decided, and that was said.
        let told = scenario.checks.iter().filter(|check| match check.verdict {
            "fail" => true,
            "inconclusive" => scenario.verdict != Verdict::Invalid,
            _ => false,
        });
        for check in told {
            self.finding(check, to)?;
        }
        if let (Some(journal), true) = (&scenario.journal, scenario.verdict.is_bad()) {
            writeln!(to, "      {DIM}journal  {}{DIM:#}", self.directory.join(journal).display())?;
            if let Some((before, after)) = &self.replay
                && scenario.id != crate::run::CONTROL
            {
                writeln!(to, "      {DIM}replay   {before} {}{after}{DIM:#}", scenario.id)?;
            }
        }
        Ok(())
    }

    fn finding(&self, check: &CheckReport, to: &mut dyn Write) -> io::Result<()> {
        let style = style(if check.verdict == "fail" { Verdict::Fail } else { Verdict::Vacuous });
        writeln!(to, "      {style}{}{style:#} {}", check.verdict, check.id)?;
        for line in check.detail.lines() {
            writeln!(to, "        {line}")?;
        }
        if !check.events.is_empty() {
            let events: Vec<_> = check.events.iter().take(12).map(ToString::to_string).collect();
            let more = check.events.len().saturating_sub(events.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let attribution = match check.attribution {
                Attribution::Instance => "",
                Attribution::Attempt => "; requests told apart by the only attempt under way",
                Attribution::Correlate => "; requests told apart by the workflow that they name",
                Attribution::Set => "; requests could be any of several attempts'",
            };
            writeln!(to, "        {DIM}events {}{more}{attribution}{DIM:#}", events.join(" "))?;
        }
        Ok(())
    }

    fn totals(&self, summary: &Summary, to: &mut dyn Write) -> io::Result<()> {
        let counts = Verdict::ALL.into_iter().filter_map(|verdict| {
            let count = summary.totals.count(verdict);
            let style = style(verdict);
            (count > 0).then(|| format!("{style}{count} {}{style:#}", verdict.name()))
        });
        let counts: Vec<_> = counts.collect();
        if summary.interrupted {
            writeln!(to, "{BOLD}interrupted{BOLD:#}: what had ended before")?;
        }
        writeln!(
            to,
            "{}  {DIM}in {:.1} s, {} scenario runs/s{DIM:#}",
            if counts.is_empty() { "nothing ran".to_owned() } else { counts.join(", ") },
            summary.figures.wall_ms as f64 / 1000.0,
            summary.figures.scenarios_per_s,
        )?;
        writeln!(
            to,
            "{DIM}target {}, Temporal {} (ready in {:.2} s), seed {}, journals in {}{DIM:#}",
            summary.target,
            summary.temporal,
            summary.figures.temporal_ready_ms as f64 / 1000.0,
            summary.seed,
            self.directory.display(),
        )
    }
}
