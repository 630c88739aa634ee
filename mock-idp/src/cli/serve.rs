//! `mock-idp serve`.

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::{Algorithm, Client, Config, Idp, Listener, Memory, TokenFormat};

/// What is served, and where.
#[derive(clap::Args)]
pub struct Serve {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// `client_id` of the one client
    #[arg(long, default_value = "worker")]
    client_id: String,
    /// `client_secret` of the one client
    #[arg(long, default_value = "secret")]
    client_secret: String,
    /// Scopes of the client, separated by spaces
    #[arg(long, default_value = "orders.read orders.write")]
    scopes: String,
    /// Form of access tokens
    #[arg(long, value_enum, default_value_t = Format::Es256)]
    format: Format,
    /// Lifetime of access tokens in seconds
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    lifetime: u32,
    /// All token values are drawn from it; without it they are random
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    Opaque,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Es256,
    Es384,
    #[value(name = "eddsa")]
    EdDsa,
}

impl From<Format> for TokenFormat {
    fn from(format: Format) -> Self {
        Self::Jwt(match format {
            Format::Opaque => return Self::Opaque,
            Format::Rs256 => Algorithm::Rs256,
            Format::Rs384 => Algorithm::Rs384,
            Format::Rs512 => Algorithm::Rs512,
            Format::Ps256 => Algorithm::Ps256,
            Format::Es256 => Algorithm::Es256,
            Format::Es384 => Algorithm::Es384,
            Format::EdDsa => Algorithm::EdDsa,
        })
    }
}

/// Serves until the process is interrupted (exit code 130); a port that cannot be had is exit code 3. What goes wrong
/// is said in the name of `command`.
pub fn serve(command: &str, arguments: &Serve) -> ExitCode {
    let run = || -> Result<ExitCode, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| format!("no threads for the server: {error}"))?;
        runtime.block_on(serving(arguments))
    };
    run().unwrap_or_else(|why| {
        // Nothing is left to do if nobody hears it.
        let _ = writeln!(io::stderr(), "{command}: {why}");
        ExitCode::from(3)
    })
}

async fn serving(arguments: &Serve) -> Result<ExitCode, String> {
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), arguments.port);
    let socket = TcpListener::bind(address)
        .await
        .map_err(|error| format!("port {} cannot be used: {error}; --port 0 takes a free one", arguments.port))?;
    let address = socket.local_addr().map_err(|error| error.to_string())?;
    let issuer = format!("http://{address}");
    let client =
        Client::new(&arguments.client_id, &arguments.client_secret).scopes(arguments.scopes.split_whitespace());
    let idp = Idp::new(Config {
        clients: vec![client],
        format: arguments.format.into(),
        access_token_lifetime: Duration::from_secs(arguments.lifetime.into()),
        seed: arguments.seed,
        memory: Memory::Needed,
        ..Config::default()
    });
    let id = &arguments.client_id;
    // The secret is the caller's own word; it is not repeated.
    let said = writeln!(
        io::stdout(),
        "issuer     {issuer}\ndiscovery  {issuer}/.well-known/openid-configuration\ntry        curl -u \
         {id}:CLIENT_SECRET -d grant_type=client_credentials {issuer}/oauth2/token"
    );
    if said.is_err() {
        return Ok(ExitCode::from(1));
    }
    tokio::select! {
        ended = idp.serve(socket, Listener::new("idp", issuer)) => {
            ended.map_err(|error| format!("the socket failed: {error}"))?;
            Ok(ExitCode::SUCCESS)
        }
        _ = tokio::signal::ctrl_c() => Ok(ExitCode::from(130)),
    }
}
