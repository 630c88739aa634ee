//! A run's place for temporary files: the workers' homes, refresh tokens, sockets.
//!
//! It goes with its owner. A run that was killed with `kill -9` cannot remove its own, so the next run in the same
//! `--out` does: a place holds a file that its owner keeps locked, and the system lets go of the lock however the owner
//! ended. What is locked, or has no lock file, is left alone.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

const PREFIX: &str = "scratch-";
const LOCK: &str = "lock";

/// A place for temporary files. Dropped, it is removed with all that lies in it.
pub(super) struct Scratch {
    folder: TempDir,
    _lock: File,
}

impl Scratch {
    /// A new place in `directory`.
    pub(super) fn create(directory: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(directory)?;
        // Locked before it has its name: nobody may find it unlocked while its owner lives.
        let aside = folder.path().join("unlocked");
        let lock = File::create(&aside)?;
        lock.lock()?;
        fs::rename(aside, folder.path().join(LOCK))?;
        Ok(Self { folder, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the places of runs below `out` whose owner is gone. What cannot be removed stays: it is in nobody's way.
pub(super) fn sweep(out: &Path) {
    let below = |path: &Path| -> Vec<PathBuf> {
        fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    };
    // A symbolic link leads to a run that is looked at under its own name, or out of here.
    let runs = below(out).into_iter().filter(|run| !run.is_symlink());
    for place in runs.flat_map(|run| below(&run)) {
        let named = place.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        if named && !place.is_symlink() && File::open(place.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_dead_run_left_is_removed() {
        let out = tempfile::tempdir().expect("a folder");
        let run = |name: &str| {
            let directory = out.path().join(name);
            fs::create_dir_all(&directory).expect("made");
            directory
        };
        let alive = Scratch::create(&run("alive")).expect("a place");
        // What `kill -9` leaves: the files, without the lock.
        let dead = run("dead").join("scratch-dead");
        fs::create_dir_all(dead.join("home")).expect("made");
        fs::write(dead.join(LOCK), "").expect("written");
        fs::write(run("dead").join("control.jsonl"), "{}").expect("written");
        let unknown = run("other").join("scratch-of-somebody");
        fs::create_dir(&unknown).expect("made");
        sweep(out.path());
        assert!(alive.path().join(LOCK).exists(), "its owner lives");
        assert!(!dead.exists() && run("dead").join("control.jsonl").exists(), "journals are kept");
        assert!(unknown.exists(), "it has no lock, so it is nobody's that we know");
        let path = alive.path().to_path_buf();
        drop(alive);
        assert!(!path.exists());
    }
}
