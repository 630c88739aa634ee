//! Whether a control shows what a scenario needs: a workload may be too short for a fault, for no fault of its worker.

use std::collections::BTreeMap;

use crate::fault::Seen;
use crate::journal::{Event, Live, Record, WorkflowId};
use crate::scenario::{Resolved, ResolvedShown, Scalar};

/// How far a workflow of the control has come with each list.
type Steps = Vec<usize>;

/// Why the workload of a scenario's control cannot serve it; `None` if it can.
///
/// An event of which it cannot be told to which workflow it belongs counts for all: a scenario is left out only where
/// its faults certainly find nothing to trouble.
pub(super) fn lacking(scenario: &Resolved, control: &[Record]) -> Option<String> {
    let lists = &scenario.control_shows;
    let mut workflows: BTreeMap<&WorkflowId, Steps> = BTreeMap::new();
    let mut live = Live::default();
    for record in control {
        if let Event::WorkflowStarted { workflow, .. } = &record.event {
            workflows.insert(workflow, vec![0; lists.len()]);
        }
        let seen = Seen::new(record);
        let of = workflow_of(&seen, &live);
        for (workflow, steps) in &mut workflows {
            if of.as_ref().is_some_and(|of| of != *workflow) {
                continue;
            }
            for (step, list) in steps.iter_mut().zip(lists) {
                if list.get(*step).is_some_and(|next| seen.is(&next.event, &next.filters)) {
                    *step += 1;
                }
            }
        }
        live.follow(record);
    }
    let missing = workflows.values().find_map(|steps| steps.iter().zip(lists).find(|(step, list)| **step < list.len()));
    missing.map(|(step, list)| {
        let next = words(&list[*step]);
        match step.checked_sub(1).and_then(|last| list.get(last)) {
            Some(last) => format!("the workload is too short for it: in the control no {next} follows {}", words(last)),
            None => format!("the workload does not do what it needs: the control shows no {next}"),
        }
    })
}

/// The workflow that an event names or, of a request, the one that its instance works on.
fn workflow_of(seen: &Seen<'_>, live: &Live) -> Option<WorkflowId> {
    let text = |field: &str| seen.fields()[field].as_str();
    if let Some(workflow) = text("workflow") {
        return Some(WorkflowId::from(workflow));
    }
    let instance = text("instance")?.into();
    live.candidates(&instance, None).workflow().cloned()
}

/// `api.response (status 200)`.
fn words(shown: &ResolvedShown) -> String {
    let value = |value: &Scalar| match value {
        Scalar::Bool(value) => value.to_string(),
        Scalar::Number(value) => value.to_string(),
        Scalar::Text(value) => value.clone(),
    };
    let filter = |(field, any_of): &(String, Vec<Scalar>)| {
        format!("{field} {}", any_of.iter().map(value).collect::<Vec<_>>().join(" or "))
    };
    match shown.filters.as_slice() {
        [] => shown.event.clone(),
        filters => format!("{} ({})", shown.event, filters.iter().map(filter).collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::journal::Seq;
    use crate::scenario::{Facts, Scenario, Target, builtin_target, catalogue, resolve};

    fn journal(events: impl IntoIterator<Item = Value>) -> Vec<Record> {
        let record = |(seq, event): (u64, Value)| Record {
            seq: Seq(seq),
            at_us: seq,
            cause: None,
            event: serde_json::from_value(event).expect("an event"),
            sightings: Vec::new(),
        };
        (1..).zip(events).map(record).collect()
    }

    /// A workflow whose requests, each with its reply, are these, on an instance of its own.
    fn workflow(n: u32, requests: &[(&str, u16)]) -> Vec<Value> {
        let (id, instance) = (format!("w-{n}"), format!("w{n}.1"));
        let attempt = json!({
            "kind": "activity.started", "instance": instance, "workflow": id, "activity": "1", "type": "A", "attempt": 1,
        });
        let mut events = vec![json!({"kind": "workflow.started", "workflow": id, "n": n}), attempt];
        for (route, status) in requests {
            let request = json!({
                "kind": "api.request", "call": 1, "instance": instance, "route": route, "target": route,
            });
            let mut reply = request.clone();
            (reply["kind"], reply["status"]) = ("api.response".into(), (*status).into());
            events.extend([request, reply]);
        }
        events
    }

    const GET: (&str, u16) = ("GET /orders/{id}", 200);
    const LIST: (&str, u16) = ("GET /orders/{id}/items", 200);
    const SHIP: (&str, u16) = ("POST /orders/{id}/ship", 201);

    /// Ids of the catalogue's scenarios that a control like this cannot serve.
    fn left_out(control: &[Record]) -> Vec<String> {
        let (target, catalogue) = (builtin_target().expect("good"), catalogue().expect("good"));
        let resolved = catalogue.iter().map(|it| resolve(&target, it, &Facts::default()).expect("all is there"));
        resolved.filter(|it| lacking(it, control).is_some()).map(|it| it.scenario).collect()
    }

    #[test]
    fn a_workload_of_few_requests_leaves_out_what_finds_nothing_to_trouble() {
        let left_out = |requests: &[(&str, u16)]| left_out(&journal(workflow(1, requests)));
        assert_eq!(left_out(&[GET, LIST, LIST, SHIP]), [""; 0]);
        assert_eq!(left_out(&[GET, SHIP]), ["expiry-inside-paging", "frontend-heartbeats-late", "revocation-offline"]);
        assert_eq!(
            left_out(&[GET, LIST]),
            [
                "expiry-inside-paging",
                "frontend-completion-refused",
                "frontend-heartbeats-late",
                "network-api-reset-between",
                "outage-api-503",
                "outage-effect-reply-lost",
                "revocation-offline",
                "server-killed-during-effect"
            ]
        );
        // All that is troubled comes after the first good answer.
        let all = catalogue().expect("good").len();
        let alone = left_out(&[SHIP]);
        let content: Vec<_> = catalogue().expect("good").into_iter().map(|it| it.scenario.value).collect();
        let content: Vec<_> = content.into_iter().filter(|id| !alone.contains(id)).collect();
        let of_frontend = [
            "completion-refused",
            "goaway",
            "html",
            "polls-cut",
            "renewed-in-time",
            "reply-lost",
            "task-refused",
            "unavailable",
        ];
        let of_frontend = of_frontend.map(|name| format!("frontend-{name}"));
        let others = [
            "lifecycle-killed-in-grant",
            "lifecycle-paused-past-expiry",
            "network-api-reset-between",
            "outage-api-503",
            "outage-effect-reply-lost",
            "rotation-restart",
            "server-killed-during-effect",
        ];
        let others = others.map(str::to_owned);
        assert_eq!(content, [&of_frontend[..], &others].concat(), "they need one request only");
        assert_eq!(
            left_out(&[]).len(),
            all - 2,
            "what kills a worker between two workflows, or in a grant, needs none"
        );
    }

    fn scenario(shows: &str) -> Resolved {
        let text = format!(
            "scenario: s\nfamily: f\ntitle: t\nrequires: [{{ control-shows: {shows} }}]\nfaults: [{{ do: {{ idp.disable: {{}} }} }}]\n"
        );
        let scenario = Scenario::parse(&text, "s.yaml").unwrap_or_else(|problems| panic!("{problems:?}"));
        let target = Target::parse("target: t\nworker: { command: [w] }\nworkload: { workflow: W }\n", "t.yaml");
        resolve(&target.expect("good"), &scenario, &Facts::default()).expect("nothing is missing")
    }

    #[test]
    fn each_workflow_must_show_it_in_order_and_what_is_nobodys_counts_for_all() {
        let twice = scenario("[{ event: api.request }, { event: api.request }]");
        let both =
            |one: &[(&str, u16)], other: &[(&str, u16)]| journal([workflow(1, one), workflow(2, other)].concat());
        assert_eq!(lacking(&twice, &both(&[GET, SHIP], &[GET, SHIP])), None);
        let short = lacking(&twice, &both(&[GET, SHIP], &[GET])).expect("the second has one only");
        assert_eq!(short, "the workload is too short for it: in the control no api.request follows api.request");
        let mut foreign = both(&[GET, SHIP], &[GET]);
        let mut nobodys = journal(workflow(3, &[GET, GET])).split_off(2);
        foreign.append(&mut nobodys);
        assert_eq!(lacking(&twice, &foreign), None, "they may be of any workflow");

        let ordered = scenario("[{ event: api.response, where: { status: [201, 204] } }, { event: api.request }]");
        assert_eq!(lacking(&ordered, &journal(workflow(1, &[SHIP, GET]))), None);
        let short = lacking(&ordered, &journal(workflow(1, &[GET, SHIP]))).expect("nothing follows");
        assert!(short.ends_with("no api.request follows api.response (status 201 or 204)"), "{short}");
        let none = lacking(&ordered, &journal(workflow(1, &[GET]))).expect("there is none");
        assert_eq!(
            none,
            "the workload does not do what it needs: the control shows no api.response (status 201 or 204)"
        );
    }
}
