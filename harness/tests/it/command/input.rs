//! Values of the wrong kind in files: told in the user's terms with place and hint, before anything is started.

use super::support::{Place, shell_target};

const SCENARIO: &str = "scenario: mine\nfamily: own\ntitle: T\nfaults:\n  - { id: a, when: { event: api.response, nth: 1 }, \
                        do: { api.respond: { status: 503 } } }\n";

/// What `validate` and `run` say of a file. Nothing may be started.
fn said(name: &str, text: &str) -> String {
    let place = Place::new();
    place.write(name, text);
    let run = if name == "t.yaml" { "run --target t.yaml".to_owned() } else { format!("run {name}") };
    let [validated, ran] = [format!("validate {name}"), run].map(|arguments| {
        let done = place.run(&arguments);
        assert!(done.has_code(2).out.is_empty(), "{arguments} of\n{text}\nsays\n{}", done.out);
        // However it was wrapped.
        done.err.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
    });
    assert!(!place.path().join("tokenlapse-out").exists(), "nothing is started for\n{text}");
    let told = validated.trim_start_matches("× ");
    assert!(told.contains("file is empty") || ran.contains(told), "`run` says\n{ran}\nand `validate`\n{validated}");
    ran
}

#[test]
fn what_is_of_the_wrong_kind_is_told_in_the_users_terms_with_a_hint() {
    let target = shell_target("true", "3s");
    let of_target = |what: &str, instead: &str| ("t.yaml", target.replace(what, instead));
    let of_scenario = |what: &str, instead: &str| ("s.yaml", SCENARIO.replace(what, instead));
    let number = "a whole number from 1";
    for ((name, text), place, message, hint) in [
        (
            of_target("[sh, -c, \"true\"]", "python3 worker.py"),
            "t.yaml:3:12",
            "a list of words, not the text `python3 worker.py`",
            "`command: [python3, worker.py]`",
        ),
        (of_target("3s", "99999999999d"), "t.yaml:4:18", "`99999999999d` is too long", "at most `3650d`"),
        (of_target("SyncOrders", "7"), "t.yaml:5:23", "`workflow` takes text, not `7`", "`workflow: \"7\"`"),
        (
            of_target("SyncOrders", "S, count: \"1\""),
            "t.yaml:5:33",
            "`count` takes a whole number from 1, not the text `1`",
            "without quotes it is a number: `count: 1`",
        ),
        (of_target("SyncOrders", "S, count: -1"), "t.yaml:5:33", number, "such as `count: 1`"),
        (of_target("SyncOrders", "S, count: 1.5"), "t.yaml:5:33", number, "such as `count: 1`"),
        (of_target("SyncOrders", "S, count: 4294967296"), "t.yaml:5:33", number, "at most 4294967295"),
        (
            of_target("{ workflow: SyncOrders }", "[1]"),
            "t.yaml:5:11",
            "`workload` takes a mapping, not a list",
            "`workload: { workflow: … }`",
        ),
        (
            of_target("SyncOrders", ""),
            "t.yaml:5:",
            "`workflow` takes text, and there is nothing",
            "it stands behind `workflow:`",
        ),
        (("t.yaml", "# nothing yet\n".to_owned()), "t.yaml:1:1", "the file is empty", "`target: NAME`"),
        (
            of_scenario("nth: 1", "nth: one"),
            "s.yaml:5:48",
            "`nth` takes a whole number from 1, not the text `one`",
            "`nth: 1`",
        ),
        (of_scenario("nth: 1", "nth: 0"), "s.yaml:5:48", "`nth` takes a whole number from 1, not `0`", "`nth: 1`"),
        (
            of_scenario("title: T", "title: [a]"),
            "s.yaml:3:8",
            "`title` takes text, not a list",
            "in quotes where it begins with a bracket",
        ),
        (
            of_scenario("{ api.respond: { status: 503 } }", "api.respond"),
            "s.yaml:5:57",
            "a mapping with one key, not the text",
            "write `do: { api.respond: … }`",
        ),
        (of_scenario("{ status: 503 }", "503"), "s.yaml:5:72", "`api.respond` takes a mapping", "{ status: … }"),
        (("s.yaml", String::new()), "s.yaml:1:1", "the file is empty", "`tokenlapse new scenario ID`"),
    ] {
        let said = said(name, &text);
        for wanted in [place, message, hint] {
            assert!(said.contains(wanted), "`{wanted}` is missing in\n{said}");
        }
        assert_eq!(said.matches(hint).count(), 1, "a hint is given once:\n{said}");
        assert_eq!(said.matches('×').count(), 1, "one mistake is told once:\n{said}");
    }
}

#[test]
fn all_values_of_the_wrong_kind_are_told_at_once() {
    let text = SCENARIO.replace("title: T", "title: [a]").replace("nth: 1", "nth: one").replace("id: a", "di: a");
    let said = said("s.yaml", &text);
    assert!(said.contains("s.yaml:3:8") && said.contains("s.yaml:5:48"), "{said}");
}

#[test]
fn of_two_faults_with_one_id_only_that_is_told() {
    let others = "  - { id: a, when: { event: api.response, after: b }, do: { api.respond: { status: 503 } } }\n  \
                  - { id: b, when: { event: api.response, after: a }, do: { api.respond: { status: 503 } } }\n";
    let twice = said("s.yaml", &format!("{SCENARIO}{others}"));
    assert!(twice.contains("s.yaml:6:11: two faults have the id `a`"), "{twice}");
    assert_eq!(twice.matches('×').count(), 1, "{twice}");
    let round = said("s.yaml", &format!("{}{others}", SCENARIO.replace("id: a", "id: c")));
    assert_eq!(round.matches("waits for itself").count(), 2, "where ids are clear, a circle is found: {round}");
}
