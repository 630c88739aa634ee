//! Time that passes, and clocks that do not agree on it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mock_idp::Config;
use tokenlapse::journal::{Clock, Event, TokenChange};
use tokenlapse::lab::clock::{Unmovable, WorkerClock};
use tokenlapse::lab::tokens::Validation;

use super::support::Lab;

fn expired(event: &Event) -> bool {
    matches!(event, Event::IdpToken(token) if token.change == TokenChange::Expired)
}

fn short_lives() -> Config {
    Config { access_token_lifetime: Duration::from_secs(1), ..Config::default() }
}

#[tokio::test]
async fn an_expiry_is_told_when_it_happens_though_nobody_asks() {
    let lab = Lab::open("", Validation::Jwks, short_lives()).await;
    lab.token().await;
    let told = lab.seen(expired).await;
    assert!(told.cause.is_none(), "by a timer, not by a request");
}

#[tokio::test]
async fn in_real_time_everybody_waits_for_the_expiry_and_no_clock_is_moved() {
    let lab = Lab::open(
        "clocks: { time: real }
faults: [{ when: { event: api.response }, do: { time.pass: { until: token-expiry } } }]",
        Validation::Jwks,
        short_lives(),
    )
    .await;
    let token = lab.token().await;
    assert_eq!(lab.call(&token).await, 200);
    assert_eq!(lab.call(&token).await, 401, "the first reply was held until the token was dead");
    assert_eq!(lab.counts(0), (1, 1));
    let records = lab.journal.records();
    assert!(!records.iter().any(|record| matches!(record.event, Event::ClockMoved { .. })));
    let at =
        |wanted: &dyn Fn(&Event) -> bool| records.iter().position(|record| wanted(&record.event)).expect("it is there");
    let second = records.iter().rposition(|record| matches!(record.event, Event::ApiRequest(_))).expect("two requests");
    assert!(at(&expired) < second);
}

#[tokio::test]
async fn a_clock_that_drifts_is_set_right_by_healing() {
    let lab = Lab::open(
        "faults: [{ when: { event: api.response }, do: { clock.drift: { of: api, by: 1d } } }]
heal: { when: { event: api.response, where: { refused: expired }, nth: 2 } }",
        Validation::Jwks,
        Config::default(),
    )
    .await;
    let token = lab.token().await;
    assert_eq!(lab.call(&token).await, 200);
    // Minutes in the milliseconds that any request takes.
    while lab.call(&token).await == 200 {}
    assert_eq!(lab.call(&token).await, 401);
    assert_eq!(lab.call(&token).await, 200, "what it had gained is taken back");
    lab.seen(|event| matches!(event, Event::ClockMoved { clock: Clock::Api, offset_ms: -1..=1 })).await;
}

#[tokio::test]
async fn a_drifting_clock_drifts_while_time_passes() {
    let lab = Lab::open(
        "faults:
  - { do: { clock.drift: { of: idp, by: 500ms } } }
  - { do: { time.pass: { by: 10h } } }",
        Validation::Jwks,
        Config::default(),
    )
    .await;
    let hour = 3_600_000;
    let idp = lab.seen(|event| matches!(event, Event::ClockMoved { clock: Clock::Idp, .. })).await;
    let Event::ClockMoved { offset_ms, .. } = idp.event else { unreachable!("it was looked for") };
    assert!((15 * hour..16 * hour).contains(&offset_ms), "{offset_ms}");
    lab.seen(|event| matches!(event, Event::ClockMoved { clock: Clock::Api, offset_ms } if *offset_ms == 10 * hour))
        .await;
}

/// What a program that was started with this clock takes for the time, in seconds.
fn shown(clock: &WorkerClock) -> i64 {
    let date = std::process::Command::new("date").arg("+%s").envs(clock.env()).output().expect("coreutils");
    String::from_utf8_lossy(&date.stdout).trim().parse().expect("a number")
}

fn real() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(now.as_secs()).expect("before the end of time")
}

#[tokio::test]
async fn a_worker_shows_the_time_that_it_is_told() {
    // A machine without libfaketime skips scenarios that need it, and says so; here there is nothing to say it to.
    let Some(library) = WorkerClock::library(&|_| None) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let clock = WorkerClock::create(library, folder.path()).expect("a file");
    let ahead = |by: i64| {
        let (before, shown, after) = (real(), shown(&clock), real());
        assert!(
            (before + by - 1..=after + by + 1).contains(&shown),
            "{shown} is not {by} s ahead of {before}..{after}"
        );
    };
    ahead(0);
    clock.shift(3_600_500).expect("written");
    ahead(3_600);
    clock.shift(-7_200_500).expect("written");
    ahead(-3_600);
    assert_eq!(clock.offset_ms(), -3_600_000);
    assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 1, "nothing is left beside it");

    // A day in each second: a program that is started later sees more of it, though nobody moves the clock.
    clock.drift(86_400_000);
    let first = shown(&clock);
    let drifts = async {
        while shown(&clock) < first + 3_600 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), drifts).await.expect("it drifts");
}

#[test]
fn the_library_is_where_the_variable_says() {
    let here = std::env::current_exe().expect("a file");
    let text = here.to_string_lossy().into_owned();
    assert_eq!(WorkerClock::library(&|_| Some(text.clone())), Some(here));
}

#[test]
fn a_library_under_which_a_program_fails_is_not_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let library = folder.path().join("libfaketime.so");
    std::fs::write(&library, "no library").expect("written");
    let usable =
        |executable: &str| WorkerClock::usable(executable.as_ref(), &|_| Some(library.to_string_lossy().into_owned()));
    let why = |executable: &str| match usable(executable) {
        Err(Unmovable::Unfit { why, .. }) => why,
        other => panic!("{other:?}"),
    };
    assert!(why(env!("CARGO_BIN_EXE_tokenlapse")).contains("wall clock does not move"));
    // As if the library had broken it so much that it cannot even tell.
    assert!(why("false").contains("ended with exit status: 1"));
    assert!(matches!(usable("/no/such/program"), Err(Unmovable::Untried { .. })));
}
