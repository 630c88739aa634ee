//! The workers' credential for the Temporal frontend, kept in a file and renewed in time, as a sidecar or a projected
//! volume does.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use mock_idp::{Idp, Listener, TokenFacts};
use tempfile::NamedTempFile;

/// The OAuth client that the credential is for.
pub(super) const CLIENT: &str = "temporal";

/// Makes credentials and puts them into the file.
#[derive(Clone)]
pub(super) struct Bearer {
    idp: Idp,
    file: PathBuf,
    lifetime: Duration,
}

impl Bearer {
    /// A first credential, in a file that is made for it.
    pub(super) fn new(idp: Idp, file: PathBuf, lifetime: Duration) -> io::Result<(Self, TokenFacts)> {
        let bearer = Self { idp, file, lifetime };
        let token = bearer.renew()?;
        Ok((bearer, token))
    }

    /// Where it lies.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// A new credential in the file, by renaming: no reader sees half of one.
    pub(super) fn renew(&self) -> io::Result<TokenFacts> {
        // Its issuer is nobody's address: the frontend asks for keys only.
        let issuer = Listener::new(CLIENT, "http://127.0.0.1");
        let token = self.idp.mint_access_token(CLIENT, self.lifetime, &issuer).expect("the client is registered");
        replace(&self.file, token.value.expose())?;
        Ok(token)
    }

    /// Renews it for ever, each time before it expires.
    pub(super) async fn keep(self, mut newest: TokenFacts) {
        // When two thirds of its life are over.
        let early = self.lifetime / 3;
        loop {
            let due_ms = newest.expires_at_ms.saturating_sub(i64::try_from(early.as_millis()).unwrap_or(i64::MAX));
            self.idp.clock().reached(due_ms).await;
            match self.renew() {
                Ok(token) => newest = token,
                Err(error) => {
                    tracing::error!(%error, "the workers' credential could not be renewed");
                    return;
                }
            }
        }
    }
}

/// Writes a file, or writes it anew, for its owner alone.
pub(super) fn replace(file: &Path, text: &str) -> io::Result<()> {
    let folder = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut aside = NamedTempFile::new_in(folder)?;
    aside.write_all(text.as_bytes())?;
    aside.persist(file)?;
    Ok(())
}
