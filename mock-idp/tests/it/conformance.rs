//! Which rule of an RFC each test holds, by the tests' names; the table of the README is made of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Set to write the table anew instead of comparing it.
const WRITE: &str = "MOCK_IDP_WRITE_README";
const BEGIN: &str =
    "<!-- rules: written by `MOCK_IDP_WRITE_README=1 cargo test -p mock-idp --test it conformance` -->\n";
const END: &str = "<!-- end of rules -->\n";

/// What must be held by a test: the rule, in words, and how the names of its tests begin.
const RULES: &[(&str, &str)] = &[
    ("rfc6749_5_1", "a success is JSON with token and type that no cache keeps"),
    ("rfc6749_5_2", "a refusal is 400 with one of six codes, or 401 with a challenge for a client that failed"),
    ("rfc6749_6", "a refresh may narrow the scope and never widens it"),
    ("rfc6749_4_1_2", "a code is good once; used again, it ends what it gave"),
    ("rfc6749_3_1_2_4", "nothing is sent to an address that is not registered"),
    ("rfc6750_3_1", "a resource says in its challenge what is wrong"),
    ("rfc7009", "an unknown token is as good as revoked, one of another client is refused"),
    ("rfc7523_3", "whatever is wrong with a client's assertion is `invalid_client`"),
    ("rfc7523_2_1", "whatever is wrong with a grant's assertion is `invalid_grant`"),
    ("rfc7636", "a code with a challenge needs its verifier"),
    ("rfc7662", "dead, unknown and foreign tokens look alike"),
    ("rfc8414", "metadata names what is served"),
    ("rfc8628_3_5", "a device waits, slows down, is refused or comes late"),
    ("rfc8693_2_2_1", "an exchange says what type of token it gives"),
    ("rfc8693_2_2_2", "each refusal of an exchange has its code"),
    ("rfc8705", "certificates prove clients and bind tokens"),
    ("rfc9068", "an access token says what it is, and verifies against the published keys"),
    ("rfc9110_10_2_3", "how long to wait is said in seconds or as a date"),
    ("rfc9126", "a pushed request is good once, for its client and its time"),
    ("rfc9449_4_3", "each check of a proof refuses"),
    ("rfc9449_8", "a nonce is asked for, told and replaced"),
    ("rfc9700_4_14", "the refresh token of a public client is replaced, and its reuse ends the family"),
    ("rfc9701", "an answer of introspection is signed for who asks for it"),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut found: Vec<PathBuf> = Vec::new();
    for path in entries {
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The names of functions that stand right below an attribute that makes a test of them, and are named after an RFC.
fn tests_of(source: &str) -> Vec<String> {
    let mut attributes = false;
    let mut names = Vec::new();
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[") {
            attributes |= line == "#[test]" || line.starts_with("#[tokio::test");
            continue;
        }
        let name = line.trim_start_matches("async ").strip_prefix("fn rfc").and_then(|rest| rest.split('(').next());
        if let Some(name) = name.filter(|_| attributes) {
            names.push(format!("rfc{name}"));
        }
        attributes = false;
    }
    names
}

/// `rfc6749_5_1_a_success_is_json`: the number, the section, and what it shows.
fn taken_apart(name: &str) -> (u32, String, String) {
    let mut words = name.trim_start_matches("rfc").split('_').peekable();
    let number = words.next().and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{name}"));
    let mut section: Vec<&str> = Vec::new();
    while let Some(word) = words.next_if(|word| word.parse::<u32>().is_ok()) {
        section.push(word);
    }
    let section = if section.is_empty() { String::new() } else { format!(" §{}", section.join(".")) };
    (number, section, words.collect::<Vec<_>>().join(" "))
}

/// Number of an RFC and its section.
type Rule = (u32, String);

/// A test's name, what it shows, and its file.
type Test = (String, String, String);

/// Every test that is named after a rule.
fn held() -> BTreeMap<Rule, BTreeSet<Test>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut held: BTreeMap<Rule, BTreeSet<Test>> = BTreeMap::new();
    for path in ["src", "tests"].iter().flat_map(|folder| sources(&root.join(folder))) {
        let file = path.strip_prefix(root).expect("below").display().to_string();
        for name in tests_of(&fs::read_to_string(&path).expect("text")) {
            let (number, section, shows) = taken_apart(&name);
            held.entry((number, section)).or_default().insert((name, shows, file.clone()));
        }
    }
    held
}

#[test]
fn each_rule_has_a_test_that_is_named_after_it() {
    let names: Vec<String> = held().into_values().flatten().map(|(name, ..)| name).collect();
    let lacking: Vec<_> = RULES
        .iter()
        .filter(|(begin, _)| {
            !names.iter().any(|name| name.strip_prefix(begin).is_some_and(|rest| rest.starts_with('_')))
        })
        .collect();
    assert!(lacking.is_empty(), "no test holds {lacking:?}");
}

#[test]
fn only_tests_count() {
    let source =
        "#[test]\nfn rfc1_2_a() {}\nfn rfc3_b() {}\n#[tokio::test]\n#[ignore]\nasync fn rfc4_c() {}\nfn x() {}\n";
    assert_eq!(tests_of(source), ["rfc1_2_a", "rfc4_c"]);
    assert_eq!(taken_apart("rfc6749_4_1_2_1_each_one"), (6749, " §4.1.2.1".to_owned(), "each one".to_owned()));
}

#[test]
fn the_readme_has_every_rule() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).expect("a README");
    let (before, rest) = readme.split_once(BEGIN).expect("the beginning of the table");
    let (written, after) = rest.split_once(END).expect("the end of the table");
    let mut table = String::from("\n| rule | a test shows that | in |\n|---|---|---|\n");
    for ((number, section), tests) in held() {
        for (_, shows, file) in tests {
            table += &format!("| RFC {number}{section} | {shows} | `{file}` |\n");
        }
    }
    table.push('\n');
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).expect("written");
        return;
    }
    assert!(written == table, "README.md does not say what the tests are: {WRITE}=1 writes it anew");
}
