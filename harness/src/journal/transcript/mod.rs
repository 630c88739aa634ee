//! The transcript: a finished journal as a text that tells the story and is the same in each run of a scenario.
//!
//! It is told per workflow and per OAuth client, never per process or by the clock. An expiry between two activities:
//!
//! ```text
//! expiry-between-activities: Time passes beyond the token's life between two activities
//! expected: completed
//! outcome: completed
//! fault lapse: time.pass, fired 1, bit 1
//!
//! workflow SyncOrders: completed
//!   FetchOrder
//!     attempt 1
//!       GET /orders/{id} with T1: 200
//!       completed
//!   ShipOrder
//!     attempt 1
//!       POST /orders/{id}/ship with T1: 401 invalid_token (expired)
//!       failed: TokenExpired
//!     attempt 2
//!       POST /orders/{id}/ship with T2: 201, effect 1
//!       completed
//!
//! client on a worker
//!   client_credentials: 200, T1 (expired)
//!   client_credentials: 200, T2
//! ```
//!
//! # What is made equal, and why
//!
//! - **Left out**: times, durations, ports, ids of run, process, workflow and call, worker output, polls, heartbeats,
//!   discovery and keys, histories. They differ from run to run or are repeated at will. `Retry-After` stays: it is
//!   prescribed.
//! - **Tokens** are named by first use in the text. A token is known by its place in its line: the first, the second
//!   of its client and worker; a refresh token by its rotations. Which of two workers serves an activity is chance, so
//!   their first tokens have one name.
//! - **Order** is what causality forces: attempts of an activity, requests of an attempt that do not overlap, grants
//!   of one worker that do not overlap. Overlapping ones, and activities of one workflow, are ordered by what they are.
//! - **What became of a token** stands at its issue, as its death has no forced place among the grants. An expiry is
//!   told only if somebody met it: a slow run may outlive its last token.
//! - **Workflows with the same story** are merged (`8 × workflow`), and so are workers. Ids in paths and idempotency
//!   keys are numbered within a workflow: another order than before is `{id 2}`, a second effect is `effect 2`.
//! - **Requests** belong to the only attempt under way on their worker, else to that of the workflow that they name;
//!   else they are `unattributed`.
//! - **A lost reply** is told unless the worker had exited: whether a dying process still took it is chance.
//! - **A worker process** that starts once and ends once is not told.
//! - **Races**: of the kinds of events that the scenario lists under `transcript: { races: … }` the number is shown as a
//!   range (`1..9 (races)`). Its bounds come from the scenario, never from what happened: an activity needs one
//!   attempt, and one more for each time that a fault can trouble it on each worker; each attempt may ask for a token.
//!   Where no bound follows, the range is open (`1..`). A number
//!   outside is said (`12, not 1..9`). How workflows and activities end, and their effects, stay exact.

mod attempts;
mod clients;
mod header;
mod line;
mod races;
mod requests;
mod tokens;
mod workers;
mod workflows;

use line::{Page, merge};
use races::Races;
use requests::Exchanges;
use tokens::Tokens;
use workflows::Teller;

use super::Run;

/// A finished run as a text that is the same, byte by byte, in each run of its scenario.
pub fn transcript(run: &Run<'_>) -> String {
    let races = Races::of(run);
    let mut page = Page::default();
    header::header(&mut page, run, &races);
    let workers = workers::workers(run, &races);
    let teller = Teller { exchanges: Exchanges::of(run), tokens: Tokens::of(run, &races), races };
    let (workflows, nobodys) = teller.workflows(run);
    let told = merge(workflows).into_iter();
    let told = told.chain((!nobodys.is_empty()).then_some((1, nobodys)));
    let told = told.chain(teller.clients(run).into_iter().flatten());
    let told = told.chain(merge(workers)).chain(workers::egress(run).map(|story| (1, story)));
    for (count, story) in told {
        page.story(count, &story);
    }
    page.finish()
}
