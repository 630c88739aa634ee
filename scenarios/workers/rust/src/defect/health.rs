//! Processes whose looks deceive.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use temporalio_sdk::activities::ActivityError;

use super::Defect;
use crate::failure::{Failure, Report, Typed};
use crate::parts::Parts;
use crate::worker::Stop;

pub(super) const DEFECTS: &[Defect] = &[
    Defect {
        name: "stops-polling",
        summary: "Stops polling after the first failure, while the process lives on.",
        mirrors: "FM-17",
        checks: &["truthful-health", "recovers"],
        parts: || Box::new(Zombie),
    },
    Defect {
        name: "exits-on-failure",
        summary: "Ends the process after the first failure.",
        mirrors: "FM-04",
        checks: &["truthful-health", "recovers"],
        parts: || Box::new(Quits),
    },
];

/// Reports as it should, then stops the worker.
struct StopsAfter(Stop);

impl Report for StopsAfter {
    fn report(&self, failure: &Failure) -> ActivityError {
        self.0.now();
        Typed.report(failure)
    }
}

struct Zombie;

impl Parts for Zombie {
    fn report(&self, stop: &Stop) -> Arc<dyn Report> {
        Arc::new(StopsAfter(stop.clone()))
    }

    fn ended(&self) -> BoxFuture<'_, ()> {
        std::future::pending().boxed()
    }
}

struct Quits;

impl Parts for Quits {
    fn report(&self, stop: &Stop) -> Arc<dyn Report> {
        Arc::new(StopsAfter(stop.clone()))
    }
}
