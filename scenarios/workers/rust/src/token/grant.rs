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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::failure::Cause;
    use crate::token::Issued;

    /// Rotates: presented `r1` gives `r2`, and so on; remembers what was presented.
    #[derive(Default)]
    struct Rotating {
        presented: Mutex<Vec<String>>,
        lose_first_reply: bool,
        break_folder: Mutex<Option<std::path::PathBuf>>,
    }

    impl Exchange for Rotating {
        fn exchange(&self, request: GrantRequest) -> BoxFuture<'_, Result<Issued, Failure>> {
            let GrantRequest::RefreshToken(token) = request else {
                panic!("a refresh was expected");
            };
            let mut presented = self.presented.lock().expect("no panic");
            presented.push(token.reveal().to_owned());
            let n = presented.len();
            if let Some(aside) = self.break_folder.lock().expect("no panic").take() {
                fs::create_dir(aside).expect("made");
            }
            let reply = if n == 1 && self.lose_first_reply {
                Err(Failure::idp(Cause::Text("connection ended without an answer")))
            } else {
                Ok(Issued {
                    access_token: Secret::new(format!("access-{n}")),
                    refresh_token: Some(Secret::new(format!("{}+", token.reveal()))),
                })
            };
            std::future::ready(reply).boxed()
        }
    }

    fn refresh(path: &Path, idp: Rotating) -> (Arc<Rotating>, Refresh) {
        fs::write(path, "r").expect("written");
        let idp = Arc::new(idp);
        (idp.clone(), Refresh::new(idp, RefreshTokenFile::new(path)))
    }

    #[tokio::test]
    async fn a_rotated_token_is_saved_before_the_access_token_is_out() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("token");
        let (idp, grant) = refresh(&path, Rotating::default());
        assert_eq!(grant.grant().await, Ok(Secret::new("access-1")));
        assert_eq!(fs::read_to_string(&path).expect("there"), "r+");
        grant.grant().await.expect("granted");
        assert_eq!(*idp.presented.lock().expect("no panic"), ["r", "r+"]);
    }

    #[tokio::test]
    async fn a_lost_reply_makes_the_retry_present_the_same_token() {
        let dir = tempfile::tempdir().expect("a directory");
        let idp = Rotating { lose_first_reply: true, ..Rotating::default() };
        let (idp, grant) = refresh(&dir.path().join("token"), idp);
        assert!(grant.grant().await.is_err());
        grant.grant().await.expect("granted");
        assert_eq!(*idp.presented.lock().expect("no panic"), ["r", "r"]);
    }

    #[tokio::test]
    async fn a_rotation_that_cannot_be_saved_is_neither_used_nor_forgotten() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("token");
        let aside = dir.path().join("token.new");
        let idp = Rotating { break_folder: Mutex::new(Some(aside.clone())), ..Rotating::default() };
        let (idp, grant) = refresh(&path, idp);
        let failure = grant.grant().await.expect_err("not saved");
        assert_eq!(failure.kind.name(), "TokenStoreUnavailable");
        fs::remove_dir(aside).expect("removed");
        grant.grant().await.expect("granted");
        assert_eq!(*idp.presented.lock().expect("no panic"), ["r", "r+"]);
        assert_eq!(fs::read_to_string(&path).expect("there"), "r++");
    }

    #[tokio::test]
    async fn two_processes_redeem_each_token_once() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("token");
        let (idp, one) = refresh(&path, Rotating::default());
        let two = Refresh::new(idp.clone(), RefreshTokenFile::new(&path));
        let (a, b) = tokio::join!(one.grant(), two.grant());
        assert!(a.is_ok() && b.is_ok());
        assert_eq!(*idp.presented.lock().expect("no panic"), ["r", "r+"]);
    }
}
