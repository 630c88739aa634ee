//! No token shows where a worker writes: failures, results, heartbeats, histories, ids, output, command line.
//!
//! Whether one does was seen while the journal was recorded: in the journal itself no secret is left to look for.

use super::{Check, Finding, Judgement, Policy};
use crate::journal::{Event, Record, Run};

pub(super) struct NoSecretLeaks;

impl Check for NoSecretLeaks {
    fn id(&self) -> &'static str {
        "no-secret-leaks"
    }

    fn doc(&self) -> &'static str {
        "no token shows in failures, results, heartbeats, histories, ids, output or command lines"
    }

    fn failure_mode(&self) -> &'static str {
        "FM-19"
    }

    fn judge(&self, run: &Run<'_>, _: &Policy) -> Judgement {
        if run.tokens().is_empty() {
            return Judgement::NotApplicable("no token was issued, so none could leak".into());
        }
        // What the header says was written by the user, before any worker ran.
        let by_worker = run.records().iter().filter(|record| !matches!(record.event, Event::RunStarted(_)));
        let findings: Vec<_> = by_worker.flat_map(findings).collect();
        if findings.is_empty() { Judgement::Pass } else { Judgement::Fail(findings) }
    }
}

fn findings(record: &Record) -> impl Iterator<Item = Finding> + '_ {
    record.sightings.iter().map(|seen| {
        let encoded = if seen.encoding.is_empty() { String::new() } else { format!(" ({})", seen.encoding.join(", ")) };
        Finding {
            what: format!("{} shows token {}{encoded} at {}", record.event.kind(), seen.secret, seen.place.0),
            expected: "no part of a token anywhere but in requests to the API and the identity provider".into(),
            events: vec![record.seq],
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Outcome;
    use crate::journal::{IdpToken, Instance, Place, Seq, Sighting, Stream, TokenChange, TokenKind};

    fn record(seq: u64, event: Event, sightings: Vec<Sighting>) -> Record {
        Record { seq: Seq(seq), at_us: seq, cause: None, event, sightings }
    }

    fn issued() -> Event {
        Event::IdpToken(IdpToken {
            token: "T1".into(),
            token_kind: TokenKind::Access,
            change: TokenChange::Issued,
            client: "c".into(),
            sub: "c".into(),
            scopes: Vec::new(),
            expires_at_ms: None,
            reason: None,
        })
    }

    fn output() -> Event {
        Event::WorkerOutput { instance: Instance::of("w1", 1), stream: Stream::Stderr, line: "⟦T1·hex⟧".into() }
    }

    fn judge(records: &[Record]) -> Judgement {
        NoSecretLeaks.judge(&Run::new(records), &Policy { outcome: Outcome::Completed })
    }

    #[test]
    fn a_sighting_fails_with_its_event_and_place() {
        let seen = Sighting { secret: "T1".into(), encoding: vec!["hex".into()], place: Place("/line".into()) };
        let Judgement::Fail(found) = judge(&[record(1, issued(), vec![]), record(2, output(), vec![seen])]) else {
            panic!("a leak was overlooked");
        };
        assert_eq!(found[0].events, [Seq(2)]);
        assert_eq!(found[0].what, "worker.output shows token T1 (hex) at /line");
    }

    #[test]
    fn without_a_sighting_it_passes_and_without_a_token_it_does_not_apply() {
        assert_eq!(judge(&[record(1, issued(), vec![]), record(2, output(), vec![])]), Judgement::Pass);
        assert!(matches!(judge(&[record(1, output(), vec![])]), Judgement::NotApplicable(_)));
    }
}
