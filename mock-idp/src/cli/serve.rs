//! `mock-idp serve`, which is `tokenlapse idp` as well.

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::PossibleValuesParser;

use super::hint::hint;
use super::https::Https;
use super::listen::listen;
use super::stop::Stop;
use super::{BAD_INPUT, Failure, NO_PORT, say, told};
use crate::admin::Admin;
use crate::config::{Listener, Memory};
use crate::dialect::Dialect;
use crate::file::Complaint;
use crate::secret::Secret;
use crate::settings::{ClientSettings, Format, Settings, words};

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
    /// HTTPS instead of HTTP, by HTTP/2 or HTTP/1.1, with a certificate of an authority that is made at each start
    #[arg(long)]
    https: bool,
    /// Where the authority's certificate is written, in PEM, for clients to trust [default: a temporary file]
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
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
    /// Form of access tokens [default: as the dialect has it, es256 for the generic one]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Lifetime of access tokens in seconds [default: as the dialect has it, 300 for the generic one]
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
/// A bad configuration is exit code 2, as is an authority's certificate that cannot be written; a port that cannot be had
/// is exit code 3.
pub fn serve(command: &str, arguments: &Serve) -> ExitCode {
    match started(arguments, command) {
        Ok(code) => code,
        Err(failure) => failure.told(command),
    }
}

fn started(arguments: &Serve, command: &str) -> Result<ExitCode, Failure> {
    let settings = arguments.settings()?;
    check_certificates(&settings)?;
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

/// A client that shows a certificate and nothing else gets no tokens where there is no TLS.
fn check_certificates(settings: &Settings) -> Result<(), Failure> {
    let shows_nothing_else = |client: &&ClientSettings| {
        !client.methods.is_empty() && client.methods.iter().all(|method| method.is_certificate())
    };
    match settings.clients.iter().find(shows_nothing_else) {
        Some(client) if settings.https.is_none() => {
            let id = &client.id.value;
            let why =
                format!("`{id}` proves itself by the certificate of its connection, which needs TLS: add --https");
            Err(Failure::new(why, BAD_INPUT))
        }
        _ => Ok(()),
    }
}

impl Serve {
    fn settings(&self) -> Result<Settings, Failure> {
        let mut settings = match &self.config {
            Some(file) => read(file)?,
            None => Settings::default(),
        };
        self.set_https(&mut settings)?;
        if let [client] = settings.clients.as_mut_slice()
            && self.config.is_none()
        {
            self.set_client(client)?;
        }
        if let Some(name) = &self.dialect {
            settings.dialect = Dialect::ALL.iter().copied().find(|dialect| dialect.name() == name).unwrap_or_default();
        }
        settings.tokens.format = self.format.or(settings.tokens.format);
        if let Some(seconds) = self.lifetime {
            settings.tokens.lifetime = Some(crate::file::Duration::from_secs(seconds.into()).into());
        }
        settings.tokens.memory = self.memory.unwrap_or(settings.tokens.memory);
        settings.tokens.seed = self.seed.or(settings.tokens.seed);
        Ok(settings)
    }

    /// The one client that is there without a file. What a file may not say of it no flag may say.
    fn set_client(&self, client: &mut ClientSettings) -> Result<(), Failure> {
        fn checked(flag: &str, complaint: Option<Complaint>) -> Result<(), Failure> {
            match complaint {
                // Not by the parser of flags, which would show what was given: a secret as well.
                Some(complaint) => Err(Failure::new(format!("{flag}: {}", complaint.in_one_line()), BAD_INPUT)),
                None => Ok(()),
            }
        }
        if let Some(id) = &self.client_id {
            checked("--client-id", words::no_id(id))?;
            client.id = id.clone().into();
        }
        if let Some(secret) = &self.client_secret {
            checked("--client-secret", words::no_secret(secret.expose()))?;
            client.secret = secret.clone();
        }
        if let Some(scopes) = &self.scopes {
            client.scopes =
                scopes.split(' ').filter(|scope| !scope.is_empty()).map(|scope| scope.to_owned().into()).collect();
            checked("--scopes", client.scopes.iter().find_map(|scope| words::no_scope(scope)))?;
        }
        Ok(())
    }

    /// Flags say otherwise than a file, which means its own folder by the paths in it.
    fn set_https(&self, settings: &mut Settings) -> Result<(), Failure> {
        let refused = |why: String| Err(Failure::new(why, BAD_INPUT));
        if self.https {
            settings.https.get_or_insert_default();
        }
        let Some(https) = &mut settings.https else {
            return match &self.ca_file {
                Some(_) => refused("--ca-file is for HTTPS: add --https, or leave it out".into()),
                None => Ok(()),
            };
        };
        if let Some(origin) = self.origin.as_ref().filter(|origin| !origin.starts_with("https:")) {
            let what_to_do = "begin --origin with https, or do without HTTPS";
            return refused(format!("clients would call {origin} without TLS: {what_to_do}"));
        }
        if let Some(path) = &self.ca_file {
            https.ca_file = Some(path.clone().into());
        } else if let (Some(file), Some(path)) = (&self.config, &mut https.ca_file) {
            path.value = file.parent().unwrap_or(Path::new("")).join(&path.value);
        }
        Ok(())
    }

    async fn until_stopped(&self, settings: &Settings) -> Result<ExitCode, Failure> {
        // Before anything is said: whoever has read it may ask at once.
        let stop = Stop::new().map_err(|error| Failure::new(format!("signals cannot be heard: {error}"), NO_PORT));
        let mut stop = stop?;
        let (socket, address) = listen(self.address, self.port, "--port").await?;
        let idp = settings.idp();
        let scheme = if settings.https.is_some() { "https" } else { "http" };
        let origin = self.origin.clone().unwrap_or_else(|| format!("{scheme}://{}", near(address)));
        let listener = Listener::new("idp", origin);
        let mut control = None;
        if !self.no_admin {
            let (socket, address) = listen(self.admin_address, self.admin_port, "--admin-port").await?;
            let admin = Admin::new(idp.clone(), listener.clone()).token(self.admin_token.clone());
            control = Some((near(address), admin.serve(socket)));
        }
        // Last of what can fail: whoever sees the file may trust that the rest is there.
        let https = settings.https.as_ref().map(|https| {
            let ca_file = https.ca_file.as_ref().map(|path| path.as_path());
            Https::new(near(address).ip(), &listener.origin, ca_file)
        });
        let https = https.transpose()?;
        let ca_file = https.as_ref().map(|https| https.ca_file.as_path());
        let hint = hint(settings, &idp, &listener, control.as_ref().map(|(address, _)| *address), ca_file);
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
        let serving = async {
            match &https {
                Some(https) => idp.serve_tls(socket, listener.clone(), https.tls.clone()).await,
                None => idp.serve(socket, listener.clone()).await,
            }
        };
        tokio::select! {
            ended = serving => ended.map_err(failed).map(|()| ExitCode::SUCCESS),
            ended = control => ended.map_err(failed).map(|()| ExitCode::SUCCESS),
            () = stop.asked() => Ok(ExitCode::from(130)),
        }
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
