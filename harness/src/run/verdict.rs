//! What a finished journal says of a scenario run. Pure: an old journal gives the same verdict again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::known;
use crate::check::{self, Judgement, Lateness};
use crate::journal::{Event, Run, RunEnd};
use crate::lab::unready::egress;
use crate::scenario::{Action, Hold, Resolved};

/// The verdict on a scenario run. None but [`Pass`](Self::Pass) is ever shown as a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every fault bit and every check that applies holds.
    Pass,
    /// A failure that the target file accepts, with reason, owner and expiry.
    Known,
    /// The target does not meet what the scenario requires, or no check that it exists for applies.
    NotApplicable,
    /// This machine lacks something.
    Skipped,
    /// It proves nothing: a fault did not bite, or a check could not decide.
    Vacuous,
    /// A check failed.
    Fail,
    /// Its control did not complete, or the lab failed.
    Invalid,
}

impl Verdict {
    /// Every verdict, in the order of the totals.
    pub const ALL: [Self; 7] =
        [Self::Pass, Self::Fail, Self::Vacuous, Self::Invalid, Self::NotApplicable, Self::Skipped, Self::Known];

    /// As reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Known => "known",
            Self::NotApplicable => "not_applicable",
            Self::Skipped => "skipped",
            Self::Vacuous => "vacuous",
            Self::Fail => "fail",
            Self::Invalid => "invalid",
        }
    }

    /// What it means, in a sentence.
    pub fn doc(self) -> &'static str {
        match self {
            Self::Pass => "every fault bit, and every check that applies holds",
            Self::Known => "it fails as the target's `known:` says, with reason, owner and expiry",
            Self::NotApplicable => {
                "the target does not have what the scenario requires, or none of the checks that it exists for applies"
            }
            Self::Skipped => "this machine lacks what the scenario requires",
            Self::Vacuous => "it proves nothing: a fault never fired or had no effect, or a check could not decide",
            Self::Fail => "a check failed",
            Self::Invalid => {
                "the workload does not complete without faults either, the worker left the lab, or the lab failed or \
                 was ended before the scenario was"
            }
        }
    }

    /// Whether it makes the exit code non-zero.
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Fail | Self::Vacuous | Self::Invalid)
    }
}

/// Why a journal without an end is invalid. A run that is ended leaves such ones: nothing can be written by a process
/// that was killed.
const UNFINISHED: &str = "the run was interrupted before this scenario ended, or still goes on: its journal has no end, \
     so nothing can be said of it; run it again";

/// A journal, judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in one line; empty for a pass.
    pub reason: String,
    /// What each check says.
    pub checks: Vec<check::Verdict>,
    /// How far each fault came.
    pub faults: Vec<FaultReport>,
}

/// How far a fault came. Fired is not bitten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FaultReport {
    /// Its id.
    pub id: String,
    /// Name of its action.
    pub action: String,
    /// How often it fired.
    pub fired: u32,
    /// How often it bit.
    pub bit: u32,
    /// How often it was to fire.
    pub expected: u32,
}

/// Judges a finished journal.
pub fn judge(run: &Run<'_>) -> Judged {
    let resolved = run.header().and_then(|header| Resolved::read(&header.resolved).ok());
    let Some(resolved) = resolved else {
        return Judged {
            verdict: Verdict::Invalid,
            reason: "the journal does not say what was run".into(),
            checks: Vec::new(),
            faults: Vec::new(),
        };
    };
    let faults = faults(run, &resolved);
    let checks = check::judge(run);
    let worst = worst(run, &resolved, &checks, &faults);
    let (verdict, reason) = match run.header() {
        Some(header) => known::accept(header, &resolved.scenario, &checks, worst),
        None => worst,
    };
    Judged { verdict, reason, checks, faults }
}

fn worst(run: &Run<'_>, resolved: &Resolved, checks: &[check::Verdict], faults: &[FaultReport]) -> (Verdict, String) {
    if let Err(hole) = run.whole() {
        return (Verdict::Invalid, hole.to_string());
    }
    if run.is_unfinished() {
        return (Verdict::Invalid, UNFINISHED.into());
    }
    if let Some(RunEnd::LabFailed { reason }) = run.end() {
        return (Verdict::Invalid, reason.clone());
    }
    let escapes = escapes(run);
    if !escapes.is_empty() {
        let places = escapes.join(", ");
        let reason = format!("a worker called {places}, outside the lab; `egress: {{ allow: [HOST] }}` permits it");
        return (Verdict::Invalid, reason);
    }
    if run.header().and_then(|header| header.control.as_ref()).is_some_and(|control| !control.completed) {
        return (Verdict::Invalid, "without any fault the workload does not complete either".into());
    }
    let failed: Vec<_> = checks.iter().filter(|check| matches!(check.judgement, Judgement::Fail(_))).collect();
    if let Some(first) =
        failed.iter().find(|check| resolved.proves.iter().any(|id| id == check.check)).or(failed.first())
    {
        let what = match &first.judgement {
            Judgement::Fail(findings) => findings.first().map_or("", |finding| &finding.what),
            _ => "",
        };
        return (Verdict::Fail, format!("{}: {what}", first.check));
    }
    if let Some(fault) = faults.iter().find(|fault| fault.fired == 0) {
        return (Verdict::Vacuous, format!("fault {} ({}) never fired", fault.id, fault.action));
    }
    if let Some(fault) = faults.iter().find(|fault| fault.bit < fault.fired || fault.fired < fault.expected) {
        let FaultReport { id, action, fired, bit, expected } = fault;
        let mut reason = format!("fault {id} ({action}) fired {fired} of {expected} times and bit {bit} times");
        if let Some(why) = unfilled(run, resolved, id).or_else(|| refused(run, id, action)) {
            reason = format!("{reason}: {why}");
        }
        return (Verdict::Vacuous, reason);
    }
    let undecided = checks.iter().find_map(|check| match &check.judgement {
        Judgement::Inconclusive(reason) => Some(format!("{} could not decide: {reason}", check.check)),
        _ => None,
    });
    if let Some(reason) = undecided {
        return (Verdict::Vacuous, reason);
    }
    let mut proved = resolved.proves.iter().filter_map(|id| checks.iter().find(|check| check.check == id)).peekable();
    if proved.peek().is_some() && proved.all(|check| matches!(check.judgement, Judgement::NotApplicable(_))) {
        return (Verdict::NotApplicable, "none of the checks that it exists for applies".into());
    }
    (Verdict::Pass, String::new())
}

/// How far a barrier was from full when it let go, and how much of that time the machine took for itself.
fn unfilled(run: &Run<'_>, resolved: &Resolved, id: &str) -> Option<String> {
    let fault = resolved.faults.iter().find(|fault| fault.id == id)?;
    let Action::ApiHold(Hold { until, route }) = &fault.action else { return None };
    let records = run.records();
    // Of several firings the last: what bit before has let go long ago. The request that fired it is the first; it stands
    // before the firing.
    let fired = records.iter().rposition(|record| is_fired(&record.event, id))?;
    let later = &records[fired + 1..];
    let let_go = later.iter().position(|record| matches!(&record.event, Event::FaultHealed { fault } if fault == id));
    let held = &later[..let_go.unwrap_or(later.len())];
    let route = route.as_ref().map(|route| &*route.value);
    let came = 1 + held.iter().filter(|record| asks(&record.event, route)).count();
    let waited = fault.lasts.as_ref().map_or(String::new(), |lasts| format!(" in {}", lasts.longest()));
    let late = Lateness::during(held);
    let busy = if late.is_none() { String::new() } else { format!(", while this machine {late}: try a lower `-j`") };
    Some(format!("{came} of {until} requests came{waited}{busy}"))
}

/// What Temporal said instead of doing what a fault asked for.
fn refused(run: &Run<'_>, id: &str, action: &str) -> Option<String> {
    let after = run.records().iter().skip_while(|record| !is_fired(&record.event, id));
    let mut refusals = after.filter_map(|record| match &record.event {
        Event::TemporalOperation { operation, refused: Some(why), .. } if operation == action => Some(why),
        _ => None,
    });
    refusals.next().map(|why| format!("Temporal refused it ({why})"))
}

fn is_fired(event: &Event, id: &str) -> bool {
    matches!(event, Event::FaultFired { fault, .. } if fault == id)
}

fn asks(event: &Event, route: Option<&str>) -> bool {
    matches!(event, Event::ApiRequest(request) if route.is_none_or(|route| request.route.as_deref() == Some(route)))
}

/// Where workers went outside the lab and may not, each place once: who mends one wants to know of the others, too.
fn escapes(run: &Run<'_>) -> Vec<String> {
    let allowed: Vec<&str> = run
        .header()
        .and_then(|header| header.target.pointer("/egress/allow")?.as_array())
        .map(|allowed| allowed.iter().filter_map(|place| place.as_str()).collect())
        .unwrap_or_default();
    let is_allowed = |place: &String| {
        let host = place.rsplit_once(':').map_or(place.as_str(), |(host, _)| host);
        allowed.contains(&host) || allowed.contains(&place.as_str())
    };
    egress(run.records()).into_iter().filter(|place| !is_allowed(place)).collect()
}

fn faults(run: &Run<'_>, resolved: &Resolved) -> Vec<FaultReport> {
    let count = |wanted: &dyn Fn(&Event) -> bool| -> u32 {
        let count = run.records().iter().filter(|record| wanted(&record.event)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    let report = |fault: &crate::scenario::ResolvedFault| FaultReport {
        id: fault.id.clone(),
        action: fault.action.name().to_owned(),
        fired: count(&|event| is_fired(event, &fault.id)),
        bit: count(&|event| matches!(event, Event::FaultBit { fault: id, .. } if *id == fault.id)),
        expected: if fault.probability < 1.0 { 1 } else { fault.count.get() },
    };
    resolved.faults.iter().map(report).collect()
}
