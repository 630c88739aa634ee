//! What a run prints, for people and for programs.

use serde_json::Value;

use super::schema::differences;
use super::shared::temporal;
use super::support::{Done, Place, good_target, shell_target};

fn schema() -> Value {
    Place::new().run("schema report").has_code(0).json()
}

/// A pass, a failure, a vacuous one, and one that does not apply.
fn mixed() -> (Place, Value) {
    let place = Place::new();
    place.write("mine.yaml", &good_target().replace("  - { grant: refresh_token", "  # - { grant: refresh_token"));
    place.write(
        "inert.yaml",
        "scenario: inert\nfamily: own\ntitle: Nothing bites\nfaults:\n  - when: { event: api.response, nth: 99 }\n    \
         do: { api.respond: { status: 503 } }\n",
    );
    place.write(
        "long.yaml",
        &format!(
            "scenario: long\nfamily: own\ntitle: More requests than there are\nrequires:\n  - control-shows: [{}]\nfaults:\n  \
             - when: {{ event: api.request, nth: 40 }}\n    do: {{ api.respond: {{ status: 503 }} }}\n",
            vec!["{ event: api.request }"; 40].join(", ")
        ),
    );
    let ids = "early-refusal-before-exp outage-effect-reply-lost revocation-refresh-token inert.yaml long.yaml";
    let server = format!(" --temporal {}", temporal());
    let done = place.run(&format!("run {ids} --target mine.yaml --defect ships-twice --seed 7 --format json{server}"));
    let json = done.has_code(1).json();
    (place, json)
}

#[test]
fn the_object_is_that_of_the_contract_and_fits_its_schema() {
    let (place, json) = mixed();
    assert_eq!(differences(&schema(), &json), [""; 0], "{json:#}");
    assert!(json["error"].is_null(), "there are verdicts: {}", json["error"]);
    for key in ["version", "target", "temporal", "idp", "seed", "defect", "totals", "figures", "scenarios"] {
        assert!(json.get(key).is_some(), "{key}");
    }
    assert_eq!((&json["seed"], &json["defect"], &json["target"]), (&"7".into(), &"ships-twice".into(), &"mine".into()));
    let verdict = |id: &str| {
        let all = json["scenarios"].as_array().expect("a list");
        let one = all.iter().find(|it| it["id"] == id).unwrap_or_else(|| panic!("{id} in {json:#}"));
        for key in ["id", "family", "repeat", "verdict", "reason", "duration_ms", "checks", "faults", "journal"] {
            assert!(one.get(key).is_some(), "{id} has {key}");
        }
        one["verdict"].as_str().expect("text").to_owned()
    };
    assert_eq!(verdict("early-refusal-before-exp"), "pass");
    assert_eq!(verdict("outage-effect-reply-lost"), "fail");
    assert_eq!(verdict("revocation-refresh-token"), "not_applicable");
    assert_eq!(verdict("inert"), "vacuous");
    // What its control shows decides that it does not apply, so there is no journal of it.
    assert_eq!(verdict("long"), "not_applicable");
    let all = json["scenarios"].as_array().expect("a list");
    let long = all.iter().find(|it| it["id"] == "long").expect("it is told");
    assert!(long["journal"].is_null(), "{long}");
    assert!(long["reason"].as_str().is_some_and(|it| it.contains("no api.request follows api.request")), "{long}");
    assert_eq!(verdict("control"), "pass");
    let failing = json.pointer("/scenarios").and_then(Value::as_array).expect("a list");
    let failing = failing.iter().find(|it| it["verdict"] == "fail").expect("one fails");
    let check = failing["checks"].as_array().expect("a list").iter().find(|it| it["verdict"] == "fail");
    let check = check.expect("a check fails");
    assert_eq!(check["id"], "effect-once");
    assert!(check["events"].as_array().is_some_and(|events| !events.is_empty()));
    let fault = &failing["faults"][0];
    assert_eq!((&fault["action"], &fault["fired"], &fault["bit"]), (&"api.drop_reply".into(), &1.into(), &1.into()));

    // Its journals give the same verdicts once more, in colour only where that is wanted.
    let run = place.runs("tokenlapse-out").remove(0);
    let journal = run.join(failing["journal"].as_str().expect("a path")).display().to_string();
    let check = |variables: &[(&str, &str)]| {
        let mut command = place.command(&format!("check {journal}"));
        command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").envs(variables.iter().copied());
        let done = Done::of(command.output().expect("it runs"));
        done.has_code(1).shows(&["effect-once", "expected: at most 1"]);
        done.out.contains('\u{1b}')
    };
    assert!(!check(&[]), "no colours in a pipe");
    assert!(check(&[("CLICOLOR_FORCE", "1")]), "colours where they are forced");
    assert!(!check(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]), "none with NO_COLOR");
}

#[test]
fn a_run_without_any_verdict_is_an_object_that_says_why() {
    let place = Place::new();
    place.write("file", "precious");
    place.write("t.yaml", &shell_target("exit 7", "30s"));
    place.write("wrong.yaml", "scenario: w\nfamly: own\n");
    let server = format!("--temporal {}", temporal());
    for (arguments, code, target, why) in [
        ("early-refusal --temporal 127.0.0.1:1", 3, "builtin", "no Temporal server answers at 127.0.0.1:1"),
        ("early-refusal --temporal-bin /bin/true", 3, "builtin", "the Temporal server ended at once"),
        (&format!("early-refusal --out file/out {server}"), 3, "builtin", "`--out DIR` names another place"),
        (&format!("early-refusal --target t.yaml {server}"), 3, "mine", "exit code 7"),
        ("nonsense", 2, "builtin", "`tokenlapse list` shows all"),
        ("wrong.yaml", 2, "builtin", "wrong.yaml:2:1"),
        ("--target missing.yaml", 2, "missing.yaml", "missing.yaml cannot be read"),
        ("--temporal nonsense", 2, "builtin", "HOST:PORT"),
    ] {
        let done = place.run(&format!("run {arguments} --seed 7 --format json"));
        let json = done.has_code(code).tells(&["tokenlapse run: "]).json();
        assert_eq!(differences(&schema(), &json), [""; 0], "{json:#}");
        assert!(json["error"].as_str().is_some_and(|error| error.contains(why)), "{arguments}: {json:#}");
        assert_eq!((&json["seed"], &json["target"]), (&"7".into(), &target.into()), "{arguments}");
        assert_eq!((&json["interrupted"], &json["totals"]["pass"]), (&false.into(), &0.into()), "{arguments}");
        // For people there is nothing to be said twice.
        assert!(place.run(&format!("run {arguments}")).has_code(code).out.is_empty(), "{arguments}");
    }
}

#[test]
fn each_repetition_and_its_journal_is_reported() {
    let place = Place::new();
    let done = place.run("run early-refusal-before-exp --repeat 3 --out elsewhere --format json");
    let json = done.has_code(0).json();
    assert!(done.err.is_empty(), "no progress where there is no terminal: {}", done.err);
    let run = place.path().join("elsewhere/latest");
    for (number, name) in ["early-refusal-before-exp.jsonl", "early-refusal-before-exp.2.jsonl"].iter().enumerate() {
        let all = json["scenarios"].as_array().expect("a list");
        let one = all.iter().find(|it| it["repeat"] == number + 1 && it["id"] != "control").expect("it ran");
        assert_eq!(one["journal"], *name);
        assert!(run.join(name).exists());
    }
    assert_eq!(json["totals"]["pass"], 4, "three and their control");
    assert_eq!(json["figures"]["scenarios"]["early-refusal-before-exp"]["runs"], 3);
}

#[test]
fn people_read_what_is_wrong_and_how_to_go_on() {
    let place = Place::new();
    let done = place.run("run outage-effect-reply-lost --defect ships-twice --seed 7");
    done.has_code(1).shows(&[
        "effect-once fails",
        "expected: at most 1, as in the control",
        "explain  tokenlapse explain outage-effect-reply-lost effect-once",
        "replay   tokenlapse run outage-effect-reply-lost --seed 7 --defect ships-twice",
        "1 pass, 1 fail",
    ]);
    place.write(
        "inert.yaml",
        "scenario: inert\nfamily: own\ntitle: Nothing bites\nfaults:\n  - when: { event: api.response, nth: 99 }\n    \
         do: { api.respond: { status: 503 } }\n",
    );
    let done = place.run("run inert.yaml --seed 7");
    done.has_code(1).shows(&[
        "vacuous        inert",
        "never fired",
        "replay   tokenlapse run inert.yaml --seed 7",
        "vacuous: a fault had no effect",
    ]);
    assert!(!done.out.contains("explain inert"), "it is in no catalogue: {}", done.out);
}
