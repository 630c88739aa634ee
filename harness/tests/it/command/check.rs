//! Old journals, judged once more: what can be read is judged, whatever lies beside it.

use std::path::PathBuf;

use serde_json::Value;

use super::schema::differences;
use super::shared::temporal;
use super::support::{Done, Place};

/// A run of one scenario, which passes, and its directory.
fn ran() -> (Place, PathBuf) {
    let place = Place::new();
    place.run(&format!("run early-refusal-before-exp --seed 7 --temporal {}", temporal())).has_code(0);
    let run = place.runs("tokenlapse-out").remove(0);
    (place, run)
}

fn check(place: &Place, arguments: &str) -> Done {
    place.run(&format!("check tokenlapse-out/latest {arguments}"))
}

fn ids(json: &Value, list: &str, key: &str) -> Vec<String> {
    let all = json[list].as_array().expect("a list").iter();
    all.map(|one| one[key].as_str().expect("text").to_owned()).collect()
}

#[test]
fn what_can_be_read_is_judged_beside_what_cannot() {
    let (place, run) = ran();
    let whole = std::fs::read_to_string(run.join("early-refusal-before-exp.jsonl")).expect("a journal");
    let version = whole.replacen("\"schema\":2", "\"schema\":1", 1);
    let resolved =
        whole.replacen("\"scenario\":\"early-refusal-before-exp\",\"family\"", "\"scenario\":[],\"family\"", 1);
    let schema = place.run("schema check").has_code(0).json();
    assert!(version != whole && resolved != whole, "both are changed");
    for (name, text, reason, hint) in [
        ("a-empty", "", "it ends before its first record does", "run it again"),
        ("b-torn", &whole[..40], "it ends before its first record does", "run it again"),
        ("c-other", "precious\n", "line 1 is not a journal record", "is of another program"),
        ("d-gap", &whole.replacen("\"seq\":2,", "\"seq\":3,", 1), "lines are missing", "take the original"),
        ("e-version", &version, "format version 1, this command reads 2", "the version of tokenlapse that wrote it"),
        ("f-resolved", &resolved, "its first record cannot be read", "the version of tokenlapse that wrote it"),
    ] {
        let file = run.join(format!("{name}.jsonl"));
        std::fs::write(&file, text).expect("written");
        let path = format!("tokenlapse-out/latest/{name}.jsonl");
        let text = check(&place, "");
        text.has_code(2).shows(&["pass           control", "pass           early-refusal-before-exp"]);
        text.tells(&[&format!("tokenlapse check: {path}: "), reason, "\n  hint: ", hint]);
        let done = check(&place, "missing.jsonl --format json");
        let json = done.has_code(2).tells(&[&path, "missing.jsonl: "]).json();
        assert_eq!(differences(&schema, &json), [""; 0], "{json:#}");
        assert_eq!(ids(&json, "scenarios", "id"), ["control", "early-refusal-before-exp"]);
        assert_eq!(ids(&json, "scenarios", "verdict"), ["pass", "pass"]);
        assert_eq!(
            ids(&json, "unreadable", "path"),
            ["missing.jsonl".to_owned(), path.clone()].into_iter().rev().collect::<Vec<_>>()
        );
        let one = &json["unreadable"][0];
        assert!(one["reason"].as_str().is_some_and(|it| it.contains(reason)), "{name}: {one}");
        assert!(one["hint"].as_str().is_some_and(|it| it.contains(hint)), "{name}: {one}");
        // A story needs nothing but the events.
        let has_story = name == "f-resolved";
        let stories = check(&place, "--transcript");
        stories
            .has_code(if has_story { 0 } else { 2 })
            .shows(&["==> tokenlapse-out/latest/early-refusal-before-exp.jsonl <=="]);
        assert_eq!(stories.err.contains(&path), !has_story, "{name}: {}", stories.err);
        std::fs::remove_file(file).expect("removed");
    }
}

#[test]
fn verdicts_are_counted_as_a_run_counts_them() {
    let (place, run) = ran();
    check(&place, "").has_code(0).shows(&["\n\n2 pass  of 2 journals\n"]);
    assert_eq!(
        check(&place, "--format json").json()["totals"],
        serde_json::json!({
            "pass": 2, "fail": 0, "vacuous": 0, "invalid": 0, "not_applicable": 0, "skipped": 0, "known": 0,
        })
    );
    std::fs::write(run.join("empty.jsonl"), "").expect("written");
    check(&place, "").has_code(2).shows(&["\n\n2 pass  of 2 journals; one more could not be read\n"]);
    check(&place, "missing").has_code(2).shows(&["\n\n2 pass  of 2 journals; 2 more could not be read\n"]);
    assert_eq!(check(&place, "--format json").json()["totals"]["pass"], 2);
}

#[test]
fn a_scenario_that_was_interrupted_is_told_as_such() {
    let (place, run) = ran();
    let file = run.join("early-refusal-before-exp.jsonl");
    let whole = std::fs::read_to_string(&file).expect("a journal");
    let half = &whole[..whole.len() / 2];
    let lines = half.rfind('\n').expect("more than one record") + 1;
    // As Ctrl-C leaves it, and as kill -9 may.
    for text in [&half[..lines], half] {
        std::fs::write(&file, text).expect("written");
        check(&place, "").has_code(1).shows(&[
            "invalid        early-refusal-before-exp",
            "      the run was interrupted before this scenario ended, or still goes on",
            "\n\ninterrupted: one scenario run had not ended\n1 pass, 1 invalid  of 2 journals\n",
            "or the lab failed or was ended early",
        ]);
        let json = check(&place, "--format json").json();
        assert_eq!(json["interrupted"], true);
        assert_eq!(ids(&json, "scenarios", "verdict"), ["pass", "invalid"]);
    }
    std::fs::write(&file, whole).expect("written");
    let done = check(&place, "");
    assert!(!done.has_code(0).out.contains("interrupted"), "{}", done.out);
    assert_eq!(check(&place, "--format json").json()["interrupted"], false);
}

#[test]
fn a_directory_without_journals_is_told_beside_one_that_has_some() {
    let (place, _) = ran();
    std::fs::create_dir(place.path().join("empty")).expect("made");
    let done = check(&place, "tokenlapse-out empty --format json");
    let json = done.has_code(2).json();
    assert_eq!(ids(&json, "scenarios", "verdict"), ["pass", "pass"]);
    assert_eq!(ids(&json, "unreadable", "path"), ["tokenlapse-out", "empty"]);
    done.tells(&[
        "tokenlapse-out: there is no journal",
        "hint: journals lie in the directory of a run: `tokenlapse-out/latest`",
    ]);
}
