//! A cache that several processes share: one lock, entries written aside and renamed, each with its sha256 beside it.
//!
//! What was cut short by a kill or a full disk, or changed later, does not match its sha256 and is fetched again.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::digest;
use tempfile::TempDir;

/// Folders in which something is being fetched.
const ASIDE: &str = "fetch-";
/// How often a lock that another process holds is tried. Not a blocking call: it could not be given up.
const TRY_AGAIN: Duration = Duration::from_millis(50);

/// A file of the cache, whether it is there or not.
pub(super) struct Entry {
    folder: PathBuf,
    name: String,
}

impl Entry {
    pub(super) fn new(folder: &Path, name: &str) -> Self {
        Self { folder: folder.to_path_buf(), name: name.to_owned() }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    fn sum(&self) -> PathBuf {
        self.folder.join(format!("{}.sha256", self.name))
    }

    /// Its sha256, if it is there as it was put there.
    pub(super) async fn whole(&self) -> Option<String> {
        let expected = tokio::fs::read_to_string(self.sum()).await.ok()?;
        sha256(self.path()).await.ok().filter(|found| found == expected.trim())
    }

    /// Waits until no other process writes to the cache.
    pub(super) async fn lock(&self) -> io::Result<Locked<'_>> {
        fs::create_dir_all(&self.folder)?;
        let lock = File::create(self.folder.join("lock"))?;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(Locked { entry: self, _lock: lock }),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(TRY_AGAIN).await,
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }
}

/// The right to write to the cache, as long as it lives.
pub(super) struct Locked<'a> {
    entry: &'a Entry,
    _lock: File,
}

impl Locked<'_> {
    /// A folder to fetch into. Those that killed processes left are removed, for nobody else fetches now.
    pub(super) fn aside(&self) -> io::Result<TempDir> {
        for left in fs::read_dir(&self.entry.folder)?.flatten() {
            if left.file_name().to_string_lossy().starts_with(ASIDE) {
                fs::remove_dir_all(left.path())?;
            }
        }
        tempfile::Builder::new().prefix(ASIDE).tempdir_in(&self.entry.folder)
    }

    /// Makes `file`, which lies in [`aside`](Self::aside), the entry, and returns its sha256.
    pub(super) async fn put(&self, file: PathBuf) -> io::Result<String> {
        fs::set_permissions(&file, PermissionsExt::from_mode(0o755))?;
        let sum = file.with_extension("sha256");
        let found = sha256(file.clone()).await?;
        let mut text = File::create(&sum)?;
        writeln!(text, "{found}")?;
        text.sync_all()?;
        File::open(&file)?.sync_all()?;
        // Between the two the entry does not match, which is seen and mended.
        fs::rename(file, self.entry.path())?;
        fs::rename(sum, self.entry.sum())?;
        Ok(found)
    }
}

/// The sha256 of a file, in lower case hexadecimal digits.
pub(super) async fn sha256(path: PathBuf) -> io::Result<String> {
    let read = move || {
        let mut file = File::open(path)?;
        let mut context = digest::Context::new(&digest::SHA256);
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                length => context.update(&buffer[..length]),
            }
        }
        Ok(context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
    };
    tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
}

#[cfg(test)]
#[expect(clippy::print_stdout, reason = "test processes talk to the test that started them")]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Child, ChildStdout, Command, Stdio};

    use super::*;

    const FOLDER: &str = "TOKENLAPSE_TEST_CACHE";
    /// Large enough that two writers at once would be seen.
    const CONTENT: &[u8] = &[7; 4 << 20];

    /// What the chain of sources does, with a slow fetch that is counted and says when it is half done.
    async fn get_or_fetch(folder: &Path, halfway: impl FnOnce()) -> PathBuf {
        let entry = Entry::new(folder, "thing");
        if entry.whole().await.is_none() {
            let lock = entry.lock().await.unwrap();
            if entry.whole().await.is_none() {
                let aside = lock.aside().unwrap();
                let (path, half) = (aside.path().join("new"), CONTENT.len() / 2);
                let mut file = File::create(&path).unwrap();
                file.write_all(&CONTENT[..half]).unwrap();
                halfway();
                file.write_all(&CONTENT[half..]).unwrap();
                lock.put(path).await.unwrap();
            }
        }
        assert!(fs::read(entry.path()).unwrap() == CONTENT);
        entry.path()
    }

    /// Not a test: a process that fetches, and goes on halfway when it is told to.
    #[tokio::test]
    #[ignore = "run by the tests of several processes"]
    async fn fetcher() {
        let folder = std::env::var_os(FOLDER).expect("it is started by a test");
        println!("here");
        get_or_fetch(Path::new(&folder), || {
            println!("halfway");
            io::stdin().read_line(&mut String::new()).unwrap();
        })
        .await;
    }

    struct Fetcher(Child, std::io::Lines<BufReader<ChildStdout>>);

    impl Fetcher {
        fn start(folder: &Path) -> Self {
            let name = "lab::temporal::cache::tests::fetcher";
            let mut process = Command::new(std::env::current_exe().unwrap())
                .args(["--ignored", "--exact", name, "--nocapture"])
                .env(FOLDER, folder)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let lines = BufReader::new(process.stdout.take().unwrap()).lines();
            Self(process, lines)
        }

        fn says(&mut self, word: &str) -> bool {
            self.1.any(|line| line.unwrap().ends_with(word))
        }

        fn go_on(&mut self) {
            writeln!(self.0.stdin.as_ref().unwrap()).unwrap();
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn of_two_processes_at_once_one_fetches_and_both_have_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = Fetcher::start(folder.path());
        assert!(first.says("halfway"));
        let mut second = Fetcher::start(folder.path());
        assert!(second.says("here"));
        first.go_on();
        // The second would wait here for ever if it fetched, too.
        assert!(!second.says("halfway"));
        for mut fetcher in [first, second] {
            assert!(fetcher.0.wait().unwrap().success());
        }
        assert_eq!(names(folder.path()), ["lock", "thing", "thing.sha256"]);
    }

    #[tokio::test]
    async fn what_a_killed_process_left_is_fetched_anew() {
        let folder = tempfile::tempdir().unwrap();
        let mut killed = Fetcher::start(folder.path());
        assert!(killed.says("halfway"));
        killed.0.kill().unwrap();
        killed.0.wait().unwrap();
        assert_eq!(names(folder.path()).len(), 2);
        get_or_fetch(folder.path(), || ()).await;
        assert_eq!(names(folder.path()), ["lock", "thing", "thing.sha256"]);
    }

    #[tokio::test]
    async fn an_entry_that_does_not_match_its_sum_is_fetched_anew_and_any_other_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = get_or_fetch(folder.path(), || ()).await;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o755);
        get_or_fetch(folder.path(), || panic!("it is there")).await;
        let sum = folder.path().join("thing.sha256");
        let damages: [&dyn Fn(); 5] = [
            &|| fs::write(&path, &CONTENT[1..]).unwrap(),
            &|| fs::write(&path, "").unwrap(),
            &|| fs::remove_file(&path).unwrap(),
            &|| fs::write(&sum, "").unwrap(),
            &|| fs::remove_file(&sum).unwrap(),
        ];
        for (number, damage) in damages.iter().enumerate() {
            damage();
            let mut fetched = false;
            get_or_fetch(folder.path(), || fetched = true).await;
            assert!(fetched, "damage {number}");
        }
    }
}
