//! The worker of somebody who uses tokenlapse as a library: it gets settings and is told when to stop.

use reference_worker::{Env, Standard, run_until};

/// Works until `stop` is done. `setting` is the process environment in production, and the lab's variables in tests.
///
/// # Panics
///
/// If a setting is missing, or if the worker ends by itself: somebody must notice.
pub async fn work(setting: impl Fn(&str) -> Option<String>, stop: impl Future<Output = ()>) {
    let env = Env::from_lookup(setting).expect("all settings are there");
    run_until(env, &Standard, stop).await.expect("the worker works until it is stopped");
}
