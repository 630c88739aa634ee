//! The story of each workflow: its activities, their attempts, the requests in them, and how it ended.

use std::collections::BTreeMap;

use super::attempts::{Activity, Flow, Flows, Report, Try};
use super::line::{Line, Story};
use super::races::Races;
use super::requests::{ApiExchange, Exchanges, causal};
use super::tokens::Tokens;
use crate::journal::{ApiRequest, Run, Seq, WorkflowStatus};

/// What stories are made from.
pub(super) struct Teller<'a> {
    pub(super) exchanges: Exchanges<'a>,
    pub(super) tokens: Tokens,
    pub(super) races: Races,
}

/// Numbers values of one story in the order in which they come up: ids in paths and idempotency keys differ between
/// workflows that do the same.
#[derive(Default)]
struct Values<'a>(BTreeMap<&'a str, Vec<&'a str>>);

impl<'a> Values<'a> {
    fn number(&mut self, of: &'a str, value: &'a str) -> usize {
        let known = self.0.entry(of).or_default();
        known.iter().position(|known| *known == value).unwrap_or_else(|| {
            known.push(value);
            known.len() - 1
        }) + 1
    }
}

pub(super) fn ending(status: Option<WorkflowStatus>) -> &'static str {
    match status {
        Some(WorkflowStatus::Completed) => "completed",
        Some(WorkflowStatus::Failed) => "failed",
        Some(WorkflowStatus::Cancelled) => "cancelled",
        Some(WorkflowStatus::Terminated) => "terminated",
        Some(WorkflowStatus::TimedOut) => "timed out",
        Some(WorkflowStatus::Running) => "running",
        None => "not followed to an end",
    }
}

/// `GET /orders/{id}`; where the same parameter has another value than before in this story, `{id 2}`. What no route
/// matches is shown as it was sent.
fn path<'a>(request: &'a ApiRequest, values: &mut Values<'a>) -> String {
    let Some(route) = &request.route else { return format!("{} (no route)", request.target) };
    let segments = route.split('/').zip(request.target.split('/')).map(|(template, concrete)| {
        if !template.starts_with('{') {
            return template.to_owned();
        }
        match values.number(template, concrete) {
            1 => template.to_owned(),
            number => format!("{} {number}}}", template.trim_end_matches('}')),
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

impl<'a> Teller<'a> {
    /// One story per workflow, and one of the requests that belong to none.
    pub(super) fn workflows(&self, run: &Run<'a>) -> (Vec<Story>, Story) {
        let flows = Flows::of(run);
        let name = run.header().and_then(|header| header.resolved["workload"]["workflow"].as_str()).unwrap_or_default();
        let stories = flows.by_id.values().map(|flow| self.workflow(name, flow)).collect();
        let mut story = vec![Line::at(0).text("requests that belong to no workflow")];
        story.extend(self.loose(&flows.nobodys, &mut Values::default()));
        (stories, if story.len() > 1 { story } else { Story::new() })
    }

    fn workflow(&self, name: &str, flow: &Flow<'a>) -> Story {
        let mut values = Values::default();
        let title = match (flow.started, name) {
            (false, _) => "workflow that the harness did not start".to_owned(),
            (true, "") => "workflow".to_owned(),
            (true, name) => format!("workflow {name}"),
        };
        let mut story = vec![Line::at(0).text(format!("{title}: {}", ending(flow.status)))];
        for activity in &flow.activities {
            if self.races.requests() {
                story.push(self.racing(activity, &mut values));
                continue;
            }
            story.push(Line::at(1).text(activity.name));
            for attempt in &activity.attempts {
                story.push(Line::at(2).text(format!("attempt {}", attempt.number)));
                let requests = attempt.requests.iter().filter_map(|seq| self.exchanges.api.get(seq));
                let lines = requests.map(|sent| (sent, self.request(3, sent, &mut values))).collect();
                story.extend(causal(lines));
                story.push(Line::at(3).text(report(attempt)));
            }
        }
        let loose = self.loose(&flow.loose, &mut values);
        if !loose.is_empty() {
            story.push(Line::at(1).text("unattributed"));
            story.extend(loose.into_iter().map(|line| Line::at(2).with(line)));
        }
        story
    }

    /// An activity whose number of attempts is chance. How it ended and what it brought about is not.
    fn racing(&self, activity: &Activity<'a>, values: &mut Values<'a>) -> Line {
        let mut line = Line::at(1).text(activity.name);
        if let Some(last) = activity.attempts.last() {
            line = line.text(format!(": {}", report(last)));
        }
        line = line.text(format!(", attempts: {}", self.races.attempts_range(activity.attempts.len() as u64)));
        let requests = activity.attempts.iter().flat_map(|attempt| &attempt.requests);
        for effect in requests.filter_map(|seq| self.effect(*seq)) {
            line = line.text(format!(", effect {}", values.number("effect", effect)));
        }
        line
    }

    fn effect(&self, seq: Seq) -> Option<&'a str> {
        let (_, reply) = self.exchanges.api.get(&seq)?.reply?;
        reply.effect.as_deref()
    }

    /// Requests without an attempt have no order; where requests race, only their effects are told.
    fn loose(&self, requests: &[Seq], values: &mut Values<'a>) -> Vec<Line> {
        let told = requests.iter().filter(|seq| !self.races.requests() || self.effect(**seq).is_some());
        let sent = told.filter_map(|seq| self.exchanges.api.get(seq));
        let mut lines: Vec<_> = sent.map(|sent| self.request(1, sent, values)).collect();
        lines.sort();
        lines
    }

    fn request(&self, indent: usize, sent: &ApiExchange<'a>, values: &mut Values<'a>) -> Line {
        let request = sent.request;
        let mut line = Line::at(indent).text(path(request, values));
        line = match &request.token {
            Some(token) => line.text(" with ").token(self.tokens.key(token)),
            None if request.refused.as_deref() == Some("missing") => line.text(" without a token"),
            None => line.text(" with a token that is not the lab's"),
        };
        line = line.with(sent.answer(|reply| (reply.status, reply.error.as_deref(), reply.retry_after_ms)));
        if let Some(refused) = &request.refused {
            line = line.text(format!(" ({refused})"));
        }
        if let Some((_, reply)) = sent.reply {
            if let Some(fault) = &reply.fault {
                line = line.text(format!(", by {fault}"));
            }
            if let Some(effect) = &reply.effect {
                line = line.text(format!(", effect {}", values.number("effect", effect)));
            }
        }
        line.with(sent.loss())
    }
}

fn report(attempt: &Try<'_>) -> String {
    match attempt.report {
        None => "not reported".into(),
        Some(Report::Completed) => "completed".into(),
        Some(Report::Cancelled) => "cancelled".into(),
        Some(Report::Failed(failure)) => {
            let kind = if failure.failure_type.is_empty() { "a failure without type" } else { &failure.failure_type };
            let retry = match (failure.non_retryable, failure.next_retry_delay_ms) {
                (true, _) => ", not to be retried",
                // The length of the delay depends on when it was counted.
                (false, Some(_)) => ", to be retried after a delay of its own",
                (false, None) => "",
            };
            format!("failed: {kind}{retry}")
        }
    }
}
