//! Connects, polls, and stops when asked.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions, TlsOptions};
use temporalio_common::worker::WorkerDeploymentOptions;
use temporalio_sdk::runtime::{PollerBehavior, RuntimeOptions};
use temporalio_sdk::{Runtime, Worker, WorkerOptions};
use tokio::sync::watch;
use tokio::task::JoinSet;
use url::Url;

use crate::activities::OrderActivities;
use crate::env::{Env, EnvError, TokenEndpoint};
use crate::frontend_key::KeyFile;
use crate::http;
use crate::orders::HttpOrders;
use crate::parts::{Parts, Standard};
use crate::token::Tokens;
use crate::workflow::SyncOrders;

/// Why the worker ended without being asked to.
///
/// No source and no text of the SDK is shown but its own summary; the frontend's bearer stands in none of them.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// A setting is missing or wrong.
    #[error(transparent)]
    Env(#[from] EnvError),
    /// TLS cannot be set up.
    #[error("no HTTP client: {0}")]
    Http(#[from] reqwest::Error),
    /// Signals cannot be received.
    #[error("cannot listen for signals: {0}")]
    Signal(std::io::Error),
    /// The bearer for Temporal's frontend lies nowhere.
    #[error("cannot read TEMPORAL_API_KEY_FILE: {0}")]
    KeyFile(#[source] std::io::Error),
    /// Temporal's frontend cannot be reached or refused us.
    #[error("cannot connect to Temporal: {0}")]
    Connect(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The SDK's worker could not be made, or ended by itself (FM-04). A supervisor must restart the process.
    #[error("worker failed: {0}")]
    Worker(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is no such defect, or this build has none.
    #[error("unknown defect {0:?}")]
    UnknownDefect(String),
}

/// Asks the worker to stop; clones ask the same worker.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Stop {
    fn new() -> Self {
        Self(Arc::new(watch::channel(false).0))
    }

    /// Asks.
    pub fn now(&self) {
        self.0.send_replace(true);
    }

    async fn asked(&self) {
        // The sender lives as long as `self`, so the wait cannot fail.
        let _ = self.0.subscribe().wait_for(|asked| *asked).await;
    }
}

/// Runs the worker that the settings ask for until SIGTERM or SIGINT. Must be awaited on a Tokio runtime; a
/// current-thread runtime will do.
///
/// # Errors
/// If it cannot start, or ends by itself.
pub async fn run(env: Env) -> Result<(), WorkerError> {
    match env.defect.clone() {
        None => run_with(env, &Standard).await,
        #[cfg(feature = "defects")]
        Some(name) => match crate::defect::named(&name) {
            Some(defect) => run_with(env, &*(defect.parts)()).await,
            None => Err(WorkerError::UnknownDefect(name)),
        },
        #[cfg(not(feature = "defects"))]
        Some(name) => Err(WorkerError::UnknownDefect(name)),
    }
}

/// Runs a worker made of `parts` until SIGTERM or SIGINT.
///
/// # Errors
/// If it cannot start, or ends by itself.
pub async fn run_with(env: Env, parts: &dyn Parts) -> Result<(), WorkerError> {
    run_until(env, parts, signalled()?).await
}

/// Runs a worker made of `parts` until `stop` resolves; then lets running activities finish.
///
/// # Errors
/// If it cannot start, or ends by itself.
pub async fn run_until(env: Env, parts: &dyn Parts, stop: impl Future<Output = ()>) -> Result<(), WorkerError> {
    let asked = Stop::new();
    let (activities, tokens) = assemble(&env, parts, &asked)?;
    let (mut worker, connection) = connect(&env, activities).await?;
    // Ends with this function: dropped, it reads no more.
    let mut following = JoinSet::new();
    if let Some(file) = env.temporal_api_key_file.as_deref() {
        following.spawn(KeyFile::new(file).follow(connection));
    }
    let shut_down = worker.shutdown_handle();

    let stop = stop.shared();
    let outcome = {
        let mut polling = std::pin::pin!(worker.run());
        tokio::select! {
            outcome = &mut polling => outcome,
            () = async { tokio::select! { () = stop.clone() => {} () = asked.asked() => {} } } => {
                shut_down();
                polling.await
            }
        }
    };
    tokens.settle().await;
    tokio::select! {
        () = parts.ended() => {}
        () = stop => {}
    }
    outcome.map_err(|error| WorkerError::Worker(error.into()))
}

fn assemble(env: &Env, parts: &dyn Parts, stop: &Stop) -> Result<(OrderActivities, Arc<dyn Tokens>), WorkerError> {
    let idp = match &env.oauth.endpoint {
        TokenEndpoint::Url(url) | TokenEndpoint::Issuer(url) => url,
    };
    let http = http::client(env.http_timeout, &[idp, &env.api_url])?;
    let tokens = parts.tokens(parts.grant(&env.oauth, parts.exchange(env, &http)));
    let orders = HttpOrders::new(env.api_url.clone(), http, Arc::clone(&tokens), parts.retry_after());
    let activities = OrderActivities {
        orders: parts.orders(orders),
        keys: parts.keys(),
        progress: parts.progress(),
        report: parts.report(stop),
    };
    Ok((activities, tokens))
}

async fn connect(env: &Env, activities: OrderActivities) -> Result<(Worker, Connection), WorkerError> {
    let scheme = if env.temporal_tls { "https" } else { "http" };
    let target = Url::parse(&format!("{scheme}://{}", env.temporal_address))
        .map_err(|_| EnvError::Invalid { name: "TEMPORAL_ADDRESS", expected: "host:port" })?;
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| WorkerError::Worker(error);

    // Worker heartbeats to the server are for its user interface only; nothing here needs the extra calls.
    let options = RuntimeOptions::builder().heartbeat_interval(None).build().map_err(|text| failed(text.into()))?;
    let runtime = Runtime::from_current_tokio(options).map_err(|error| failed(error.into()))?;
    let key = match env.temporal_api_key_file.as_deref() {
        Some(file) => KeyFile::new(file).read().await.map_err(WorkerError::KeyFile)?,
        None => env.temporal_api_key.clone(),
    };
    let connection = Connection::connect(
        ConnectionOptions::new(target)
            .maybe_api_key(key.as_ref().map(|key| key.reveal().to_owned()))
            .maybe_tls_options(env.temporal_tls.then(TlsOptions::default))
            .dns_load_balancing(None)
            .connect_timeout(Duration::from_secs(10))
            .build(),
    )
    .await
    .map_err(|error| WorkerError::Connect(error.into()))?;
    let client = Client::new(connection.clone(), ClientOptions::new(env.temporal_namespace.clone()).build())
        .map_err(|error| WorkerError::Connect(error.into()))?;

    let options = WorkerOptions::new(env.task_queue.clone())
        // The default build id is a checksum of the whole executable: most of a debug build's start.
        .deployment_options(WorkerDeploymentOptions::from_build_id(env!("CARGO_PKG_VERSION").to_owned()))
        // Pinned: left open, the namespace may turn on autoscaling.
        .workflow_task_poller_behavior(PollerBehavior::SimpleMaximum(2))
        .activity_task_poller_behavior(PollerBehavior::SimpleMaximum(2))
        // How much progress a killed worker may lose; the default is most of the heartbeat timeout.
        .max_heartbeat_throttle_interval(Duration::from_millis(200))
        .graceful_shutdown_period(Duration::from_secs(5))
        .register_workflow::<SyncOrders>()
        .map_err(|error| failed(error.into()))?
        .register_activities(activities)
        .build();
    let worker = Worker::new(&runtime, client, options).map_err(|error| failed(error.into()))?;
    Ok((worker, connection))
}

fn signalled() -> Result<impl Future<Output = ()>, WorkerError> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).map_err(WorkerError::Signal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(WorkerError::Signal)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
