//! The refresh token's file, shared by all worker processes of this identity.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::failure::Failure;
use crate::secret::Secret;

/// How long to wait for another process that redeems the token; its own HTTP timeout is shorter.
const PATIENCE: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(5);

/// A file that holds one refresh token, mode 0600.
///
/// Whoever redeems it holds the lock from before reading until after writing (FM-01): a lock that is taken after the
/// token was read protects nothing.
#[derive(Clone, Debug)]
pub struct RefreshTokenFile {
    path: PathBuf,
}

impl RefreshTokenFile {
    /// The file at `path`; its lock is the file of the same name with `.lock` added.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Waits for the lock. The kernel frees it when its holder dies.
    ///
    /// # Errors
    /// If the lock file cannot be opened, or another process keeps it too long.
    pub async fn lock(&self) -> Result<Locked, Failure> {
        let file = open_private(&beside(&self.path, ".lock"))
            .map_err(|_| Failure::store("cannot open the refresh token's lock"))?;
        let deadline = Instant::now() + PATIENCE;
        // Trying again instead of blocking a thread: a caller may give up, and shutdown need not wait for the thread.
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(POLL).await,
                Err(TryLockError::WouldBlock) => {
                    return Err(Failure::store("another process keeps the refresh token"));
                }
                Err(TryLockError::Error(_)) => {
                    return Err(Failure::store("cannot lock the refresh token"));
                }
            }
        }
        Ok(Locked { path: self.path.clone(), _lock: file })
    }
}

/// The file while it is locked; dropping it frees the lock.
#[derive(Debug)]
pub struct Locked {
    path: PathBuf,
    _lock: File,
}

impl Locked {
    /// The newest refresh token.
    ///
    /// # Errors
    /// If the file cannot be read or is empty.
    pub fn read(&self) -> Result<Secret, Failure> {
        let text = fs::read_to_string(&self.path).map_err(|_| Failure::store("cannot read the refresh token"))?;
        match text.trim() {
            "" => Err(Failure::store("the refresh token's file is empty")),
            token => Ok(Secret::new(token)),
        }
    }

    /// Replaces the refresh token so that a crash at any moment leaves the old one or the new one, whole.
    ///
    /// # Errors
    /// If it cannot be written; the old one is then still there.
    pub fn write(&self, token: &Secret) -> Result<(), Failure> {
        self.replace(token).map_err(|_| Failure::store("cannot save the rotated refresh token"))
    }

    fn replace(&self, token: &Secret) -> io::Result<()> {
        let aside = beside(&self.path, ".new");
        let mut file = open_private(&aside)?;
        file.set_len(0)?;
        file.write_all(token.reveal().as_bytes())?;
        file.sync_all()?;
        fs::rename(&aside, &self.path)?;
        let folder = self.path.parent().filter(|dir| !dir.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn open_private(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    // The mode above counts only for a new file.
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    Ok(file)
}
