//! A whole lab out of a resolved scenario: servers, secrets, workers, workload.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use mock_idp::{
    Algorithm, AuthMethod, Client as IdpClient, Config as IdpConfig, GrantType, Listener, Reuse as IdpReuse, Rotation,
    Secret, TokenFormat as IdpFormat,
};
use tempfile::TempDir;
use url::Url;
use wiremock::MockServer;

use super::api;
use super::bearer::replace;
use super::canary::client_secret;
use super::clock::WorkerClock;
use super::crew::{Belongings, Crew, CrewError, UnderTest};
use super::drive::{self, Drive};
use super::env::LabEnv;
use super::frontend;
use super::pulse::Pulse;
use super::scene::{Incomplete, Opening, Scene};
use super::server::Frontend;
use super::temporal::{OwnServer, Servers, StartError};
use super::tokens::Validation;
use super::upstream;
use super::workload::{Client, WorkloadError};
use crate::fault::Plan;
use crate::journal::{Clock, ControlFacts, Event, Journal, Run, RunHeader, SCHEMA_VERSION, TokenName};
use crate::scenario::{
    Action, ClientAuth, ClockOwner, Grant, LabValue, Resolved, ResolvedFault, Reuse, Signing, Target, TokenFormat,
    ValidationMode,
};

/// Id of the client that belongs to somebody else.
const OTHER_CLIENT: &str = "somebody-else";
/// `aud` of tokens, unless the target says one.
const AUDIENCE: &str = "api";

/// What all labs of a run share.
#[derive(Clone)]
pub struct Site {
    /// Id of the run.
    pub run: String,
    /// The Temporal server, in words.
    pub server: String,
    /// Address of the Temporal frontend.
    pub temporal: SocketAddr,
    /// The namespace.
    pub namespace: String,
    /// A connection to that frontend.
    pub client: Client,
    /// Starts one more server, for a lab that hurts its own; `None` where the harness starts none.
    pub servers: Option<Servers>,
    /// Where temporary files may lie.
    pub scratch: PathBuf,
    /// The executable, for `{tokenlapse}`.
    pub executable: PathBuf,
    /// libfaketime, where this machine has it and it is [usable](WorkerClock::usable).
    pub faketime: Option<PathBuf>,
}

/// Until when, counted from the opening of the journal, everything that is still open must have ended as expected;
/// `None` where nothing says so. The journal may be unfinished; histories stand in it as far as they go.
pub type Deadline = fn(&Run<'_>) -> Option<Duration>;

/// What one lab is opened for.
pub struct Brief<'a> {
    /// The scenario against the target.
    pub resolved: &'a Resolved,
    /// The target, for the journal's first record.
    pub target: &'a Target,
    /// What is under test.
    pub under_test: UnderTest,
    /// A known mistake that the worker shall make.
    pub defect: Option<String>,
    /// Token values and drawn delays come from it.
    pub seed: u64,
    /// Whether faults fire and change nothing: then none may bite.
    pub inert: bool,
    /// Prefix of workflow ids, and name of the task queue where the target leaves it to the lab: nobody else's.
    pub name: String,
    /// A server of one's own behind the API front, instead of one that answers the target's routes.
    pub upstream: Option<Url>,
    /// What the same scenario did without its faults, which some checks measure by. [`ControlFacts::of`] its journal.
    pub control: Option<ControlFacts>,
    /// How long workflows that hang are waited for; `tokenlapse::check::deadline` is what they are judged by. Without one they are given up on when for long nothing has happened to faults, workers and clocks.
    pub deadline: Option<Deadline>,
}

impl<'a> Brief<'a> {
    /// A scenario against a target with another seed each time, no defect, the lab's own upstream, no control and no
    /// deadline.
    pub fn new(name: impl Into<String>, resolved: &'a Resolved, target: &'a Target, under_test: UnderTest) -> Self {
        Self {
            resolved,
            target,
            under_test,
            defect: None,
            seed: rand::random(),
            inert: false,
            name: name.into(),
            upstream: None,
            control: None,
            deadline: None,
        }
    }

    fn header(&self, site: &Site) -> RunHeader {
        RunHeader {
            schema: SCHEMA_VERSION,
            run: site.run.clone(),
            scenario: self.resolved.scenario.clone(),
            seed: self.seed.to_string(),
            temporal: site.server.clone(),
            // Both models are plain data with text as keys.
            resolved: serde_json::to_value(self.resolved).unwrap_or_default(),
            target: serde_json::to_value(self.target).unwrap_or_default(),
            control: self.control.clone(),
        }
    }
}

/// The lab failed; nothing can be said of the worker.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// No temporary files, ports or threads.
    #[error("the lab could not be set up")]
    Setup(#[from] io::Error),
    /// The target's file says something that the lab cannot serve.
    #[error("the lab cannot serve {what}: {why}")]
    Unserved {
        /// What.
        what: String,
        /// Why.
        why: String,
    },
    /// A worker was of no use.
    #[error(transparent)]
    Crew(#[from] CrewError),
    /// The lab's own Temporal server did not start.
    #[error(transparent)]
    Server(#[from] StartError),
    /// The Temporal server failed the harness.
    #[error(transparent)]
    Workload(#[from] WorkloadError),
    /// The journal is not the whole truth.
    #[error(transparent)]
    Incomplete(#[from] Incomplete),
}

/// An open lab. Dropped, it ends its workers and stops serving.
pub struct Lab {
    crew: Crew,
    scene: Scene,
    drive: Drive,
    pulse: Pulse,
    /// The Temporal server, if it is the lab's own.
    server: Option<OwnServer>,
    // Kept until the end: a server and files that workers use.
    _upstream: Option<MockServer>,
    _files: TempDir,
}

impl Lab {
    /// Opens a lab that reports to `journal`. No worker is started yet.
    ///
    /// # Errors
    ///
    /// [`LabError`].
    pub async fn open(site: &Site, journal: Journal, brief: Brief<'_>) -> Result<Self, LabError> {
        journal.record(Event::RunStarted(Box::new(brief.header(site)))).settled().await;
        let resolved = brief.resolved;
        let files = tempfile::Builder::new().prefix("lab-").tempdir_in(&site.scratch)?;
        let frontend = Frontend::of(site, resolved, files.path()).await?;
        let own = match &resolved.api.upstream {
            None if brief.upstream.is_none() => Some(upstream::start(&resolved.api.routes).await),
            _ => None,
        };
        let upstream = match (brief.upstream, &resolved.api.upstream, &own) {
            (Some(url), _, _) => url,
            (None, Some(text), _) => parse_url(text)?,
            (None, None, Some(server)) => parse_url(&server.uri())?,
            (None, None, None) => unreachable!("one is started where there is no other"),
        };
        let clients = Clients::of(resolved, brief.seed);
        let library = site.faketime.clone().filter(|_| brief.under_test.is_process() && needs_worker_clock(resolved));
        let worker_clock = library.map(|library| WorkerClock::create(library, files.path())).transpose()?;
        let opening = Opening {
            idp: idp_config(resolved, &clients, &site.namespace, brief.seed),
            validation: match resolved.api.mode {
                ValidationMode::Jwks => Validation::Jwks,
                ValidationMode::Introspect => Validation::Introspect,
            },
            leeway: resolved.api.leeway.to_std(),
            api: api::Config {
                routes: resolved.api.routes.clone(),
                correlate: resolved.api.correlate.clone(),
                upstream,
            },
            temporal: frontend.address,
            operator: Some(frontend.client.clone()),
            server: frontend.server.clone(),
            authorization: frontend::authorization(resolved)?,
            worker_clock: worker_clock.clone(),
            secrets: vec![
                (TokenName::from("S1"), clients.secret.clone()),
                (TokenName::from("S2"), clients.other_secret.clone()),
            ],
            plan: Plan { inert: brief.inert, ..Plan::of(resolved, brief.seed) },
        };
        let mut scene = Scene::open(journal.clone(), opening);
        for (owner, offset) in resolved.clocks.moved() {
            let clock = match owner {
                ClockOwner::Idp => Clock::Idp,
                ClockOwner::Api => Clock::Api,
                ClockOwner::Worker => Clock::Worker,
            };
            scene.set_clock(clock, offset.as_millis());
        }

        let queue = resolved.workload.task_queue.clone().unwrap_or_else(|| brief.name.clone());
        let mut env = clients.env(resolved);
        env.set(LabValue::TemporalNamespace, &site.namespace);
        env.set(LabValue::TaskQueue, &queue);
        env.set(LabValue::Tokenlapse, site.executable.to_string_lossy());
        if let Some(defect) = &brief.defect {
            env.set(LabValue::Defect, defect);
        }
        let state = private_directory(&files, "state")?;
        env.set(LabValue::StateDir, state.to_string_lossy());
        if frontend::is_guarded(resolved) {
            frontend::guard(&mut scene, resolved, &state, &mut env).await?;
        }
        let mut refresh_token_file = None;
        if resolved.client.grant == Grant::RefreshToken {
            // Its issuer is nobody's address: a refresh token is not bound to one.
            let consent = Listener::new("consent", "http://127.0.0.1");
            let subject = resolved.client.subject.as_deref().unwrap_or(&clients.id);
            let token = scene.idp().mint_refresh_token(&clients.id, subject, &consent);
            let token = token.expect("the client is registered");
            let file = state.join("refresh_token");
            replace(&file, token.value.expose())?;
            env.set(LabValue::ClientRefreshTokenFile, file.to_string_lossy());
            refresh_token_file = Some(file);
        }
        let belongings = Belongings {
            env,
            clock: worker_clock,
            refresh_token_file,
            orders: scene.take_orders().expect("nobody has taken them before"),
        };
        let pulse = Pulse::start(journal.clone());
        let crew = Crew::new(brief.under_test, journal.clone(), &resolved.workers, belongings);
        let drive = Drive::new(frontend.client.reporting_to(journal), resolved, &brief.name, queue, brief.deadline);
        Ok(Self { crew, scene, drive, pulse, server: frontend.server, _upstream: own, _files: files })
    }

    /// A whole scenario run: all that follows, in order. Where it fails, the journal lacks its last record.
    ///
    /// # Errors
    ///
    /// [`LabError`].
    pub async fn live(site: &Site, journal: &Journal, brief: Brief<'_>) -> Result<(), LabError> {
        let mut lab = Self::open(site, journal.clone(), brief).await?;
        lab.start_workers().await?;
        lab.work().await?;
        lab.close().await
    }

    /// What it serves.
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// Starts the workers and waits until all are ready.
    ///
    /// # Errors
    ///
    /// [`LabError::Crew`].
    pub async fn start_workers(&mut self) -> Result<(), LabError> {
        Ok(self.crew.start(&mut self.scene).await?)
    }

    /// Starts the workflows and waits until all have closed, or until nothing can be expected any more.
    ///
    /// # Errors
    ///
    /// [`LabError::Workload`].
    pub async fn work(&mut self) -> Result<(), LabError> {
        let Self { crew, scene, drive, server, .. } = self;
        let journal = scene.journal().clone();
        journal.record(Event::WorkloadStarted { count: drive.count() }).settled().await;
        tokio::select! {
            done = drive.to_the_end() => done?,
            () = async {
                crew.supervise(scene).await;
                // Whoever ended last may have done the last of the work.
                tokio::time::sleep(drive::AFTER_THE_LAST_WORKER).await;
            } => {}
        }
        if let Some(server) = server {
            // Whatever still stands: it is asked how the workflows ended.
            server.resume().await;
        }
        drive.give_up_on_the_rest().await?;
        journal.record(Event::WorkloadFinished).settled().await;
        Ok(())
    }

    /// Ends the workers, appends the histories, and stops serving. The journal can be judged then.
    ///
    /// # Errors
    ///
    /// If the journal is not the whole truth, or the server does not give the histories.
    pub async fn close(mut self) -> Result<(), LabError> {
        drop(self.pulse);
        self.crew.dismiss().await;
        self.drive.append_histories().await?;
        let journal = self.scene.journal().clone();
        self.scene.close().await?;
        if let Some(server) = self.server {
            server.kill().await;
        }
        journal.end(None).await;
        Ok(())
    }
}

/// Whether the workers' clock is moved, and seen to be. libfaketime is preloaded only then: it costs time at each start.
fn needs_worker_clock(resolved: &Resolved) -> bool {
    let moved = |fault: &ResolvedFault| match &fault.action {
        Action::ClockSkew(skew) => skew.of == ClockOwner::Worker,
        Action::ClockDrift(drift) => drift.of == ClockOwner::Worker,
        _ => false,
    };
    let passes = |fault: &ResolvedFault| matches!(fault.action, Action::TimePass(_));
    let seen = resolved.policy.refresh.reads_clock() && resolved.faults.iter().any(passes);
    seen || resolved.clocks.worker.is_some() || resolved.faults.iter().any(moved)
}

/// The OAuth clients of a lab.
struct Clients {
    id: String,
    secret: Secret,
    other_secret: Secret,
}

impl Clients {
    fn of(resolved: &Resolved, seed: u64) -> Self {
        let client = &resolved.client;
        Self {
            id: client.id.as_ref().expect("resolution gives every client one").value.clone(),
            secret: client
                .secret
                .as_ref()
                .map_or_else(|| client_secret(seed, 1), |secret| Secret::new(secret.reveal())),
            other_secret: client_secret(seed, 2),
        }
    }

    /// A client as the identity provider knows it.
    fn registered(resolved: &Resolved, id: &str, secret: &Secret) -> IdpClient {
        let audience = resolved.client.audience.as_deref().or(resolved.api.audience.as_deref()).unwrap_or(AUDIENCE);
        IdpClient {
            methods: vec![match resolved.client.auth {
                ClientAuth::ClientSecretBasic => AuthMethod::Basic,
                ClientAuth::ClientSecretPost => AuthMethod::Post,
            }],
            // Both: real providers let a client with a user's consent have tokens of its own, too (FM-44).
            grants: vec![GrantType::ClientCredentials, GrantType::RefreshToken],
            scopes: resolved.client.scopes.clone(),
            audience: audience.to_owned(),
            ..IdpClient::new(id, secret.expose())
        }
    }

    fn env(&self, resolved: &Resolved) -> LabEnv {
        let mut env = LabEnv::default();
        env.set(LabValue::ClientId, &self.id);
        env.set(LabValue::ClientSecret, self.secret.expose());
        env.set(LabValue::ClientAuth, resolved.client.auth.name());
        let client = Self::registered(resolved, &self.id, &self.secret);
        let dialect = resolved.idp.dialect;
        env.set(LabValue::ClientScopes, dialect.scope_parameter(&client));
        if let Some(audience) = dialect.audience_parameter(&client) {
            env.set(LabValue::ClientAudience, audience);
        }
        env.set(LabValue::OtherClientId, OTHER_CLIENT);
        env.set(LabValue::OtherClientSecret, self.other_secret.expose());
        env
    }
}

fn idp_config(resolved: &Resolved, clients: &Clients, namespace: &str, seed: u64) -> IdpConfig {
    let registered = |id: &str, secret: &Secret| Clients::registered(resolved, id, secret);
    let of_frontend = frontend::is_guarded(resolved).then(|| frontend::client(resolved, namespace));
    let of_api = [registered(&clients.id, &clients.secret), registered(OTHER_CLIENT, &clients.other_secret)];
    IdpConfig {
        dialect: resolved.idp.dialect,
        clients: of_api.into_iter().chain(of_frontend).collect(),
        format: match (resolved.idp.token_format, resolved.idp.signing) {
            (TokenFormat::Opaque, _) => IdpFormat::Opaque,
            (TokenFormat::Jwt, Signing::Rs256) => IdpFormat::Jwt(Algorithm::Rs256),
            (TokenFormat::Jwt, Signing::Es256) => IdpFormat::Jwt(Algorithm::Es256),
        },
        access_token_lifetime: resolved.idp.access_token_lifetime.to_std(),
        refresh_token_lifetime: resolved.idp.refresh_token_lifetime.to_std(),
        rotation: if resolved.idp.rotation {
            Rotation::On {
                reuse: match resolved.idp.reuse {
                    Reuse::RevokeFamily => IdpReuse::RevokeFamily,
                    Reuse::Refuse => IdpReuse::Refuse,
                },
                grace: resolved.idp.rotation_grace.to_std(),
            }
        } else {
            Rotation::Off
        },
        seed: Some(seed),
        ..IdpConfig::default()
    }
}

fn parse_url(text: &str) -> Result<Url, LabError> {
    Url::parse(text).map_err(|error| LabError::Unserved { what: format!("upstream {text}"), why: error.to_string() })
}

fn private_directory(files: &TempDir, name: &str) -> io::Result<PathBuf> {
    // A temporary directory is the user's alone already; a copy of its path must not be less private.
    let path = files.path().join(name);
    std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700).create(&path)?;
    Ok(path)
}
