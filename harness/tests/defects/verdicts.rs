//! Every verdict that is no pass, given by the command itself.

use std::path::Path;

use tokenlapse::lab::worker::guard;

use crate::world::{Outcome, Report, World};

type Test = fn(&World) -> Outcome;

pub(crate) const ALL: &[(&str, Test)] = &[
    ("a-fault-that-cannot-fire-is-vacuous", cannot_fire),
    ("a-worker-that-cannot-do-the-job-is-invalid", cannot_do_the_job),
    ("rotation-does-not-apply-to-client-credentials", no_refresh_tokens),
    ("a-call-through-the-proxy-is-named", leaves_by_the_proxy),
    ("a-call-past-the-proxy-is-refused", leaves_past_the_proxy),
    ("a-known-failure-is-accepted-until-it-is-gone-or-its-day-is-over", known),
];

const BUILTIN: &str = include_str!("../../../scenarios/targets/builtin.yaml");

fn target(folder: &Path, from: &str, to: &str) -> Outcome {
    assert_eq!(BUILTIN.matches(from).count(), 1, "{from}");
    Ok(std::fs::write(folder.join("target.yaml"), BUILTIN.replace(from, to))?)
}

fn expect(report: &Report, id: &str, verdict: &str, because: &str) -> Outcome {
    let (found, reason) = report.verdict(id)?;
    if found == verdict && reason.contains(because) {
        return Ok(());
    }
    Err(format!("{id} is {found}: `{reason}`; it should be {verdict}: `{because}`").into())
}

fn exits(code: Option<i32>, expected: i32) -> Outcome {
    if code == Some(expected) { Ok(()) } else { Err(format!("code {code:?} instead of {expected}").into()) }
}

fn cannot_fire(world: &World) -> Outcome {
    let folder = world.folder()?;
    let scenario = "scenario: out-of-reach
family: outage
title: The token endpoint fails at a request that is never made
faults:
  - { id: late, when: { event: idp.request, where: { endpoint: token }, nth: 99 }, do: { idp.respond: { status: 503 } } }
expect: { outcome: completed }
";
    std::fs::write(folder.join("out-of-reach.yaml"), scenario)?;
    let (code, report) = world.run(&folder, &["out-of-reach.yaml"])?;
    expect(&report, "out-of-reach", "vacuous", "fault late (idp.respond) never fired")?;
    expect(&report, "control", "pass", "")?;
    exits(code, 1)
}

fn cannot_do_the_job(world: &World) -> Outcome {
    let folder = world.folder()?;
    // It may read orders, and the first that it wants to ship is refused for good.
    let scopes = "auth: client_secret_basic, scopes: [orders.read, orders.write] }
  # For";
    target(&folder, scopes, &scopes.replace(", orders.write", ""))?;
    let (code, report) = world.run(&folder, &["--target", "target.yaml", "early-refusal-before-exp"])?;
    expect(&report, "early-refusal-before-exp", "invalid", "its control did not complete")?;
    expect(&report, "control", "invalid", "nothing goes wrong; the API's last refusal: POST ")?;
    exits(code, 1)
}

fn no_refresh_tokens(world: &World) -> Outcome {
    let folder = world.folder()?;
    let second = "  - { grant: refresh_token, auth: client_secret_basic, scopes: [orders.read, orders.write], rotation: true }\n";
    target(&folder, second, "")?;
    let (code, report) = world.run(&folder, &["--target", "target.yaml", "rotation"])?;
    for id in ["rotation-herd", "rotation-restart"] {
        expect(&report, id, "not_applicable", "no client of the target has rotated refresh tokens")?;
    }
    exits(code, 0)
}

/// The built-in worker, after a call of its own.
fn calls_first(folder: &Path, call: &str) -> Outcome {
    let script = format!("#!/bin/sh\n{call}\nexec \"$@\"\n");
    std::fs::write(folder.join("wrapper.sh"), script)?;
    let command = r#"["{tokenlapse}", builtin-worker]"#;
    target(folder, command, r#"[sh, ./wrapper.sh, "{tokenlapse}", builtin-worker]"#)
}

fn leaves_by_the_proxy(world: &World) -> Outcome {
    let folder = world.folder()?;
    let call = r#"python3 - <<'END'
import os, socket, urllib.parse
proxy = urllib.parse.urlsplit(os.environ["HTTPS_PROXY"])
with socket.create_connection((proxy.hostname, proxy.port)) as s:
    s.sendall(b"CONNECT login.example.com:443 HTTP/1.1\r\nHost: login.example.com:443\r\n\r\n")
    s.recv(1024)
END"#;
    calls_first(&folder, call)?;
    let (code, report) = world.run(&folder, &["--target", "target.yaml", "early-refusal-before-exp"])?;
    expect(&report, "early-refusal-before-exp", "invalid", "a worker called login.example.com:443, outside the lab")?;
    exits(code, 1)
}

fn leaves_past_the_proxy(world: &World) -> Outcome {
    if !guard::available() {
        // `doctor` says so to the user; there is nothing to be refused by.
        return Ok(());
    }
    let folder = world.folder()?;
    let outside = std::net::TcpListener::bind("127.0.0.1:0")?;
    let call = format!(
        r#"python3 - <<'END'
import socket
try:
    socket.create_connection(("127.0.0.1", {}))
    print("connected past the lab")
except OSError as error:
    print("refused:", error.errno)
END"#,
        outside.local_addr()?.port()
    );
    calls_first(&folder, &call)?;
    let (code, report) = world.run(&folder, &["--target", "target.yaml", "early-refusal-before-exp"])?;
    expect(&report, "early-refusal-before-exp", "pass", "")?;
    let journal = std::fs::read_to_string(report.journals().join("early-refusal-before-exp.jsonl"))?;
    if !journal.contains("refused: 13") || journal.contains("connected past the lab") {
        return Err("the worker was not refused with EACCES".into());
    }
    exits(code, 0)
}

fn known(world: &World) -> Outcome {
    let accepting = |scenario: &str, expires: &str| {
        format!(
            "known: [{{ scenario: {scenario}, check: effect-once, cause: happened 2 times, reason: the API ignores keys, \
             owner: orders team, expires: {expires} }}]\n# Mistakes that"
        )
    };
    let run = |scenario: &str, expires: &str| {
        let folder = world.folder()?;
        target(&folder, "# Mistakes that", &accepting(scenario, expires))?;
        world.run(&folder, &["--target", "target.yaml", "--defect", "ships-twice", scenario])
    };
    let (code, report) = run("outage-api-503", "9999-12-31")?;
    let accepted = "accepted: the API ignores keys (orders team, until 9999-12-31)";
    expect(&report, "outage-api-503", "known", accepted)?;
    exits(code, 0)?;
    let (code, report) = run("outage-api-503", "2001-01-01")?;
    expect(&report, "outage-api-503", "fail", "was accepted until 2001-01-01 only")?;
    exits(code, 1)?;
    let (code, report) = run("expiry-inside-paging", "9999-12-31")?;
    expect(&report, "expiry-inside-paging", "fail", "did not happen: take it out of `known`")?;
    exits(code, 1)
}
