//! `nothing-skipped`.

use serde_json::json;
use tokenlapse::journal::{ControlFacts, Run};

use super::support::Tale;

const CHECK: &str = "nothing-skipped";

fn begun() -> Tale {
    Tale::default().opened("a", 1).start("a", "Ship", 1)
}

fn read(tale: Tale, target: &str, status: u16) -> Tale {
    tale.api(target, "T1", status, Some("a"), json!({}))
}

/// What a control leaves that read an order and two pages of a list.
fn control() -> ControlFacts {
    let pages = (0..2).fold(read(begun(), "GET /orders/1", 200), |tale, _| read(tale, "GET /lists/a/entries", 200));
    let failed = read(pages, "GET /orders/2", 503);
    let shipped = failed.api("POST /orders/1/ship", "T1", 201, Some("a"), json!({"effect": "k1"}));
    // Asked for once more, an effect is no read.
    let again = shipped.api("POST /orders/1/ship", "T1", 201, Some("a"), json!({}));
    ControlFacts::of(&Run::new(&again.closed("a", "completed").records()))
}

#[test]
fn a_control_tells_what_it_read_by_path() {
    let read: Vec<_> = control().answered.into_iter().map(|it| (it.target, it.count)).collect();
    assert_eq!(read, [("GET /lists/{workflow}/entries".to_owned(), 2), ("GET /orders/1".to_owned(), 1)]);
}

#[test]
fn what_was_never_answered_is_found_where_all_completed() {
    let tale = || begun().control(Some(control()));
    let all = |tale| read(read(tale, "GET /orders/1", 200), "GET /lists/a/entries", 200);
    assert_eq!(all(tale()).closed("a", "completed").judged(CHECK), "pass");
    let refused = read(read(tale(), "GET /orders/1", 401), "GET /lists/a/entries", 200).closed("a", "completed");
    let (what, _) = refused.found(CHECK);
    assert_eq!(what, "GET /orders/1 was answered 0 times, though all workflows completed");
    // Who is not done need not have read all.
    assert_eq!(tale().closed("a", "failed").judged(CHECK), "not_applicable");
    let parked = tale().scenario("outcome: completed", "outcome: permanent").closed("a", "completed");
    assert_eq!(parked.judged(CHECK), "not_applicable");
    assert_eq!(tale().opened("b", 2).closed("a", "completed").judged(CHECK), "not_applicable");
    // One may have read for all.
    assert_eq!(all(tale().opened("b", 2)).closed("a", "completed").closed("b", "completed").judged(CHECK), "pass");
}

#[test]
fn of_a_list_each_page_is_to_be_read() {
    let paged = || {
        let tale = begun().control(Some(control()));
        tale.target("  routes:\n", "  routes:\n    - { route: 'GET /lists/{id}/entries', paging: true }\n")
    };
    let one = read(read(paged(), "GET /orders/1", 200), "GET /lists/a/entries", 200);
    let (what, _) = one.closed("a", "completed").found(CHECK);
    assert_eq!(what, "GET /lists/{workflow}/entries was answered 1 times, though all workflows completed");
    let two = (0..2).fold(read(paged(), "GET /orders/1", 200), |tale, _| read(tale, "GET /lists/a/entries", 200));
    assert_eq!(two.closed("a", "completed").judged(CHECK), "pass");
}

#[test]
fn without_a_control_that_completed_nothing_is_decided() {
    assert_eq!(begun().control(None).judged(CHECK), "inconclusive");
    let failed = ControlFacts { completed: false, ..control() };
    assert_eq!(begun().control(Some(failed)).judged(CHECK), "inconclusive");
}
