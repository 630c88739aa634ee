//! HTTPS of the command: its certificate, and the file with what clients have to trust.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{BAD_INPUT, Failure};
use crate::tls::{Authority, ServerTls};

/// By these names this machine calls itself, whatever else it is called.
const OWN_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A set-up for TLS whose authority clients can trust.
pub(super) struct Https {
    pub(super) tls: ServerTls,
    /// Where the authority's certificate is, from the root.
    pub(super) ca_file: PathBuf,
    /// Holds the file where nobody said a place for it, and is removed when this is dropped.
    _folder: Option<TempDir>,
}

impl Https {
    /// With a certificate for this address, for the host of `origin`, and for what every machine calls itself. Writes
    /// the certificate of its authority.
    ///
    /// # Errors
    ///
    /// If no certificate can be for that host, or if the file cannot be written.
    pub(super) fn new(address: IpAddr, origin: &str, ca_file: Option<&Path>) -> Result<Self, Failure> {
        let mut names: BTreeSet<String> = OWN_NAMES.iter().map(|name| (*name).to_owned()).collect();
        names.insert(address.to_string());
        names.extend(host(origin));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let tls = ServerTls::for_names(&names);
        let tls = tls.map_err(|error| Failure::new(format!("no certificate for {origin}: {error}"), BAD_INPUT))?;
        let unwritten = |place: &Path, error: std::io::Error| {
            let place = place.display();
            let why = format!(
                "the authority's certificate cannot be written to {place}: {error}; give --ca-file a path in a folder that exists and that you may write to"
            );
            Failure::new(why, BAD_INPUT)
        };
        let (folder, ca_file) = match ca_file {
            Some(path) => (None, path.to_owned()),
            None => {
                let folder = tempfile::Builder::new().prefix("mock-idp-").tempdir();
                let folder = folder.map_err(|error| unwritten(&std::env::temp_dir(), error))?;
                let path = folder.path().join("ca.pem");
                (Some(folder), path)
            }
        };
        // From the root: what is pasted elsewhere still finds it.
        let ca_file = std::path::absolute(&ca_file).map_err(|error| unwritten(&ca_file, error))?;
        Authority::of_process().write_certificate(&ca_file).map_err(|error| unwritten(&ca_file, error))?;
        Ok(Self { tls, ca_file, _folder: folder })
    }
}

/// The host of an origin, as certificates name it: an IPv6 address without brackets.
fn host(origin: &str) -> Option<String> {
    let url = url::Url::parse(origin).ok()?;
    Some(url.host_str()?.trim_matches(['[', ']']).to_owned())
}
