//! What the model of a scenario file cannot say: references between faults, words of other vocabularies.

use std::collections::BTreeMap;

use mock_idp::file::{At, Complaint, Position, Problems, suggest};

use super::action::Action;
use super::delay::{Between, Delay};
use super::gate_action::METHODS;
use super::idp_action::TokenChoice;
use super::model::{Fault, Requirement, Scenario};
use super::target::CheckSetting;
use super::trigger::{OneOf, Scalar, Trigger};
use super::value::{Entries, Value};
use super::vocabulary::{ROUTE_TRAITS, can_trigger, check_ids, filters, triggers, values_of};
use crate::journal::{KIND_DOCS, kind_doc};

/// What reports call runs without faults, and what their journals are named after.
const CONTROL: &str = "control";

pub(super) fn validate(scenario: &Scenario, problems: &mut Problems) {
    id("scenario", &scenario.scenario, problems);
    if scenario.scenario.value == CONTROL {
        let complaint = Complaint::new(format!("no scenario can be named `{CONTROL}`"));
        problems.add(scenario.scenario.at, complaint.hint("runs without faults are called so: give it another name"));
    }
    id("family", &scenario.family, problems);
    if scenario.title.trim().is_empty() {
        problems.add(scenario.title.at, Complaint::new("the title says nothing"));
    }
    for mode in &scenario.mirrors {
        let digits = mode.strip_prefix("FM-").unwrap_or_default();
        if digits.len() != 2 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            problems.add(mode.at, Complaint::new(format!("`{}` is no failure mode", mode.value)).hint("as in `FM-08`"));
        }
    }
    requires(scenario, problems);
    for check in &scenario.proves {
        check_id(check, problems);
    }
    checks(&scenario.checks, problems);
    faults(scenario, problems);
    if let (Err(wrong), Some(text)) =
        (scenario.temporal.authorizer.regex(), &scenario.temporal.authorizer.permissions_regex)
    {
        let hint = r"as in `^(?P<role>\w+):(?P<namespace>[\w-]+)$`";
        problems.add(text.at, Complaint::new(wrong).hint(hint));
    }
    for kind in &scenario.transcript.races {
        if kind_doc(kind).is_none() {
            problems.unknown(kind.at, "event", kind, KIND_DOCS.iter().map(|kind| kind.name));
        }
    }
}

/// Ids are file names and arguments of the command.
pub(super) fn id(what: &str, id: &At<String>, problems: &mut Problems) {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if id.is_empty() || !id.chars().all(plain) || id.starts_with('-') {
        problems.add(
            id.at,
            Complaint::new(format!("`{}` cannot be the id of a {what}", id.value))
                .hint("small letters, digits and `-`, as in `expiry-then-outage`"),
        );
    }
}

pub(super) fn check_id(check: &At<String>, problems: &mut Problems) {
    if !check_ids().any(|known| known == check.value) {
        problems.unknown(check.at, "check", check, check_ids());
    }
}

pub(super) fn checks(settings: &Entries<CheckSetting>, problems: &mut Problems) {
    for (check, setting) in settings.iter() {
        check_id(check, problems);
        if let Some(reason) = setting.off.as_ref().filter(|reason| reason.trim().is_empty()) {
            problems.add(reason.at, Complaint::new("a check is turned off only with a reason"));
        }
        if setting.slack.is_some() && check.value != "recovers" {
            problems.add(setting.at, Complaint::new("only `recovers` has a slack"));
        }
    }
}

fn requires(scenario: &Scenario, problems: &mut Problems) {
    for requirement in &scenario.requires {
        if let Requirement::Refresh(promises) = &requirement.value
            && promises.is_empty()
        {
            problems.add(requirement.at, Complaint::new("nothing can meet an empty list"));
        }
        if let Requirement::ControlShows(events) = &requirement.value {
            if events.is_empty() {
                problems.add(requirement.at, Complaint::new("an empty list asks for nothing"));
            }
            for shown in events {
                event(&shown.event, &shown.filters, true, problems);
            }
        }
    }
}

fn faults(scenario: &Scenario, problems: &mut Problems) {
    if scenario.faults.is_empty() && scenario.clocks.moved().next().is_none() {
        // Where there is no such key, the scenario is meant.
        let at = if scenario.faults.at == Position::default() { scenario.scenario.at } else { scenario.faults.at };
        let hint = "say under `faults:` what goes wrong; its control is run without faults in any case";
        problems.add(at, Complaint::new("a scenario without faults proves nothing").hint(hint));
    }
    let ids: Vec<String> = scenario
        .faults
        .iter()
        .enumerate()
        .map(|(index, fault)| fault.id.as_ref().map_or_else(|| format!("f{}", index + 1), |id| id.value.clone()))
        .collect();
    let mut seen = BTreeMap::new();
    for (fault, name) in scenario.faults.iter().zip(&ids) {
        let at = fault.id.as_ref().map_or(fault.at, |id| id.at);
        if let Some(given) = &fault.id {
            id("fault", given, problems);
        }
        if seen.insert(name, ()).is_some() {
            problems.add(at, Complaint::new(format!("two faults have the id `{name}`")).hint("ids are unique"));
        }
    }
    // Which one is meant by an id that two have, nobody knows; that was told.
    let is_single = |id: &String| ids.iter().filter(|other| *other == id).count() == 1;
    let after: BTreeMap<&str, &str> = scenario
        .faults
        .iter()
        .zip(&ids)
        .filter(|(_, id)| is_single(id))
        .filter_map(|(fault, id)| Some((id.as_str(), fault.when.as_ref()?.after.as_ref()?.value.as_str())))
        .collect();
    for (fault, name) in scenario.faults.iter().zip(&ids) {
        self::fault(fault, &ids, problems);
        // Along `after`, nobody may come back to itself: such faults would never be armed.
        let mut next = after.get(name.as_str());
        for _ in 0..ids.len() {
            if next.is_some_and(|next| next == name) {
                let at = fault.when.as_ref().and_then(|when| when.after.as_ref()).map_or(fault.at, |after| after.at);
                problems.add(
                    at,
                    Complaint::new(format!("the fault `{name}` waits for itself"))
                        .hint("one of the faults that follow each other must wait for an event alone"),
                );
                break;
            }
            next = next.and_then(|id| after.get(id));
        }
    }
    for (fault, bite) in scenario.bites.iter() {
        if !ids.contains(&fault.value) {
            problems.unknown(fault.at, "fault", fault, ids.iter().map(String::as_str));
        }
        event(&bite.event, &bite.filters, false, problems);
        for field in &bite.same {
            field_of(&bite.event, field, problems);
        }
    }
    if let Some(heal) = &scenario.heal {
        trigger(&heal.when, &ids, problems);
        heal.delay.iter().for_each(|delay| bounds(delay, problems));
        if scenario.faults.is_empty() {
            problems.add(heal.at, Complaint::new("there is no fault to heal"));
        }
    }
}

fn fault(fault: &Fault, ids: &[String], problems: &mut Problems) {
    if let Some(when) = &fault.when {
        trigger(when, ids, problems);
    }
    if let Some(probability) = fault.probability.as_ref().filter(|it| !(it.value > 0.0 && it.value <= 1.0)) {
        problems.add(probability.at, Complaint::new("a probability is above 0 and at most 1").hint("as in `0.5`"));
    }
    if let Some(lasts) = fault.lasts.as_ref().filter(|lasts| lasts.shortest().as_millis() == 0) {
        problems.add(lasts.at, Complaint::new("a fault that lasts no time does nothing"));
    }
    if fault.lasts.is_some() && !fault.action.can_be_undone() {
        problems.add(
            fault.action.at,
            Complaint::new(format!("`{}` cannot be undone, so `for` has no meaning", fault.action.name())),
        );
    }
    let beside = [&fault.delay, &fault.lasts].into_iter().flatten().map(|delay| &delay.value);
    beside.chain(fault.action.delay()).for_each(|delay| bounds(delay, problems));
    action(&fault.action, fault.when.as_ref(), problems);
    work(fault, problems);
}

/// Events before which no workflow is under way.
const BEFORE_ALL_WORK: [&str; 3] = ["run.started", "workload.started", "workflow.started"];

fn work(fault: &Fault, problems: &mut Problems) {
    let when = fault.when.as_ref().map(|when| &when.event);
    let too_early = when.is_none_or(|event| BEFORE_ALL_WORK.contains(&event.value.as_str()));
    if fault.action.on_work().is_some() && too_early && fault.delay.is_none() {
        let complaint = Complaint::new("no workflow is under way then");
        problems.add(
            when.map_or(fault.action.at, |event| event.at),
            complaint.hint("wait for an event of its work, such as `when: { event: activity.started }`"),
        );
    }
}

fn bounds(delay: &Delay, problems: &mut Problems) {
    if let Delay::Drawn(Between { between: [shortest, longest] }) = delay
        && shortest.value > longest.value
    {
        problems.add(
            longest.at,
            Complaint::new(format!("nothing lies between {} and {}", shortest.value, longest.value))
                .hint(format!("the shorter one comes first, as in `between: [{}, {}]`", longest.value, shortest.value)),
        );
    }
}

fn action(action: &At<Action>, when: Option<&Trigger>, problems: &mut Problems) {
    let names_token = when
        .and_then(|when| kind_doc(&when.event))
        // A reply of the token endpoint names the token in it.
        .is_some_and(|kind| kind.filters.contains(&"token"));
    let of_trigger =
        |choice: &Option<At<TokenChoice>>| choice.as_ref().is_some_and(|it| it.value == TokenChoice::Trigger);
    let named = action.value.rpcs();
    for rpc in named.into_iter().flat_map(|named| named.values()) {
        // One that is no list stands where all of it does.
        let at = named.filter(|named| named.values().len() == 1).map_or(rpc.at, |named| named.at);
        let known = METHODS.iter().map(String::as_str);
        match &rpc.value {
            Scalar::Text(name) if METHODS.contains(name) => {}
            Scalar::Text(name) => problems.unknown(at, "method of Temporal's frontend", name, known),
            Scalar::Bool(_) | Scalar::Number(_) => {
                let complaint = Complaint::new("`rpc` takes names of methods");
                problems.add(at, complaint.hint("such as `rpc: PollActivityTaskQueue`, or a list of them"));
            }
        }
    }
    if action.delay().is_some_and(|by| by.longest().as_millis() == 0) {
        let complaint = Complaint::new("a delay of no time changes nothing");
        problems.add(action.at, complaint.hint("such as `by: 200ms`, or `by: { between: [50ms, 400ms] }`"));
    }
    match &action.value {
        Action::ApiRefuseToken(refuse) if (refuse.token.is_none() || of_trigger(&refuse.token)) && !names_token => {
            problems.add(
                action.at,
                Complaint::new("the triggering event names no token").hint("wait for an `api.` or `idp.` event"),
            );
        }
        Action::IdpRevoke(revoke) if of_trigger(&revoke.token) && !names_token => {
            let at = revoke.token.as_ref().map_or(action.at, |token| token.at);
            problems.add(
                at,
                Complaint::new("the triggering event names no token").hint("`newest`, or wait for an `api.` event"),
            );
        }
        Action::IdpAlter(alter) if alter.set.is_empty() && alter.omit.is_empty() => {
            problems.add(action.at, Complaint::new("nothing is altered").hint("say what to `set` or to `omit`"));
        }
        Action::IdpRespond(respond) => one_body(&respond.error, &respond.body, problems),
        Action::ApiRespond(respond) => one_body(&respond.error, &respond.body, problems),
        _ => {}
    }
}

fn one_body(error: &Option<At<String>>, body: &Option<At<Value>>, problems: &mut Problems) {
    if let (Some(_), Some(body)) = (error, body) {
        problems.add(body.at, Complaint::new("`body` and `error` exclude each other"));
    }
}

fn trigger(trigger: &Trigger, ids: &[String], problems: &mut Problems) {
    event(&trigger.event, &trigger.filters, true, problems);
    if let Some(after) = trigger.after.as_ref().filter(|after| !ids.contains(&after.value)) {
        problems.unknown(after.at, "fault", after, ids.iter().map(String::as_str));
    }
    if let (Some(field), Some(kind)) = (trigger.per.field(), kind_doc(&trigger.event))
        && !kind.filters.contains(&field)
    {
        problems.add(
            trigger.per.at,
            Complaint::new(format!("events of kind `{}` name no {field}, so they cannot be counted by it", kind.name)),
        );
    }
}

fn event(event: &At<String>, given: &Entries<OneOf>, must_trigger: bool, problems: &mut Problems) {
    let Some(kind) = kind_doc(event) else {
        problems.unknown(event.at, "event", event, triggers());
        return;
    };
    if must_trigger && !can_trigger(kind) {
        problems.add(
            event.at,
            Complaint::new(format!("nothing can wait for `{}`", kind.name))
                .hint("it comes too late; `after` is how one fault follows another"),
        );
    }
    let known = filters(kind);
    for (filter, values) in given.iter() {
        if !known.contains(&filter.value.as_str()) {
            let hint = match known.is_empty() {
                true => format!("`{}` has no filters", kind.name),
                false => suggest(filter, known.iter().copied()),
            };
            problems.add(filter.at, Complaint::new(format!("unknown filter `{}`", filter.value)).hint(hint));
            continue;
        }
        if values.values().is_empty() {
            problems.add(values.at, Complaint::new("nothing is in an empty list"));
        }
        for value in values.values() {
            filter_value(kind.name, filter, value, values.at, problems);
        }
    }
}

fn filter_value(event: &str, filter: &str, value: &At<Scalar>, list: Position, problems: &mut Problems) {
    // A single value has no place of its own: it is the whole.
    let at = if value.at == Position::default() { list } else { value.at };
    let number = || {
        matches!(filter, "attempt" | "n" | "code" | "port") || (filter == "status" && !event.starts_with("workflow"))
    };
    // Traits of routes, and fields that say whether.
    let yes_or_no = matches!(filter, "delivered" | "expected")
        || (ROUTE_TRAITS.contains(&filter) && kind_doc(event).is_none_or(|kind| !kind.filters.contains(&filter)));
    match &value.value {
        Scalar::Text(_) | Scalar::Number(_) if yes_or_no => {
            problems.add(
                at,
                Complaint::new(format!("`{filter}` is either `true` or `false`"))
                    .hint(format!("write `{filter}: true` or `{filter}: false`, without quotes")),
            );
        }
        Scalar::Text(word) => {
            if let Some(known) = values_of(event, filter)
                && !known.contains(&word.as_str())
            {
                problems.unknown(at, filter, word, known.iter().copied());
            } else if number() {
                let hint = match word.parse::<i64>() {
                    Ok(number) => format!("without quotes it is a number: `{filter}: {number}`"),
                    Err(_) => format!("such as `{filter}: 1`"),
                };
                problems.add(at, Complaint::new(format!("`{word}` is no number, and `{filter}` is one")).hint(hint));
            }
        }
        Scalar::Number(number_given) if values_of(event, filter).is_some() => {
            problems.add(
                at,
                Complaint::new(format!("`{filter}` is a word, not `{number_given}`"))
                    .hint(suggest(&number_given.to_string(), values_of(event, filter).into_iter().flatten().copied())),
            );
        }
        Scalar::Number(given) => {
            let possible = match filter {
                "status" if number() => 100..=599,
                "attempt" | "n" => 1..=i64::from(u32::MAX),
                _ => return,
            };
            if !possible.contains(given) {
                let complaint = Complaint::new(format!("no event has the {filter} {given}"));
                problems.add(at, complaint.hint(format!("from {} to {}", possible.start(), possible.end())));
            }
        }
        Scalar::Bool(_) => {}
    }
}

fn field_of(event: &str, field: &At<String>, problems: &mut Problems) {
    if let Some(kind) = kind_doc(event)
        && !kind.filters.contains(&field.value.as_str())
    {
        problems.unknown(field.at, "field", field, kind.filters.iter().copied());
    }
}
