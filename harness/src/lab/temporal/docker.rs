//! The dev server in a container of its own, in an image that holds nothing but its binary.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::time::Duration;

use futures::StreamExt as _;
use testcontainers::bollard::Docker as Engine;
use testcontainers::bollard::container::LogOutput;
use testcontainers::bollard::models::PortBinding;
use testcontainers::bollard::query_parameters::{LogsOptionsBuilder, WaitContainerOptions};
use testcontainers::core::client::docker_client_instance;
use testcontainers::core::{BuildImageOptions, IntoContainerPort as _};
use testcontainers::runners::{AsyncBuilder as _, AsyncRunner as _};
use testcontainers::{ContainerAsync, GenericBuildableImage, GenericImage, ImageExt as _};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin};

use super::backend::{Backend, Held, Running, StartError, Starting};
use super::binary::{BinarySources, Found};
use super::cache::sha256;
use super::frontend::Frontend;
use super::output::LAST_LINES;
use super::{keeper, server};
use crate::lab::worker::Launcher;

/// The label that every container carries; its value is the run's id.
pub const RUN_LABEL: &str = "tokenlapse.run";

/// Where the server listens in its container.
const INSIDE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 7233);
/// Name of the images. Their tag is the beginning of the binary's sha256.
const IMAGE: &str = "tokenlapse-temporal";
/// The binary is all that is in it, so it must be one that needs no libraries: Temporal's own releases do not.
const DOCKERFILE: &str = "FROM scratch\nCOPY temporal /temporal\nENTRYPOINT [\"/temporal\"]\n";
/// An engine that does not answer within this time will not.
const ENGINE_PATIENCE: Duration = Duration::from_secs(10);

/// The dev server in a container. Needs a container engine on this machine, but no registry: the image is built from
/// the same binary that [`Dev`](super::Dev) starts.
#[derive(Debug, Clone)]
pub struct Docker {
    /// Where its binary comes from.
    pub binary: BinarySources,
}

/// Whether a container engine answers.
///
/// # Errors
///
/// [`StartError::NoEngine`] with the reason.
pub async fn engine() -> Result<(), StartError> {
    connected().await.map(drop)
}

async fn connected() -> Result<Engine, StartError> {
    let asked = async {
        let engine = docker_client_instance().await.map_err(|error| error.to_string())?;
        engine.ping().await.map_err(|error| error.to_string())?;
        Ok(engine)
    };
    let answered = tokio::time::timeout(ENGINE_PATIENCE, asked).await;
    let answered = answered.unwrap_or_else(|_| Err(format!("it did not answer within {ENGINE_PATIENCE:?}")));
    answered.map_err(|reason| StartError::NoEngine { reason })
}

impl Backend for Docker {
    fn start<'a>(&'a self, launcher: &'a Launcher, run: &'a str) -> Starting<'a> {
        Box::pin(async move {
            let engine = connected().await?;
            if !cfg!(target_os = "linux") {
                let reason = "the image is built from this machine's binary, which has to be one for Linux".to_owned();
                return Err(StartError::Engine { what: "use it", reason });
            }
            let binary = self.binary.locate(launcher).await?;
            // The keeper first: no container without one.
            let (keeper, image) = tokio::join!(Keeper::start(launcher, run), image(&binary));
            let (server, version) =
                tokio::join!(run_server(&engine, image?, keeper?, run), server::cli_version(launcher, &binary.path));
            let (address, frontend, container) = server?;
            let description = server::describe("dev server in Docker", version, &frontend).await?;
            Ok(Running::new(address, description, frontend, Held::Container(Box::new(container))))
        })
    }
}

fn failed<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> StartError {
    move |error| StartError::Engine { what, reason: error.to_string() }
}

/// Builds the image, unless it is there.
async fn image(binary: &Found) -> Result<GenericImage, StartError> {
    let sum = match &binary.sha256 {
        Some(sum) => sum.clone(),
        None => sha256(binary.path.clone()).await.map_err(failed("get the binary"))?,
    };
    let image = GenericBuildableImage::new(IMAGE, &sum[..16])
        .with_dockerfile_string(DOCKERFILE)
        .with_file(&binary.path, "temporal");
    let once = BuildImageOptions::new().with_skip_if_exists(true);
    image.build_image_with(once).await.map_err(failed("build the image"))
}

async fn run_server(
    engine: &Engine,
    image: GenericImage,
    keeper: Keeper,
    run: &str,
) -> Result<(SocketAddr, Frontend, Container), StartError> {
    let mark = server::mark();
    let inside = INSIDE.port().tcp();
    let request = image
        .with_exposed_port(inside)
        .with_cmd(server::arguments(INSIDE, &mark))
        // It asks who it is, and there is no list of users in the image.
        .with_env_var("USER", "tokenlapse")
        .with_env_var("HOME", "/")
        .with_label(RUN_LABEL, run)
        .with_host_config_modifier(|host| {
            // On this machine only, at any free port.
            let binding = PortBinding { host_ip: Some(Ipv4Addr::LOCALHOST.to_string()), host_port: None };
            host.port_bindings = Some([(format!("{}/tcp", INSIDE.port()), Some(vec![binding]))].into());
            host.publish_all_ports = Some(false);
        });
    let container = request.start().await.map_err(failed("start the container"))?;
    let container = Container { keeper, container: std::mem::ManuallyDrop::new(container) };
    let port = container.container.get_host_port_ipv4(inside).await.map_err(failed("publish the server's port"))?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let id = container.container.id();
    match server::ready(address, &mark, ended(engine, id)).await {
        Ok(frontend) => Ok((address, frontend, container)),
        Err(what) => Err(StartError::Unusable { what, last: last_lines(engine, id).await }),
    }
}

/// Waits until the container has ended, and says how.
async fn ended(engine: &Engine, id: &str) -> String {
    match engine.wait_container(id, None::<WaitContainerOptions>).next().await {
        Some(Ok(end)) => format!("exit code {}", end.status_code),
        Some(Err(error)) => error.to_string(),
        None => "the engine does not say how".to_owned(),
    }
}

async fn last_lines(engine: &Engine, id: &str) -> Vec<String> {
    let options = LogsOptionsBuilder::new().stdout(true).stderr(true).tail(&LAST_LINES.to_string()).build();
    let said = engine.logs(id, Some(options)).filter_map(async |log| log.ok().map(LogOutput::into_bytes));
    let said: Vec<_> = said.collect().await;
    said.iter().map(|line| String::from_utf8_lossy(line).trim_end().to_owned()).collect()
}

/// A container and its keeper.
pub(super) struct Container {
    keeper: Keeper,
    /// The keeper removes it, on every way that this one may end; testcontainers' own removal would block the
    /// thread, and needs a runtime where it is dropped.
    container: std::mem::ManuallyDrop<ContainerAsync<GenericImage>>,
}

impl Container {
    /// Removes it and waits until it is gone.
    pub(super) async fn remove(self) {
        self.keeper.sweep().await;
    }
}

/// The [`keeper`] process. Dropping it makes it remove the containers, without waiting.
struct Keeper {
    process: Child,
    /// Its end of input is what it waits for.
    told: ChildStdin,
}

impl Keeper {
    /// Starts it and waits until it keeps.
    async fn start(launcher: &Launcher, run: &str) -> Result<Self, StartError> {
        let what = "be watched, so that no container outlives the harness";
        let started = async {
            let mut process = tokio::process::Command::new(&launcher.executable)
                .arg0("tokenlapse")
                .arg(keeper::SUBCOMMAND)
                .env("TOKENLAPSE_RUN", run)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()?;
            let mut told = process.stdin.take().expect("standard input was asked for as a pipe");
            let said = process.stdout.take().expect("standard output was asked for as a pipe");
            told.write_all(format!("{RUN_LABEL}={run}\n").as_bytes()).await?;
            match BufReader::new(said).lines().next_line().await?.as_deref() {
                Some(keeper::KEEPING) => Ok(Self { process, told }),
                _ => Err(std::io::Error::other(format!(
                    "`{} {}` failed",
                    launcher.executable.display(),
                    keeper::SUBCOMMAND
                ))),
            }
        };
        let started = tokio::time::timeout(ENGINE_PATIENCE, started).await;
        started.unwrap_or_else(|late| Err(late.into())).map_err(failed(what))
    }

    /// Has the containers removed, and waits until they are.
    async fn sweep(mut self) {
        // If it cannot be told, it sweeps already.
        let _ = self.told.write_all(format!("{}\n", keeper::DONE).as_bytes()).await;
        drop(self.told);
        let _ = self.process.wait().await;
    }
}
