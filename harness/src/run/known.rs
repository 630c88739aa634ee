//! Failures that the target file accepts for now (`known:`): with a reason, by somebody, until a day.
//!
//! The day that counts is the one on which the run was made, as its id says it: `check` gives an old journal its old
//! verdict again, whatever has expired since. A run whose id says no day is judged by today.

use jiff::civil::Date;

use super::day_of;
use super::verdict::Verdict;
use crate::check::{self, Finding, Judgement};
use crate::journal::RunHeader;
use crate::scenario::{Known, Target};

/// What becomes of a verdict if the target accepts failures of the scenario.
///
/// One that proves nothing stays as it is: whether the failure is still there cannot be told.
pub(super) fn accept(
    header: &RunHeader,
    scenario: &str,
    checks: &[check::Verdict],
    verdict: (Verdict, String),
) -> (Verdict, String) {
    if !matches!(verdict.0, Verdict::Pass | Verdict::Fail) {
        return verdict;
    }
    // A target of another version accepts nothing: the verdict stands as the checks give it.
    let Ok(target) = Target::read(&header.target) else { return verdict };
    let entries: Vec<&Known> = target.known.iter().filter(|known| known.scenario.value == scenario).collect();
    if entries.is_empty() {
        return verdict;
    }
    let today = || jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date();
    judge(&entries, checks, day_of(&header.run).unwrap_or_else(today), verdict)
}

fn judge(entries: &[&Known], checks: &[check::Verdict], day: Date, verdict: (Verdict, String)) -> (Verdict, String) {
    if let Some(over) = entries.iter().find(|known| known.expires.value < day) {
        let reason = format!(
            "{} was accepted until {} only ({}): mend it, or agree on another day with {}{}",
            what(over),
            over.expires.value,
            over.reason.value,
            over.owner.value,
            if verdict.1.is_empty() { String::new() } else { format!("; {}", verdict.1) }
        );
        return (Verdict::Fail, reason);
    }
    let failed = || {
        checks.iter().flat_map(|check| match &check.judgement {
            Judgement::Fail(findings) => findings.iter().map(|finding| (check.check, finding)).collect(),
            _ => Vec::new(),
        })
    };
    if let Some(needless) = entries.iter().find(|known| !failed().any(|(check, finding)| covers(known, check, finding)))
    {
        let reason = format!(
            "{} is accepted ({}), but did not happen: take it out of `known`{}",
            what(needless),
            needless.reason.value,
            if verdict.1.is_empty() { String::new() } else { format!("; {}", verdict.1) }
        );
        return (Verdict::Fail, reason);
    }
    let unknown = failed().find(|(check, finding)| !entries.iter().any(|known| covers(known, check, finding)));
    if let Some((check, finding)) = unknown {
        return (Verdict::Fail, format!("{check}: {}", finding.what));
    }
    let accepted = entries.iter().map(|known| {
        let link = known.link.as_ref().map_or_else(String::new, |link| format!(", {link}"));
        format!("{} ({}, until {}{link})", known.reason.value, known.owner.value, known.expires.value)
    });
    (Verdict::Known, format!("accepted: {}", accepted.collect::<Vec<_>>().join("; ")))
}

fn covers(known: &Known, check: &str, finding: &Finding) -> bool {
    let text = || format!("{}; expected {}", finding.what, finding.expected);
    known.check.as_ref().is_none_or(|only| only.value == check)
        && known.cause.as_ref().is_none_or(|cause| text().contains(cause.as_str()))
}

/// What an entry is about.
fn what(known: &Known) -> String {
    let check = known.check.as_ref().map_or("a failure", |check| check.value.as_str());
    match &known.cause {
        Some(cause) => format!("{check} with \"{cause}\""),
        None => check.to_owned(),
    }
}
