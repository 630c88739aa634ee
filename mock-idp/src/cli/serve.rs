//! `mock-idp serve`, which is `tokenlapse idp` as well.

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::PossibleValuesParser;

use super::listen::listen;
use super::stop::Stop;
use super::{BAD_INPUT, Failure, NO_PORT, say, told};
use crate::admin::Admin;
use crate::config::{Listener, Memory};
use crate::dialect::Dialect;
use crate::endpoint::Endpoint;
use crate::idp::Idp;
use crate::secret::Secret;
use crate::settings::{Format, Settings, example};

/// How long running tasks may take to end.
const ENDING: Duration = Duration::from_millis(500);

/// What is served, and where.
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// Port of the identity provider; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Address to listen at. Others than loopback ones are for containers: whoever reaches it can use it
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    address: IpAddr,
    /// Scheme, host and port by which clients reach it, if not what it listens at
    #[arg(long, value_name = "URL", value_parser = origin)]
    origin: Option<String>,
    /// Port of the control over HTTP; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    admin_port: u16,
    /// Address of the control. Others than loopback ones need `--admin-token`
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    admin_address: IpAddr,
    /// What the control wants as bearer token; without it whoever runs on this machine may use it
    #[arg(long, env = "MOCK_IDP_ADMIN_TOKEN", hide_env_values = true, value_parser = secret)]
    admin_token: Option<Secret>,
    /// No control over HTTP
    #[arg(long, conflicts_with_all = ["admin_port", "admin_address", "admin_token"])]
    no_admin: bool,
    /// Configuration file (YAML); flags say otherwise
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Whose paths, names and answers it has
    #[arg(long, value_parser = PossibleValuesParser::new(Dialect::ALL.iter().map(|dialect| dialect.name())))]
    dialect: Option<String>,
    /// `client_id` of the one client [default: worker]
    #[arg(long, conflicts_with = "config")]
    client_id: Option<String>,
    /// `client_secret` of the one client, which is not printed [default: one that is no secret]
    #[arg(long, env = "MOCK_IDP_CLIENT_SECRET", hide_env_values = true, value_parser = secret)]
    #[arg(conflicts_with = "config")]
    client_secret: Option<Secret>,
    /// Scopes of the one client, separated by spaces [default: orders.read orders.write]
    #[arg(long, conflicts_with = "config")]
    scopes: Option<String>,
    /// Form of access tokens [default: es256]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Lifetime of access tokens in seconds [default: 300]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    lifetime: Option<u32>,
    /// All token values are drawn from it; without it they are random
    #[arg(long)]
    seed: Option<u64>,
    /// What is kept of tokens [default: needed]
    #[arg(long, value_enum)]
    memory: Option<Memory>,
}

fn secret(text: &str) -> Result<Secret, String> {
    if text.is_empty() { Err("it is empty".into()) } else { Ok(Secret::new(text)) }
}

fn origin(text: &str) -> Result<String, String> {
    let url = url::Url::parse(text).map_err(|error| error.to_string())?;
    let plain = matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none();
    if !plain || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err("it has a scheme (http or https), a host and perhaps a port, as in http://idp.test:8080".into());
    }
    Ok(url.origin().ascii_serialization())
}

/// Serves until the process is told to end (exit code 130). `command` stands in front of what is said of trouble.
///
/// A bad configuration is exit code 2, a port that cannot be had is exit code 3.
pub fn serve(command: &str, arguments: &Serve) -> ExitCode {
    match started(arguments, command) {
        Ok(code) => code,
        Err(failure) => failure.told(command),
    }
}

fn started(arguments: &Serve, command: &str) -> Result<ExitCode, Failure> {
    let settings = arguments.settings()?;
    if !arguments.admin_address.is_loopback() && arguments.admin_token.is_none() && !arguments.no_admin {
        let why = format!(
            "others could reach the control at {}; give it an --admin-token, or leave it out with --no-admin",
            arguments.admin_address
        );
        return Err(Failure::new(why, BAD_INPUT));
    }
    if !arguments.address.is_loopback() {
        say(&format!("{command}: warning: others than this machine can reach {}", arguments.address));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(format!("no threads for the server: {error}"), NO_PORT))?;
    let code = runtime.block_on(arguments.until_stopped(&settings));
    // Requests in flight do not keep the process.
    runtime.shutdown_timeout(ENDING);
    code
}

/// A configuration file.
///
/// # Errors
///
/// All that is wrong with it.
pub(super) fn read(file: &Path) -> Result<Settings, Failure> {
    let name = file.display().to_string();
    let unread = |error| Failure::new(format!("{name} cannot be read: {error}"), BAD_INPUT);
    let text = std::fs::read_to_string(file).map_err(unread)?;
    Settings::parse(&text, &name).map_err(|problems| Failure::new(told(problems), BAD_INPUT))
}

impl Serve {
    fn settings(&self) -> Result<Settings, Failure> {
        let mut settings = match &self.config {
            Some(file) => read(file)?,
            None => Settings::default(),
        };
        if let [client] = settings.clients.as_mut_slice()
            && self.config.is_none()
        {
            if let Some(id) = &self.client_id {
                client.id = id.clone().into();
            }
            if let Some(secret) = &self.client_secret {
                client.secret = secret.clone();
            }
            if let Some(scopes) = &self.scopes {
                client.scopes = scopes.split_whitespace().map(str::to_owned).collect();
            }
        }
        if let Some(name) = &self.dialect {
            settings.dialect = Dialect::ALL.iter().copied().find(|dialect| dialect.name() == name).unwrap_or_default();
        }
        if let Some(format) = self.format {
            settings.tokens.format = format;
        }
        if let Some(seconds) = self.lifetime {
            settings.tokens.lifetime = crate::file::Duration::from_secs(seconds.into()).into();
        }
        settings.tokens.memory = self.memory.unwrap_or(settings.tokens.memory);
        settings.tokens.seed = self.seed.or(settings.tokens.seed);
        Ok(settings)
    }

    async fn until_stopped(&self, settings: &Settings) -> Result<ExitCode, Failure> {
        // Before anything is said: whoever has read it may ask at once.
        let stop = Stop::new().map_err(|error| Failure::new(format!("signals cannot be heard: {error}"), NO_PORT));
        let mut stop = stop?;
        let (socket, address) = listen(self.address, self.port, "--port").await?;
        let idp = settings.idp();
        let listener = Listener::new("idp", self.origin.clone().unwrap_or_else(|| format!("http://{}", near(address))));
        let mut control = None;
        if !self.no_admin {
            let (socket, address) = listen(self.admin_address, self.admin_port, "--admin-port").await?;
            let admin = Admin::new(idp.clone(), listener.clone()).token(self.admin_token.clone());
            control = Some((near(address), admin.serve(socket)));
        }
        let hint = self.hint(settings, &idp, &listener, control.as_ref().map(|(address, _)| *address));
        if io::stdout().write_all(hint.as_bytes()).and_then(|()| io::stdout().flush()).is_err() {
            return Ok(ExitCode::from(1));
        }
        let control = async {
            match control {
                Some((_, serving)) => serving.await,
                None => std::future::pending().await,
            }
        };
        let failed = |error: io::Error| Failure::new(format!("the socket failed: {error}"), NO_PORT);
        tokio::select! {
            ended = idp.serve(socket, listener.clone()) => ended.map_err(failed).map(|()| ExitCode::SUCCESS),
            ended = control => ended.map_err(failed).map(|()| ExitCode::SUCCESS),
            () = stop.asked() => Ok(ExitCode::from(130)),
        }
    }

    /// Where everything is, and a line that can be pasted.
    fn hint(&self, settings: &Settings, idp: &Idp, listener: &Listener, control: Option<SocketAddr>) -> String {
        let mut lines = vec![("issuer", idp.issuer(listener))];
        let url = |endpoint| idp.url(endpoint, listener);
        lines.extend(url(Endpoint::Discovery).map(|url| ("discovery", url)));
        lines.extend(control.map(|address| ("control", format!("http://{address}/admin"))));
        let client = settings.clients.first();
        if let (Some(client), Some(token)) = (client, url(Endpoint::Token)) {
            // A secret of the user's own is not repeated.
            let secret = if client.secret == example::secret() { client.secret.expose() } else { "CLIENT_SECRET" };
            let credentials = quoted(&format!("{}:{secret}", client.id.value));
            lines.push(("try", format!("curl -u {credentials} -d grant_type=client_credentials {token}")));
        }
        lines.iter().map(|(name, value)| format!("{name:<11}{value}\n")).collect()
    }
}

/// Where this machine reaches a socket that listens at every address.
fn near(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}

/// As one word of a shell.
fn quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.:@/+,%".contains(letter);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
