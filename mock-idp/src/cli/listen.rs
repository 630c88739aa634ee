//! The sockets of the command.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpListener;

use super::{Failure, NO_PORT};

/// A socket on this port, and its address. `flag` names what asked for it.
///
/// # Errors
///
/// If the port cannot be had, with what to do.
pub(super) async fn listen(address: IpAddr, port: u16, flag: &str) -> Result<(TcpListener, SocketAddr), Failure> {
    let wanted = SocketAddr::new(address, port);
    let told = |error: io::Error| Failure::new(explained(wanted, flag, &error), NO_PORT);
    let socket = TcpListener::bind(wanted).await.map_err(told)?;
    let address = socket.local_addr().map_err(told)?;
    Ok((socket, address))
}

fn explained(wanted: SocketAddr, flag: &str, error: &io::Error) -> String {
    let port = wanted.port();
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "port {port} is taken by another process; give another one to {flag}, or end that process. {flag} 0 takes a \
             free one"
        ),
        io::ErrorKind::PermissionDenied => {
            format!("port {port} is only for processes with privileges; give {flag} one from 1024 on")
        }
        io::ErrorKind::AddrNotAvailable => format!("{} is no address of this machine", wanted.ip()),
        _ => format!("{wanted} cannot be listened at: {error}"),
    }
}
