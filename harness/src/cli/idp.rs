//! `tokenlapse idp`: serves the mock identity provider alone.

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use mock_idp::{Algorithm, Client, Config, Idp, Listener, TokenFormat};
use tokio::net::TcpListener;

#[derive(clap::Args)]
pub(super) struct Arguments {
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
    Es256,
    Rs256,
}

/// Serves until the process is interrupted (exit code 130); a port that cannot be had is exit code 3.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), arguments.port);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("no threads for the server: {error}")),
    };
    runtime.block_on(async {
        match TcpListener::bind(address).await {
            Ok(socket) => serve(socket, arguments).await,
            Err(error) => {
                failed(&format!("port {} cannot be used: {error}; --port 0 takes a free one", arguments.port))
            }
        }
    })
}

async fn serve(socket: TcpListener, arguments: &Arguments) -> ExitCode {
    let issuer = match socket.local_addr() {
        Ok(address) => format!("http://{address}"),
        Err(error) => return failed(&error.to_string()),
    };
    let client =
        Client::new(&arguments.client_id, &arguments.client_secret).scopes(arguments.scopes.split_whitespace());
    let idp = Idp::new(Config {
        clients: vec![client],
        format: match arguments.format {
            Format::Opaque => TokenFormat::Opaque,
            Format::Es256 => TokenFormat::Jwt(Algorithm::Es256),
            Format::Rs256 => TokenFormat::Jwt(Algorithm::Rs256),
        },
        access_token_lifetime: Duration::from_secs(arguments.lifetime.into()),
        seed: arguments.seed,
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
        return ExitCode::from(1);
    }
    tokio::select! {
        ended = idp.serve(socket, Listener::new("idp", issuer)) => match ended {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&format!("the socket failed: {error}")),
        },
        _ = tokio::signal::ctrl_c() => ExitCode::from(130),
    }
}

fn failed(why: &str) -> ExitCode {
    // Nothing is left to do if nobody hears it.
    let _ = writeln!(io::stderr(), "tokenlapse idp: {why}");
    ExitCode::from(3)
}
