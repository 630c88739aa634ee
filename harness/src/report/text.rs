//! Text for people: a line per scenario, more only where something is wrong.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use anstyle::{AnsiColor, Style};

use super::Report;
use crate::check::Attribution;
use crate::run::{CONTROL, CheckReport, FaultReport, ScenarioReport, Summary, Totals, Verdict};

/// Text with colours, which whoever prints it takes out where they are not wanted.
#[derive(Default)]
pub struct Text {
    /// The directory of the run's journals, as the user would write it.
    pub directory: PathBuf,
    /// What repeats a scenario; `None` where nothing was run.
    pub replay: Option<Replay>,
}

/// The command lines that a reader goes on with.
pub struct Replay {
    /// What stands before the scenario's id: `tokenlapse run`.
    pub before: String,
    /// What follows the scenario's id in `tokenlapse run ID`: ` --seed 7 --target FILE`.
    pub after: String,
    /// The target's file; `None` for the built-in target.
    pub target: Option<PathBuf>,
    /// The files of scenarios that are not in the catalogue, by id.
    pub files: BTreeMap<String, String>,
}

/// How wide explanations get.
const WIDTH: usize = 100;

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
        self.end(summary, to)
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

fn finding(check: &CheckReport, to: &mut dyn Write) -> io::Result<()> {
    let (what, style) = match check.verdict {
        "fail" => ("fails", style(Verdict::Fail)),
        _ => ("cannot decide", style(Verdict::Vacuous)),
    };
    writeln!(to, "      {style}{} {what}{style:#}", check.id)?;
    for line in check.detail.lines() {
        match line.rsplit_once("; expected ") {
            Some((found, expected)) => {
                paragraph(8, found, Style::new(), to)?;
                paragraph(8, &format!("expected: {expected}"), Style::new(), to)?;
            }
            None => paragraph(8, line, Style::new(), to)?,
        }
    }
    if check.events.is_empty() {
        return Ok(());
    }
    let events: Vec<_> = check.events.iter().take(12).map(ToString::to_string).collect();
    let more = check.events.len().saturating_sub(events.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let attribution = match check.attribution {
        Attribution::Instance => "",
        Attribution::Attempt => "; requests told apart by the only attempt under way",
        Attribution::Correlate => "; requests told apart by the workflow that they name",
        Attribution::Set => "; requests could be any of several attempts'",
    };
    paragraph(8, &format!("evidence: {} in the journal{more}{attribution}", events.join(" ")), DIM, to)
}

/// A paragraph behind `indent` blanks.
fn paragraph(indent: usize, text: &str, style: Style, to: &mut dyn Write) -> io::Result<()> {
    // What stands further in, such as a worker's lines, does so in all of its own.
    let own = text.len() - text.trim_start_matches(' ').len();
    let (blanks, text) = (" ".repeat(indent + own), &text[own..]);
    let options = textwrap::Options::new(WIDTH).initial_indent(&blanks).subsequent_indent(&blanks);
    // What cannot be broken, such as a path, is left whole, so that it can be copied.
    let options = options.break_words(false);
    writeln!(to, "{style}{}{style:#}", textwrap::fill(text, options))
}

/// What a verdict means, where it does not say so itself.
fn meaning(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Pass | Verdict::Fail | Verdict::Known => None,
        Verdict::Vacuous => Some("a fault had no effect, or a check could not decide: nothing is proved"),
        Verdict::Invalid => {
            Some("the workload fails without any fault, too, or the lab failed or was ended early: nothing can be said")
        }
        Verdict::NotApplicable => Some("the target does not have what the scenario is about"),
        Verdict::Skipped => Some("this machine lacks what the scenario needs"),
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
        if scenario.id != CONTROL {
            paragraph(6, &scenario.title, DIM, to)?;
        }
        // What fails says it itself, below.
        if scenario.verdict != Verdict::Fail {
            for line in scenario.reason.lines() {
                paragraph(6, line, Style::new(), to)?;
            }
        }
        // Where the lab failed nothing can be decided, and that was said.
        let told = scenario.checks.iter().filter(|check| match check.verdict {
            "fail" => true,
            "inconclusive" => scenario.verdict != Verdict::Invalid,
            _ => false,
        });
        for check in told {
            finding(check, to)?;
        }
        if !scenario.verdict.is_bad() {
            return Ok(());
        }
        if let Some(journal) = &scenario.journal {
            writeln!(to, "      {DIM}journal  {}{DIM:#}", self.directory.join(journal).display())?;
        }
        match &self.replay {
            // Step by step, which a control is judged too late for.
            Some(Replay { target: Some(file), .. }) if scenario.id == CONTROL => {
                writeln!(to, "      {DIM}look     tokenlapse doctor --target {}{DIM:#}", file.display())
            }
            Some(replay) if scenario.id != CONTROL && scenario.journal.is_some() => {
                let failed = scenario.checks.iter().filter(|check| check.verdict == "fail");
                let failed: String = failed.map(|check| format!(" {}", check.id)).collect();
                let file = replay.files.get(&scenario.id);
                // A scenario of one's own is explained by its file.
                let explained = format!("{}{failed}", if file.is_some() { "" } else { &scenario.id });
                if !explained.is_empty() {
                    writeln!(to, "      {DIM}explain  tokenlapse explain {}{DIM:#}", explained.trim_start())?;
                }
                let word = file.unwrap_or(&scenario.id);
                writeln!(to, "      {DIM}replay   {} {word}{}{DIM:#}", replay.before, replay.after)
            }
            _ => Ok(()),
        }
    }

    /// Writes how many scenario runs got which verdict, of what, and what the verdicts mean.
    ///
    /// # Errors
    ///
    /// If nobody takes what is written.
    pub fn totals(totals: Totals, of_what: &str, to: &mut dyn Write) -> io::Result<()> {
        let some = || Verdict::ALL.into_iter().filter(|verdict| totals.count(*verdict) > 0);
        let counts = some().map(|verdict| {
            let style = style(verdict);
            format!("{style}{} {}{style:#}", totals.count(verdict), verdict.name())
        });
        let counts = counts.collect::<Vec<_>>().join(", ");
        let counts = if counts.is_empty() { "nothing ran" } else { &counts };
        writeln!(to, "{counts}  {DIM}{of_what}{DIM:#}")?;
        for verdict in some() {
            if let Some(meaning) = meaning(verdict) {
                writeln!(to, "{DIM}{}: {meaning}{DIM:#}", verdict.name())?;
            }
        }
        Ok(())
    }

    /// Writes what it means for the result that the run was interrupted.
    ///
    /// # Errors
    ///
    /// If nobody takes what is written.
    pub fn interrupted(what: &str, to: &mut dyn Write) -> io::Result<()> {
        writeln!(to, "{BOLD}interrupted{BOLD:#}: {what}")
    }

    fn end(&self, summary: &Summary, to: &mut dyn Write) -> io::Result<()> {
        if summary.interrupted {
            Self::interrupted("this is what had ended before", to)?;
        }
        let seconds = summary.figures.wall_ms as f64 / 1000.0;
        let speed = format!("in {seconds:.1} s, {} scenario runs/s", summary.figures.scenarios_per_s);
        Self::totals(summary.totals, &speed, to)?;
        let idp = match summary.idp.as_str() {
            "generic" => String::new(),
            dialect => format!("identity provider in the dialect {dialect}, "),
        };
        writeln!(
            to,
            "{DIM}target {}, {}Temporal {} (ready in {:.2} s), seed {}, journals in {}{DIM:#}",
            summary.target,
            idp,
            summary.temporal,
            summary.figures.temporal_ready_ms as f64 / 1000.0,
            summary.seed,
            self.directory.display(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(scenario: ScenarioReport) -> String {
        let mut to = anstream::StripStream::new(Vec::new());
        let replay = Replay {
            before: "tokenlapse run".into(),
            after: " --seed 7".into(),
            target: Some("mine.yaml".into()),
            files: BTreeMap::new(),
        };
        let text = Text { directory: "out/run".into(), replay: Some(replay) };
        text.scenarios(&[scenario], &mut to).expect("memory takes all");
        String::from_utf8(to.into_inner()).expect("text")
    }

    fn bad(verdict: Verdict, reason: &str) -> ScenarioReport {
        let blank = ScenarioReport::blank("expiry-one", "expiry", "Time passes", 1);
        ScenarioReport { verdict, reason: reason.into(), journal: Some("expiry-one.jsonl".into()), ..blank }
    }

    #[test]
    fn a_failing_check_says_what_it_found_what_it_expected_and_how_to_go_on() {
        let check = CheckReport {
            id: "recovers".into(),
            verdict: "fail",
            detail: format!("workflow 1 {}ended as failed; expected completed", "and more ".repeat(12)),
            attribution: Attribution::Instance,
            events: vec![crate::journal::Seq(30)],
        };
        let report = ScenarioReport { checks: vec![check], ..bad(Verdict::Fail, "recovers: workflow 1 ended") };
        let text = written(report);
        for line in [
            "      Time passes",
            "      recovers fails",
            "        expected: completed",
            "        evidence: #30 in the journal",
            "      journal  out/run/expiry-one.jsonl",
            "      explain  tokenlapse explain expiry-one recovers",
            "      replay   tokenlapse run expiry-one --seed 7",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} is missing in\n{text}");
        }
        assert!(!text.contains("recovers: workflow 1 ended"), "it is said once:\n{text}");
        assert!(text.lines().all(|line| line.len() <= WIDTH), "long lines are broken:\n{text}");
    }

    #[test]
    fn what_stands_further_in_stays_there() {
        let list = crate::lab::unready::NeverReady {
            instance: crate::journal::Instance::of("w", 1),
            what: "ended".into(),
            last_lines: Some(vec!["word ".repeat(30)]),
            egress: Vec::new(),
            guarded: false,
            withheld: (0..40).map(|n| format!("VARIABLE_{n}")).collect(),
        };
        let text = written(bad(Verdict::Invalid, &list.to_string()));
        let names: Vec<_> = text.lines().filter(|line| line.contains("VARIABLE_")).collect();
        let (last, full) = names.split_last().expect("there are names");
        assert!(full.iter().all(|line| line.len() > 80), "no line is broken twice:\n{text}");
        assert!(full.iter().chain([last]).all(|line| line.starts_with("        VARIABLE_")), "{text}");
        assert!(text.contains("\n        word word") && text.lines().all(|line| line.len() <= WIDTH), "{text}");
        let further_in = text.lines().filter(|line| line.starts_with("        word")).count();
        assert_eq!(further_in, 2, "a long line goes on where it began:\n{text}");
    }

    #[test]
    fn a_vacuous_one_says_why_and_a_control_leads_to_the_doctor() {
        let text = written(bad(Verdict::Vacuous, "fault x (api.respond) never fired"));
        assert!(text.contains("\n      fault x (api.respond) never fired\n"), "{text}");
        let control = ScenarioReport { id: CONTROL.into(), ..bad(Verdict::Invalid, "it does not complete") };
        let text = written(control);
        assert!(text.contains("look     tokenlapse doctor --target mine.yaml") && !text.contains("replay"), "{text}");
    }
}
