//! The way of a workload, step by step, and what to look at where it ends.

use super::{Mark, Row};
use crate::journal::{Event, Record, WorkflowStatus};
use crate::lab::unready::{REFUSED_BY_KERNEL, egress, speaks_of_refusal};
use crate::scenario::{LabValue, Placeholder, Target, Template};

/// How many steps a worker that is ready has made.
pub(super) const READY: usize = 2;
/// How many of the workers' last lines are shown.
const LAST_LINES: usize = 10;

struct Step {
    what: &'static str,
    /// The event that shows that it got so far.
    evidence: Option<String>,
    /// What to look at if it did not.
    advice: String,
}

/// How many steps were made.
pub(super) fn reached(target: &Target, records: &[Record]) -> usize {
    steps(target, records).iter().filter(|step| step.evidence.is_some()).count()
}

/// The steps that were made and the first that was not, with what to do about it. Later ones say nothing of their own.
pub(super) fn told(target: &Target, records: &[Record]) -> (Vec<Row>, Option<String>) {
    let (mut rows, mut advice) = (Vec::new(), None);
    for step in steps(target, records) {
        match step.evidence {
            Some(evidence) => rows.push(Row::new(Mark::Here, step.what, evidence)),
            None if advice.is_none() => {
                rows.push(Row::new(Mark::Missing, step.what, &step.advice));
                advice = Some(symptoms(records));
            }
            None => {}
        }
    }
    (rows, advice)
}

/// What the workers themselves say.
fn symptoms(records: &[Record]) -> String {
    let mut told = Vec::new();
    for place in egress(records) {
        told.push(format!(
            "a worker called {place}, outside the lab, and was refused: does it use the addresses from its \
             environment? `egress: {{ allow: [HOST] }}` in the target permits others"
        ));
    }
    let failed = records.iter().rev().find_map(|record| match &record.event {
        Event::ActivityFailed { attempt, failure } => {
            let mut text = format!("attempt {} of activity {} failed", attempt.attempt, attempt.activity_type);
            let mut cause = Some(failure);
            while let Some(failure) = cause {
                let kind = Some(&failure.failure_type).filter(|kind| !kind.is_empty());
                text.push_str(&format!(
                    ": {}{}",
                    failure.message,
                    kind.map_or_else(String::new, |it| format!(" ({it})"))
                ));
                cause = failure.cause.as_deref();
            }
            Some(text)
        }
        _ => None,
    });
    let lines = records.iter().filter_map(|record| match &record.event {
        Event::WorkerOutput { line, .. } => Some(line.as_str()),
        _ => None,
    });
    let lines: Vec<&str> = lines.collect();
    let refused = failed.iter().map(String::as_str).chain(lines.iter().copied()).any(speaks_of_refusal);
    if refused && crate::lab::worker::guard::available() {
        told.push(REFUSED_BY_KERNEL.to_owned());
    }
    told.extend(failed);
    if lines.is_empty() {
        told.push("the worker wrote nothing to stdout or stderr".to_owned());
    } else {
        let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
        told.push(format!("the worker's last lines:\n  {}", last.join("\n  ")));
    }
    told.join("\n")
}

fn steps(target: &Target, records: &[Record]) -> Vec<Step> {
    let first = |wanted: &dyn Fn(&Event) -> Option<String>| records.iter().find_map(|record| wanted(&record.event));
    let last =
        |wanted: &dyn Fn(&Event) -> Option<String>| records.iter().rev().find_map(|record| wanted(&record.event));
    let rpc = |name: &str| first(&|event| matches!(event, Event::GateRpc { rpc, .. } if rpc == name).then(String::new));
    let workflow = &target.workload.workflow.value;

    let ended = first(&|event| match event {
        Event::WorkerExited { instance, .. } => Some(format!("{instance} has ended: ")),
        _ => None,
    });

    let mut steps = vec![
        Step {
            what: "worker started",
            evidence: first(&|event| match event {
                Event::WorkerStarted { command, .. } => Some(command.join(" ")),
                _ => None,
            }),
            advice: "its command could not be started".to_owned(),
        },
        Step {
            what: "worker polled",
            evidence: first(&|event| match event {
                Event::WorkerReady { instance } => Some(format!("{instance} asks the lab's Temporal for tasks")),
                _ => None,
            }),
            advice: format!(
                "{}no poll for {} tasks came to the lab's Temporal address. {} `polls:` in the target says which polls \
                 its workers make",
                ended.unwrap_or_default(),
                polls(target),
                used(target, LabValue::TemporalAddress)
            ),
        },
        Step {
            what: "took the workflow's task",
            evidence: rpc("RespondWorkflowTaskCompleted").map(|_| format!("workflow {workflow} is under way")),
            advice: match rpc("RespondWorkflowTaskFailed") {
                Some(_) => format!(
                    "the worker takes the task and fails it: does it register a workflow type `{workflow}`, and is \
                     the code deterministic?"
                ),
                None => format!(
                    "the worker polls, but not where workflow {workflow} is started. {} {}",
                    used(target, LabValue::TaskQueue),
                    used(target, LabValue::TemporalNamespace)
                ),
            },
        },
        Step {
            what: "reached the identity provider",
            evidence: first(&|event| match event {
                Event::IdpRequest(request) => Some(format!("endpoint {}", request.endpoint)),
                _ => None,
            }),
            advice: format!("no request came to the lab's identity provider. {}", used_idp(target)),
        },
        Step {
            what: "got a token",
            evidence: first(&|event| match event {
                Event::IdpResponse(reply) => {
                    reply.issued.first().map(|token| format!("{token}, as the journal calls it"))
                }
                _ => None,
            }),
            advice: last(&|event| match event {
                Event::IdpResponse(reply) if reply.status >= 400 => {
                    let (error, reason) = (reply.error.as_deref(), reply.reason.as_deref());
                    let why: Vec<&str> = error.into_iter().chain(reason).collect();
                    Some(format!(
                        "endpoint {} answered {} ({}). {} {}",
                        reply.request.endpoint,
                        reply.status,
                        why.join(", "),
                        used(target, LabValue::ClientId),
                        used(target, LabValue::ClientSecret)
                    ))
                }
                _ => None,
            })
            .unwrap_or_else(|| "the token endpoint was asked for none".to_owned()),
        },
        Step {
            what: "reached the API",
            evidence: first(&|event| match event {
                Event::ApiRequest(request) => Some(request.target.clone()),
                _ => None,
            }),
            advice: format!("no request came to the lab's API. {}", used(target, LabValue::ApiUrl)),
        },
        Step {
            what: "was let in by the API",
            evidence: first(&|event| match event {
                Event::ApiResponse(reply) if reply.request.refused.is_none() && reply.status < 400 => {
                    Some(format!("{}: {}", reply.request.target, reply.status))
                }
                _ => None,
            }),
            advice: refusal(records).unwrap_or_default(),
        },
    ];
    if target.api.routes.iter().any(|route| route.effect) {
        let routes = target.api.routes.iter().filter(|route| route.effect);
        let routes: Vec<String> = routes.map(|route| route.route.value.to_string()).collect();
        steps.push(Step {
            what: "had an effect",
            evidence: first(&|event| match event {
                Event::ApiResponse(reply) => reply.effect.as_ref().map(|_| reply.request.target.clone()),
                _ => None,
            }),
            advice: refusal(records).unwrap_or_else(|| {
                format!("the worker never called {}, which the target says has an effect", routes.join(" or "))
            }),
        });
    }
    steps.push(Step {
        what: "workflow completed",
        evidence: first(&|event| match event {
            Event::WorkflowClosed { workflow, status: WorkflowStatus::Completed } => Some(workflow.to_string()),
            _ => None,
        }),
        advice: last(&|event| match event {
            Event::WorkflowClosed { status, .. } => Some(match status {
                WorkflowStatus::Running => "it was still open when nothing happened any more".to_owned(),
                status => format!("it ended as {status:?}"),
            }),
            _ => None,
        })
        .unwrap_or_else(|| "it was still open when nothing happened any more".to_owned()),
    });
    steps
}

/// What the API last refused.
fn refusal(records: &[Record]) -> Option<String> {
    records.iter().rev().find_map(|record| match &record.event {
        Event::ApiResponse(reply) if reply.status >= 400 => {
            let why = reply.request.refused.as_deref().or(reply.error.as_deref());
            let why = why.map_or_else(String::new, |why| format!(" ({why})"));
            let unknown =
                if reply.request.route.is_none() { "; `api.routes` in the target has no such route" } else { "" };
            Some(format!("{} was answered with {}{why}{unknown}", reply.request.target, reply.status))
        }
        _ => None,
    })
}

fn polls(target: &Target) -> String {
    let mut names: Vec<String> = Vec::new();
    let of_workers = target.all_workers().filter_map(|worker| worker.polls.as_ref());
    for poll in of_workers.chain(&target.polls).flat_map(|polls| &polls.value) {
        let name = format!("{poll:?}").to_lowercase();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() { "workflow and activity".to_owned() } else { names.join(" and ") }
}

fn used_idp(target: &Target) -> String {
    let value = [LabValue::IdpTokenUrl, LabValue::IdpIssuer].into_iter().find(|value| given(target, *value).is_some());
    used(target, value.unwrap_or(LabValue::IdpTokenUrl))
}

/// Whether the worker uses what it is given, as a question to its author.
fn used(target: &Target, value: LabValue) -> String {
    let name = value.name();
    match given(target, value) {
        Some(place) => format!("{place} holds `{{{name}}}`: does the worker use it?"),
        None => format!("The target file gives the worker no `{{{name}}}`: add a variable for it to `env:`."),
    }
}

/// Where the target gives its workers a value of the lab.
fn given(target: &Target, value: LabValue) -> Option<String> {
    let holds = |template: &Template| template.placeholders().any(|it| *it == Placeholder::Lab(value));
    target.all_workers().find_map(|worker| {
        let variable = worker.env.iter().find(|(_, template)| holds(&template.value));
        let word = worker.command.value.iter().any(|word| holds(&word.value));
        variable.map(|(name, _)| name.value.clone()).or_else(|| word.then(|| "the command".to_owned()))
    })
}
