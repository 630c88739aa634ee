//! The command as a black box.

mod check;
mod dialects;
mod doctor;
mod ending;
mod input;
mod operations;
mod report;
mod schema;
mod shared;
mod support;
mod trouble;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn tokenlapse(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tokenlapse")).args(arguments).stdin(Stdio::null()).output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn every_file_that_ships_is_good() {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").join("scenarios");
    let files: Vec<String> = ["targets/builtin.yaml", "templates/scenario.yaml", "templates/target.yaml"]
        .into_iter()
        .map(|file| scenarios.join(file).display().to_string())
        .collect();
    let arguments: Vec<&str> = std::iter::once("validate").chain(files.iter().map(String::as_str)).collect();
    let done = tokenlapse(&arguments);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    assert_eq!(text(&done.stdout).lines().count(), 3);
}

#[test]
fn a_wrong_file_is_code_2_with_line_column_and_the_nearest_word() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("wrong.yaml");
    let good = tokenlapse::scenario::scenario_template("mine");
    let line = good.lines().position(|line| line.contains("nth:")).expect("the template has a trigger") + 1;
    std::fs::write(&file, good.replacen("nth:", "nht:", 1)).expect("written");
    let done = tokenlapse(&["validate", &file.display().to_string(), "no-such-file.yaml"]);
    let said = text(&done.stderr);
    assert_eq!(done.status.code(), Some(2), "{said}");
    assert!(said.contains(&format!("wrong.yaml:{line}:")) && said.contains("`nth`"), "{said}");
    assert!(said.contains("no-such-file.yaml: cannot be read"), "the other file is looked at too: {said}");
}

#[test]
fn wrong_usage_is_code_2() {
    for arguments in [&[][..], &["what"], &["validate"], &["schema", "what"], &["idp", "--lifetime", "0"]] {
        assert_eq!(tokenlapse(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_schema_is_json_that_knows_the_keys() {
    for (file, key) in [("target", "worker"), ("scenario", "faults")] {
        let done = tokenlapse(&["schema", file]);
        assert_eq!(done.status.code(), Some(0));
        let schema: serde_json::Value = serde_json::from_slice(&done.stdout).expect("JSON");
        assert!(schema["properties"].get(key).is_some(), "{file} has {key}");
    }
}

#[test]
fn the_identity_provider_says_where_it_is_and_a_taken_port_is_code_3() {
    let mut idp = Command::new(env!("CARGO_BIN_EXE_tokenlapse"))
        .args(["idp", "--client-secret", "hush"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut said = BufReader::new(idp.stdout.take().expect("piped")).lines();
    let issuer = said.next().expect("a line").expect("text").replace("issuer", "").trim().to_owned();
    let address = issuer.strip_prefix("http://").expect("a URL").to_owned();
    let rest: String = said.by_ref().take(5).map(|line| line.expect("text")).collect();
    assert!(rest.contains("curl -u worker:CLIENT_SECRET") && !rest.contains("hush"), "{rest}");

    let mut stream = std::net::TcpStream::connect(&address).expect("it listens");
    write!(stream, "GET /.well-known/openid-configuration HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .expect("it reads");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("text");
    assert!(reply.contains(&format!("\"issuer\":\"{issuer}\"")), "{reply}");

    let port = address.rsplit_once(':').expect("a port").1;
    let taken = tokenlapse(&["idp", "--port", port]);
    assert_eq!(taken.status.code(), Some(3));
    assert!(text(&taken.stderr).contains(port), "{}", text(&taken.stderr));
    idp.kill().expect("it was alive");
    idp.wait().expect("it ended");
}

#[test]
fn what_there_is_is_listed_for_people_and_programs() {
    let text_of = |what: &str| text(&tokenlapse(&["list", what]).stdout);
    assert!(text_of("scenarios").contains("\n  expiry-herd "));
    assert!(text_of("failure-modes").starts_with("FM-01  "));
    for what in ["scenarios", "checks", "faults", "events", "failure-modes", "defects"] {
        let done = tokenlapse(&["list", what, "--format", "json"]);
        assert_eq!(done.status.code(), Some(0), "{what}: {}", text(&done.stderr));
        assert!(done.stderr.is_empty(), "programs get no hint");
        let json: serde_json::Value = serde_json::from_slice(&done.stdout).expect("JSON");
        let listed = json[what.replace('-', "_")].as_array().expect("a list");
        assert!(listed.len() > 5 && listed.iter().all(|it| it["id"].is_string()), "{what}: {json}");
    }
    let done = tokenlapse(&["list", "defects", "--target", "no-such-file.yaml"]);
    assert_eq!(done.status.code(), Some(2));
    assert!(text(&done.stderr).contains("no-such-file.yaml: cannot be read"));
}

#[test]
fn a_word_is_explained_and_an_unknown_one_is_code_2_with_the_nearest() {
    let done = tokenlapse(&["explain", "expiry-herd", "FM-12"]);
    assert_eq!(done.status.code(), Some(0));
    assert!(text(&done.stdout).contains("scenario of family expiry") && text(&done.stdout).contains("failure mode"));
    let done = tokenlapse(&["explain", "expirey-herd", "recovers"]);
    assert_eq!(done.status.code(), Some(2));
    assert!(text(&done.stderr).contains("did you mean `expiry-herd`?"), "{}", text(&done.stderr));
    assert!(text(&done.stdout).contains("recovers  check"), "the other word is explained");
}

#[test]
fn a_new_scenario_is_good_and_never_replaces_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let in_folder = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tokenlapse"));
        command.args(arguments).current_dir(folder.path()).stdin(Stdio::null()).output().expect("it runs")
    };
    let new = |id: &str| in_folder(&["new", "scenario", id, "--family", "outage", "--title", "It's down: twice"]);
    let done = new("mine");
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    assert_eq!(in_folder(&["validate", "mine.yaml"]).status.code(), Some(0));
    std::fs::write(folder.path().join("mine.yaml"), "precious").expect("written");
    for (id, said) in [
        ("mine", "mine.yaml is there already"),
        ("Mine!", "cannot be the id of a scenario"),
        ("expiry-herd", "the catalogue has a scenario `expiry-herd`"),
    ] {
        let done = new(id);
        assert_eq!(done.status.code(), Some(2), "{id}");
        assert!(text(&done.stderr).contains(said), "{id}: {}", text(&done.stderr));
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("mine.yaml")).expect("there"), "precious");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing else is written");
}

#[test]
fn a_journals_story_can_be_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("sample.jsonl").display().to_string();
    let lines = [
        r#"{"kind":"run.started","schema":2,"run":"r1","scenario":"sample","seed":"7","temporal":"dev","resolved":{},"target":{}}"#,
        r#"{"kind":"workflow.started","workflow":"w-1","n":1}"#,
        r#"{"kind":"workflow.closed","workflow":"w-1","status":"timed_out"}"#,
    ];
    let written = tokenlapse::journal::Journal::create(Path::new(&journal)).expect("a journal");
    for line in lines {
        drop(written.record(serde_json::from_str(line).expect("an event")));
    }
    let records: Vec<_> = written.records().iter().map(|record| (**record).clone()).collect();
    let story = tokenlapse::journal::transcript(&tokenlapse::journal::Run::new(&records));
    assert!(story.contains("workflow: timed out"), "{story}");
    let done = tokenlapse(&["check", "--transcript", &journal]);
    assert_eq!((done.status.code(), text(&done.stdout)), (Some(0), story.clone()), "{}", text(&done.stderr));
    let twice = tokenlapse(&["check", "--transcript", &journal, &journal]);
    let titled = format!("==> {journal} <==\n{story}");
    assert_eq!(text(&twice.stdout), format!("{titled}\n{titled}"));
}
