//! Every misbehaviour of the catalogue, on the wire: that it is seen on a connection that was open before, that it heals,
//! and that with probability 0 it changes nothing. None can be added without a proof here.

mod lab;
mod show;

use std::collections::{BTreeMap, BTreeSet};

use lab::{Ask, Lab, ask_of, form};
use mock_idp::Rule;
use mock_idp::fault::Change;
use mock_idp::misbehave::{
    Allowance, Delay, Deliver, Example, GROUPS, Instead, Misbehaviour, Probability, RetryAfter, Stale, all,
};
use serde_json::Value;
use show::show;

use crate::support::wire::Wire;

fn entries() -> Vec<&'static Misbehaviour> {
    let entries: Vec<_> = all().collect();
    assert!(entries.len() > 60, "only {} entries", entries.len());
    entries
}

#[test]
fn each_has_a_name_of_its_own_a_doc_and_where_it_was_seen() {
    let mut ids = BTreeSet::new();
    for entry in entries() {
        assert!(ids.insert(entry.id), "{} is there twice", entry.id);
        assert!(entry.id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{}", entry.id);
        assert!(entry.doc.ends_with('.') && entry.doc.len() > 15, "{}: {}", entry.id, entry.doc);
        let known = ["FM-", "RFC ", "#"];
        assert!(known.iter().any(|mark| entry.seen.contains(mark)), "{}: {}", entry.id, entry.seen);
    }
}

#[test]
fn each_rule_can_be_written_and_read() {
    for entry in entries() {
        let Example::Rule(example) = entry.example else { continue };
        let text = serde_json::to_string(&example()).expect("it is JSON");
        assert_eq!(serde_json::from_str::<Rule>(&text).expect(&text), example(), "{}", entry.id);
        assert_eq!(serde_saphyr::from_str::<Rule>(&text).expect(&text), example(), "{} as YAML", entry.id);
    }
}

/// The names of an enum's variants, as serde tells them to whoever writes another.
fn variants<T: serde::de::DeserializeOwned>() -> BTreeSet<String> {
    let error = serde_json::from_str::<T>(r#"{"?":0}"#).err().expect("no variant has this name").to_string();
    let names = error.split('`').skip(3).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
    assert!(names.len() > 1, "{error}");
    names
}

#[test]
fn each_thing_that_a_rule_can_do_is_in_the_catalogue() {
    let mut used: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for entry in entries() {
        let Example::Rule(example) = entry.example else { continue };
        let rule = serde_json::to_value(example()).expect("JSON");
        let name = |value: &Value| match value {
            Value::Object(fields) => fields.keys().next().cloned(),
            value => value.as_str().map(str::to_owned),
        };
        for part in ["instead", "deliver", "delay", "retry_after"] {
            used.entry(part).or_default().extend(name(&rule[part]));
        }
        used.entry("allow").or_default().extend(name(&rule["limit"]["allow"]));
        used.entry("stale").or_default().extend(name(&rule["processing"]["stale"]));
        used.entry("change").or_default().extend(rule["change"].as_array().into_iter().flatten().filter_map(name));
    }
    let all = BTreeMap::from([
        ("instead", variants::<Instead>()),
        ("deliver", variants::<Deliver>()),
        ("delay", variants::<Delay>()),
        ("retry_after", variants::<RetryAfter>()),
        ("allow", variants::<Allowance>()),
        ("stale", variants::<Stale>()),
        ("change", variants::<Change>()),
    ]);
    assert_eq!(used, all);
}

#[test]
fn the_readme_has_the_catalogue() {
    let mut table = String::new();
    for (title, entries) in GROUPS {
        table += &format!("| **{title}** | | |\n");
        for entry in *entries {
            table += &format!("| `{}` | {} | {} |\n", entry.id, entry.doc, entry.seen);
        }
    }
    let readme = include_str!("../../../README.md");
    assert!(readme.contains(&table), "the table in the README is to be this:\n{table}");
}

#[tokio::test]
async fn with_probability_0_each_changes_nothing() {
    let mut usual = [Ask::Token, Ask::Jwks, Ask::Discovery].map(|ask| (ask, Vec::new()));
    for (ask, replies) in &mut usual {
        let mut lab = Lab::open(*ask).await;
        for _ in 0..3 {
            replies.push(form(lab.ask().await, &lab));
        }
    }
    for entry in entries() {
        let Example::Rule(example) = entry.example else { continue };
        let mut lab = Lab::open(ask_of(entry)).await;
        lab.add(example().probability(Probability::NEVER));
        let (_, usual) = usual.iter().find(|(ask, _)| *ask == lab.ask).expect("all kinds");
        for expected in usual {
            let reply = lab.ask().await;
            assert_eq!(&form(reply, &lab), expected, "{}", entry.id);
        }
        let standing = &lab.served.idp.rules().list()[0];
        assert_eq!((standing.matched, standing.acted), (3, 0), "{}", entry.id);
    }
}

#[tokio::test]
async fn each_is_seen_on_a_connection_that_was_open_and_heals() {
    for entry in entries() {
        let mut lab = Lab::open(ask_of(entry)).await;
        match entry.example {
            Example::Rule(example) => {
                if entry.id == "jwks-before-rotation" {
                    lab.served.idp.rotate_keys(false);
                }
                lab.add(example());
            }
            Example::Control { arm, .. } => arm(&lab.served.idp),
        }
        show(entry.id, &mut lab).await;
        match entry.example {
            Example::Rule(_) if lab.rule.is_some() => lab.remove(),
            Example::Rule(_) => {}
            Example::Control { heal, .. } => heal(&lab.served.idp),
        }
        let reply = match lab.wire.is_quiet() {
            true => lab.ask().await,
            false => {
                lab.wire = Wire::open(lab.served.address).await;
                lab.ask().await
            }
        };
        lab.assert_usual(&reply);
    }
}
