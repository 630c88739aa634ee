//! A lab by hand: our own wiremock server behind the API front, our worker in this process, and a look at the journal.

use std::error::Error;
use std::process::ExitCode;

use tokenlapse::journal::Event;
use tokenlapse::lab::worker::Launcher;
use tokenlapse::{Brief, Choice, Facts, Ground, Journal, Lab, LabEnv, Scenario, Target, UnderTest, Verdict};
use tokenlapse::{control_of, facts_of_control, judge_journal, resolve};
use wiremock::matchers::{method, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

const TARGET: &str = include_str!("../tokenlapse.yaml");
const SCENARIO: &str = include_str!("lapse-then-outage.yaml");

fn main() -> ExitCode {
    if let Some(code) = tokenlapse::take_over_if_asked() {
        return code;
    }
    match lapse() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn lapse() -> Result<(), Box<dyn Error>> {
    let shop = MockServer::start().await;
    let reply = |status, body: &str| ResponseTemplate::new(status).set_body_raw(body, "application/json");
    Mock::given(method("POST")).respond_with(reply(201, "{}")).expect(2).mount(&shop).await;
    Mock::given(path_regex("items$")).respond_with(reply(200, r#"{"items":[]}"#)).mount(&shop).await;
    Mock::given(method("GET")).respond_with(reply(200, r#"{"order":"1"}"#)).with_priority(9).mount(&shop).await;

    let target = Target::parse(TARGET, "tokenlapse.yaml").map_err(|wrong| wrong[0].to_string())?;
    let scenario = Scenario::parse(SCENARIO, "lapse-then-outage.yaml").map_err(|wrong| wrong[0].to_string())?;
    let resolved = resolve(&target, &scenario, &Facts::in_process()).map_err(|unmet| format!("{unmet:?}"))?;

    let files = std::env::temp_dir();
    let ground = Ground::prepare(Launcher::this_executable()?, &Choice::default(), "by-hand", &files).await?;
    let worker = UnderTest::function(&target, |env: LabEnv| async move {
        shop::work(|name| env.var(name).map(str::to_owned), env.stopped()).await;
    });
    let upstream = Some(shop.uri().parse()?);

    // What the workload does when nothing goes wrong.
    let (control, without_faults) = (Journal::in_memory(), control_of(&resolved));
    let brief = Brief::new("control", &without_faults, &target, worker.clone());
    Lab::live(&ground.site, &control, Brief { upstream: upstream.clone(), ..brief }).await?;

    let journal = Journal::in_memory();
    let control = Some(facts_of_control(&control));
    // How long a workflow that hangs is waited for.
    let deadline = Some(tokenlapse::check::deadline as tokenlapse::lab::Deadline);
    let brief = Brief { upstream, control, deadline, ..Brief::new("lapse", &resolved, &target, worker) };
    let mut lab = Lab::open(&ground.site, journal.clone(), brief).await?;
    lab.start_workers().await?;
    lab.work().await?;
    lab.close().await?;
    ground.clear().await;

    let judged = judge_journal(&journal);
    assert_eq!(judged.verdict, Verdict::Pass, "{}", judged.reason);
    let records = journal.records();
    let refused = records.iter().filter(|record| match &record.event {
        Event::ApiResponse(reply) => reply.status == 401,
        _ => false,
    });
    assert_eq!(refused.count(), 1, "one call met the expired token");
    // Our server saw one order shipped in the control and one in spite of the faults.
    shop.verify().await;
    Ok(())
}
