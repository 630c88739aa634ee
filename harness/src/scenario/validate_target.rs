//! What the model of a target file cannot say.

use std::collections::BTreeSet;

use mock_idp::file::{At, Complaint, Position, Problems};

use super::api::{Correlate, Route};
use super::client::{Client, Grant};
use super::placeholder::{Placeholder, Template};
use super::target::{Target, Worker};
use super::validate_scenario::{check_id, checks};
use super::value::Value;

pub(super) fn validate(target: &Target, problems: &mut Problems) {
    if target.target.trim().is_empty() {
        problems.add(target.target.at, Complaint::new("the target has no name"));
    }
    workers(target, problems);
    clients(target, problems);
    for input in &target.workload.input {
        Value::texts(input, &mut |text, at| match text.parse::<Template>() {
            Ok(template) => no_secret(&template, at, problems),
            Err(complaint) => problems.add(at, complaint),
        });
    }
    if target.workload.workflow.is_empty() {
        problems.add(target.workload.workflow.at, Complaint::new("the workflow type has no name"));
    }
    api(target, problems);
    for known in &target.known {
        if let Some(check) = &known.check {
            check_id(check, problems);
        }
        for text in [&known.reason, &known.owner] {
            if text.trim().is_empty() {
                problems.add(text.at, Complaint::new("a failure is accepted only with a reason and an owner"));
            }
        }
    }
    checks(&target.checks, problems);
    twice("defect", target.defects.iter(), problems);
}

fn workers(target: &Target, problems: &mut Problems) {
    match (&target.worker, &target.workers) {
        (Some(_), Some(workers)) => {
            problems.add(workers.at, Complaint::new("`worker` and `workers` exclude each other"));
        }
        (None, None) => {
            problems.add(target.target.at, Complaint::new("the key `worker` is missing").hint("or `workers`, a list"));
        }
        (None, Some(workers)) if workers.is_empty() => {
            problems.add(workers.at, Complaint::new("there is no worker"));
        }
        _ => {}
    }
    for worker in target.all_workers() {
        self::worker(worker, problems);
    }
    twice("worker", target.all_workers().filter_map(|worker| worker.name.as_ref()), problems);
}

fn worker(worker: &Worker, problems: &mut Problems) {
    if worker.command.is_empty() {
        problems.add(worker.command.at, Complaint::new("the command is empty").hint("as in `[python3, worker.py]`"));
    }
    for part in worker.command.iter() {
        no_number(&part.value, part.at, problems);
        no_secret(&part.value, part.at, problems);
    }
    for (name, value) in worker.env.iter() {
        if name.is_empty() || name.contains(['=', '\0']) {
            problems.add(name.at, Complaint::new(format!("`{}` cannot be the name of a variable", name.value)));
        }
        no_number(&value.value, value.at, problems);
    }
    if let (Some(instances), Some(most)) = (&worker.instances, &worker.max_instances)
        && instances.value > most.value
    {
        problems.add(most.at, Complaint::new("`max_instances` is less than `instances`"));
    }
}

/// The workflow's number says nothing where there is no workflow yet.
fn no_number(template: &Template, at: Position, problems: &mut Problems) {
    if let Some(number) = template.placeholders().find(|it| matches!(it, Placeholder::N | Placeholder::NInt)) {
        let word = format!("{{{number}}}");
        problems
            .add(at, Complaint::new(format!("`{word}` counts workflows: it stands in `workload` only")).about(word));
    }
}

/// A secret in a command line or in a workflow's input is a leak that the harness itself would make (FM-03).
fn no_secret(template: &Template, at: Position, problems: &mut Problems) {
    let secret = template.placeholders().find(|placeholder| placeholder.is_secret());
    if let Some(secret) = secret {
        let word = format!("{{{secret}}}");
        problems.add(
            at,
            Complaint::new(format!("`{word}` is a secret: everybody could read it here"))
                .about(word)
                .hint("secrets belong into `env`"),
        );
    }
}

fn clients(target: &Target, problems: &mut Problems) {
    if let (Some(_), Some(clients)) = (&target.client, &target.clients) {
        problems.add(clients.at, Complaint::new("`client` and `clients` exclude each other"));
    }
    if let Some(client) = &target.client {
        self::client(client, client.at, problems);
    }
    if let Some(clients) = &target.clients {
        if clients.is_empty() {
            problems.add(clients.at, Complaint::new("there is no client").hint("leave the key out for the default"));
        }
        for client in clients.iter() {
            self::client(client, clients.at, problems);
        }
    }
    twice("client", target.all_clients().filter_map(|client| client.id.as_ref()), problems);
}

fn client(client: &Client, at: Position, problems: &mut Problems) {
    if client.rotation && client.grant != Grant::RefreshToken {
        problems
            .add(at, Complaint::new("`rotation` needs a refresh token").hint("it goes with `grant: refresh_token`"));
    }
}

fn api(target: &Target, problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for route in &target.api.routes {
        if !seen.insert(route.route.to_string()) {
            problems.add(route.route.at, Complaint::new(format!("the route `{}` stands twice", route.route.value)));
        }
        self::route(route, problems);
    }
    if let Some(correlate) = &target.api.correlate {
        match &correlate.value {
            Correlate::Path(param) => {
                let params: BTreeSet<&str> = target.api.routes.iter().flat_map(|route| route.route.params()).collect();
                if !params.contains(param.value.as_str()) {
                    problems.unknown(param.at, "path parameter", param, params.iter().copied());
                }
            }
            Correlate::Body(path) => json_path(path, problems),
            Correlate::Header(_) => {}
        }
    }
    if let Some(upstream) = &target.api.upstream
        && !["http", "https"].contains(&url::Url::parse(upstream).as_ref().map_or("", url::Url::scheme))
    {
        problems.add(upstream.at, Complaint::new(format!("`{}` is no http or https URL", upstream.value)));
    }
}

fn route(route: &Route, problems: &mut Problems) {
    if let Some(key) = &route.idempotency {
        if !route.effect {
            problems.add(
                key.at,
                Complaint::new("a route without effect needs no idempotency key").hint("say `effect: true`"),
            );
        }
        if let super::api::IdempotencyKey::Body(path) = &key.value {
            json_path(path, problems);
        }
    }
    let Some(body) = route.respond.as_ref().and_then(|reply| reply.body.as_ref()) else { return };
    let params: Vec<&str> = route.route.params().collect();
    Value::texts(body, &mut |text, at| {
        for name in braces(text).filter(|name| !params.contains(name)) {
            problems.add(
                at,
                Complaint::new(format!("the route has no path parameter `{name}`"))
                    .about(format!("{{{name}}}"))
                    .hint(mock_idp::file::suggest(name, params.iter().copied())),
            );
        }
    });
}

/// The names in `{…}`, as far as they can be parameters: other braces stand for themselves.
fn braces(text: &str) -> impl Iterator<Item = &str> {
    text.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name)
        .filter(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

fn json_path(path: &At<String>, problems: &mut Problems) {
    let fields = path.strip_prefix("$.").unwrap_or_default();
    if fields.is_empty() || fields.split('.').any(str::is_empty) {
        problems.add(
            path.at,
            Complaint::new(format!("`{}` is no place in a JSON body", path.value)).hint("as in `$.order.id`"),
        );
    }
}

fn twice<'a>(what: &str, names: impl Iterator<Item = &'a At<String>>, problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name.value.as_str()) {
            problems.add(name.at, Complaint::new(format!("two {what}s are called `{}`", name.value)));
        }
    }
}
