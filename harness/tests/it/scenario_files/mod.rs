//! The files that ship: they are read, they fit each other, and every mistake in them is found where it was made.

mod mistakes;

use std::collections::BTreeSet;

use tokenlapse::scenario::{
    Action, Facts, Scenario, builtin_target, catalogue, duplicates, failure_mode, resolve, scenario_schema,
    target_schema,
};

fn scenarios() -> Vec<Scenario> {
    catalogue().unwrap_or_else(|problems| panic!("{problems:#?}"))
}

#[test]
fn every_scenario_is_named_like_its_file() {
    let files: Vec<_> = tokenlapse_scenarios::scenarios().collect();
    let scenarios = scenarios();
    assert_eq!(files.len(), scenarios.len());
    for (file, scenario) in files.iter().zip(&scenarios) {
        assert_eq!(scenario.scenario.value, file.id, "{}", file.path);
        assert_eq!(scenario.family.value, file.family, "{}", file.path);
        assert!(scenario.scenario.starts_with(&file.family), "{}: an id begins with its family", file.path);
    }
    assert_eq!(duplicates(&scenarios), Vec::<&str>::new());
}

#[test]
fn every_scenario_says_what_it_is_for() {
    for scenario in scenarios() {
        let id = &scenario.scenario.value;
        assert!(!scenario.proves.is_empty(), "{id} proves nothing");
        assert!(!scenario.mirrors.is_empty(), "{id} mirrors nothing");
        assert!(!scenario.faults.is_empty(), "{id} has no fault");
        assert!(!scenario.title.ends_with('.'), "{id}: a title is no sentence");
        // A target's own number of workflows would change what happens.
        assert!(scenario.workload.count.is_some(), "{id} leaves the number of workflows open");
        for mode in &scenario.mirrors {
            assert!(failure_mode(mode).is_some(), "{id}: {} is not in failure-modes.yaml", mode.value);
        }
    }
}

#[test]
fn every_scenario_runs_on_the_built_in_target() {
    let target = builtin_target().expect("valid");
    for scenario in scenarios() {
        let id = &scenario.scenario.value;
        let resolved = resolve(&target, &scenario, &Facts::default()).unwrap_or_else(|unmet| panic!("{id}: {unmet:?}"));
        for fault in &resolved.faults {
            for (field, values) in &fault.when.filters {
                assert!(!values.is_empty(), "{id}: no value of {field} meets {}", fault.id);
            }
        }
    }
}

#[test]
fn more_than_one_workflow_is_held_together_or_kept_apart() {
    for scenario in scenarios() {
        let number = |it: &Option<tokenlapse::scenario::At<std::num::NonZeroU32>>| it.as_ref().map_or(1, |it| it.get());
        if number(&scenario.workload.count) == 1 || number(&scenario.workload.concurrency) == 1 {
            continue;
        }
        let all = number(&scenario.workload.count);
        let gathered = |fault: &Action| matches!(fault, Action::ApiHold(hold) if hold.until.get() == all);
        assert!(
            scenario.faults.iter().any(|fault| gathered(&fault.action)),
            "{}: what happens is left to chance",
            scenario.scenario.value
        );
    }
}

#[test]
fn the_built_in_target_names_the_defects_that_its_worker_knows() {
    let target = builtin_target().expect("valid");
    let named: Vec<&str> = target.defects.iter().map(|defect| defect.value.as_str()).collect();
    let known: Vec<&str> = reference_worker::defect::all().map(|defect| defect.name).collect();
    assert_eq!(named, known);
}

#[test]
fn what_checks_and_defects_mirror_is_told() {
    for check in tokenlapse::check::ALL {
        assert!(failure_mode(check.failure_mode()).is_some(), "{} mirrors {}", check.id(), check.failure_mode());
    }
    for defect in reference_worker::defect::all() {
        assert!(failure_mode(defect.mirrors).is_some(), "{} mirrors {}", defect.name, defect.mirrors);
    }
}

#[test]
fn every_failure_mode_that_is_told_is_mirrored() {
    let mut mirrored: BTreeSet<String> =
        scenarios().iter().flat_map(|scenario| &scenario.mirrors).map(|mode| mode.value.clone()).collect();
    mirrored.extend(tokenlapse::check::ALL.iter().map(|check| check.failure_mode().to_owned()));
    mirrored.extend(reference_worker::defect::all().map(|defect| defect.mirrors.to_owned()));
    for mode in tokenlapse::scenario::failure_modes() {
        assert!(mirrored.contains(&mode.id), "nothing stands for {}", mode.id);
    }
}

/// Actions that no scenario of the catalogue needs yet, and why.
const WITHOUT_A_SCENARIO: [(&str, &str); 10] = [
    ("idp.consent", "a workflow that waits for re-consent needs a target with `on_permanent: wait`"),
    ("idp.alter", "answers that no standard allows are a family to come"),
    ("gate.require_bearer", "scenarios ask for a bearer from the start; one that begins to is to come"),
    ("worker.kill", "nobody starts a killed worker again, so nobody would go on; `worker.restart` does"),
    ("worker.stop", "a worker that ends in good order is not started again; `worker.restart` with a notice does both"),
    ("worker.resume", "healing resumes who was frozen; a scenario that does it at an event is to come"),
    ("activity.reset", "begins only what waits for a retry anew, and how long that waits is the target's"),
    ("workflow.terminate", "ends a workflow without its worker, which can do nothing about it"),
    ("workflow.reset", "what is done twice then is done so for the operator, not for the worker"),
    ("workflow.signal", "what signals a workflow takes is the target's"),
];

#[test]
fn every_action_has_a_scenario_or_a_reason() {
    let used: BTreeSet<&str> =
        scenarios().iter().flat_map(|it| it.faults.iter()).map(|fault| fault.action.name()).collect();
    for (name, _) in Action::DOCS {
        let excused = WITHOUT_A_SCENARIO.iter().any(|(excused, _)| excused == name);
        assert_ne!(
            used.contains(name),
            excused,
            "{name}: used by a scenario: {}, excused: {excused}",
            used.contains(name)
        );
    }
    for (name, _) in WITHOUT_A_SCENARIO {
        assert!(Action::DOCS.iter().any(|(known, _)| *known == name), "{name} is no action");
    }
}

#[test]
fn every_check_has_a_scenario_that_exists_for_it() {
    // A leak or a false identity is looked for in every scenario, and needs none of its own.
    let everywhere = ["no-secret-leaks", "right-identity"];
    let proved: BTreeSet<String> =
        scenarios().iter().flat_map(|it| &it.proves).map(|check| check.value.clone()).collect();
    for check in tokenlapse::scenario::check_ids() {
        assert_ne!(proved.contains(check), everywhere.contains(&check), "{check}");
    }
}

#[test]
fn the_examples_of_the_readme_are_good() {
    let readme = include_str!("../../../../scenarios/README.md");
    let examples: Vec<&str> =
        readme.split("```yaml").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0)).collect();
    assert_eq!(examples.len(), 4);
    for example in examples {
        // Examples inside a list are indented with it.
        let indent = example.lines().nth(1).map_or(0, |line| line.len() - line.trim_start().len());
        let text: String =
            example.lines().skip(1).map(|line| format!("{}\n", line.get(indent..).unwrap_or(""))).collect();
        Scenario::parse(&text, "README.md").unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"));
    }
}

#[test]
fn the_schemas_are_what_they_were() {
    insta::assert_snapshot!("scenario_schema", format!("{:#}", scenario_schema().to_value()));
    insta::assert_snapshot!("target_schema", format!("{:#}", target_schema().to_value()));
}
