//! Journals of which it is known what each check says, good and bad, for the properties.

use serde_json::json;

use super::support::{Tale, recovery};

/// Name, journal, and the checks that fail.
pub(crate) fn gallery() -> Vec<(&'static str, Tale, &'static [&'static str])> {
    let grown = || recovery_until_refusal();
    vec![
        ("all as it should be", recovery(), &[]),
        (
            "sends the refused token again",
            grown().start("a", "Ship", 2).ship("T1", 401).fail("a", "Ship", 2, "TokenExpired"),
            &["no-refused-reuse"],
        ),
        (
            "refreshes twice",
            grown()
                .start("a", "Ship", 2)
                .grant(200, &["T2"], json!({}))
                .grant(200, &["T3"], json!({}))
                .grant(200, &["T4"], json!({}))
                .ship("T4", 201)
                .complete("a", "Ship", 2)
                .closed("a", "completed"),
            &["refreshes-on-retry", "bounded-load"],
        ),
        (
            "goes on after it was told",
            (2..8).fold(grown(), |tale, attempt| {
                tale.start("a", "Ship", attempt).grant(400, &[], json!({"error": "invalid_grant"})).fail(
                    "a",
                    "Ship",
                    attempt,
                    "TokenRevoked",
                )
            }),
            &["stops-on-permanent"],
        ),
        ("gives up at an expiry", grown().closed("a", "failed"), &["recovers", "persists-on-transient"]),
        (
            "ships twice",
            grown().start("a", "Ship", 2).grant(200, &["T2"], json!({})).ship("T2", 201).ship("T2", 201),
            &["effect-once"],
        ),
        (
            "says that it shipped",
            grown().start("a", "Ship", 2).complete("a", "Ship", 2).closed("a", "completed"),
            &["effect-once"],
        ),
        (
            "takes a failed read for an empty one",
            Tale::default()
                .opened("a", 1)
                .start("a", "Fetch", 1)
                .grant(200, &["T1"], json!({}))
                .get("T1", 503)
                .complete("a", "Fetch", 1)
                .start("a", "Ship", 1)
                .ship("T1", 201)
                .complete("a", "Ship", 1)
                .closed("a", "completed"),
            &["nothing-skipped"],
        ),
        (
            "acts as another",
            grown().start("a", "Ship", 2).grant(200, &["T2"], json!({"client": "c9", "sub": "c9"})).ship("T2", 201),
            &["right-identity"],
        ),
        (
            "does not wait",
            grown()
                .start("a", "Ship", 2)
                .grant(429, &[], json!({"retry_after_ms": 600_000}))
                .fail("a", "Ship", 2, "RateLimited")
                .start("a", "Ship", 3)
                .grant(200, &["T2"], json!({}))
                .ship("T2", 201),
            &["honours-retry-after"],
        ),
        (
            "calls it something else",
            grown().start("a", "Ship", 2).ship("T1", 503).fail("a", "Ship", 2, "RateLimited"),
            &["no-refused-reuse", "diagnosable"],
        ),
        (
            "lives and does nothing",
            grown()
                .poll("PollActivityTaskQueue")
                .polled("PollActivityTaskQueue")
                .wait(9_000)
                .closed("a", "running")
                .finished(),
            &["recovers", "truthful-health"],
        ),
    ]
}

fn recovery_until_refusal() -> Tale {
    Tale::default()
        .opened("a", 1)
        .start("a", "Fetch", 1)
        .grant(200, &["T1"], json!({}))
        .get("T1", 200)
        .dies("T1", "expired")
        .fired("f1", "time.pass")
        .healed("f1")
        .complete("a", "Fetch", 1)
        .start("a", "Ship", 1)
        .ship("T1", 401)
        .fail("a", "Ship", 1, "TokenExpired")
        .wait(4_000)
}

#[test]
fn each_fails_what_it_should_and_nothing_else() {
    for (name, tale, expected) in gallery() {
        let failed: Vec<_> =
            tale.verdicts().into_iter().filter(|it| it.judgement.name() == "fail").map(|it| it.check).collect();
        assert_eq!(failed, expected, "{name}: {:#?}", tale.verdicts());
    }
}
