//! The two grants, over an [`Exchange`].

use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Exchange, GrantRequest, Locked, RefreshTokenFile, Token};
use crate::failure::Failure;
use crate::secret::Secret;

/// Gets one new access token.
pub trait Grant: Send + Sync {
    /// Asks the identity provider. Whatever must survive is on disk before the token is returned.
    fn grant(&self) -> BoxFuture<'_, Result<Token, Failure>>;
}

/// RFC 6749 §4.4: the client acts for itself.
pub struct ClientCredentials {
    exchange: Arc<dyn Exchange>,
}

impl ClientCredentials {
    /// The grant over `exchange`.
    pub fn new(exchange: Arc<dyn Exchange>) -> Self {
        Self { exchange }
    }
}

impl Grant for ClientCredentials {
    fn grant(&self) -> BoxFuture<'_, Result<Token, Failure>> {
        async move {
            let issued = self.exchange.exchange(GrantRequest::ClientCredentials).await?;
            Ok(issued.access_token)
        }
        .boxed()
    }
}

/// RFC 6749 §6: the client acts for whoever consented. The refresh token may be replaced at each use (RFC 9700 §4.14).
///
/// If no answer comes, the file still holds the token that was sent, and the retry presents it again: the identity
/// provider alone knows whether it rotated, and its grace period or its refusal decides (FM-07).
pub struct Refresh {
    exchange: Arc<dyn Exchange>,
    file: RefreshTokenFile,
    unsaved: Mutex<Option<Rotation>>,
}

/// A rotation that could not be written: `from` is in the file, `to` is what the identity provider knows.
#[derive(Clone)]
struct Rotation {
    from: Secret,
    to: Secret,
}

impl Refresh {
    /// The grant over `exchange`, with the refresh token in `file`.
    pub fn new(exchange: Arc<dyn Exchange>, file: RefreshTokenFile) -> Self {
        Self { exchange, file, unsaved: Mutex::default() }
    }

    fn save(&self, locked: &Locked, rotation: Rotation) -> Result<(), Failure> {
        let saved = locked.write(&rotation.to);
        *self.unsaved.lock().unwrap_or_else(PoisonError::into_inner) = saved.is_err().then_some(rotation);
        saved
    }

    /// What to present: the file's token, unless this process knows that it could not save its successor.
    fn newest(&self, locked: &Locked) -> Result<Secret, Failure> {
        let stored = locked.read()?;
        let unsaved = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match unsaved {
            Some(rotation) if rotation.from == stored => {
                let newest = rotation.to.clone();
                self.save(locked, rotation)?;
                Ok(newest)
            }
            _ => Ok(stored),
        }
    }
}

impl Grant for Refresh {
    fn grant(&self) -> BoxFuture<'_, Result<Token, Failure>> {
        async move {
            let locked = self.file.lock().await?;
            let presented = self.newest(&locked)?;
            let issued = self.exchange.exchange(GrantRequest::RefreshToken(presented.clone())).await?;
            if let Some(to) = issued.refresh_token.filter(|token| *token != presented) {
                let from = presented;
                self.save(&locked, Rotation { from, to })?;
            }
            Ok(issued.access_token)
        }
        .boxed()
    }
}
