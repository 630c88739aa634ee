//! The refresh token's file.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use futures::FutureExt;
use reference_worker::Secret;
use reference_worker::token::RefreshTokenFile;

/// A folder, the file in it, and where a new token is written aside.
struct Place {
    dir: tempfile::TempDir,
    path: PathBuf,
    aside: PathBuf,
}

fn file_with(text: &str) -> (Place, RefreshTokenFile) {
    let dir = tempfile::tempdir().expect("a directory");
    let [path, aside] = ["refresh-token", "refresh-token.new"].map(|name| dir.path().join(name));
    fs::write(&path, text).expect("written");
    let file = RefreshTokenFile::new(&path);
    (Place { dir, path, aside }, file)
}

#[tokio::test]
async fn what_was_written_is_read_and_private() {
    let (place, file) = file_with("old\n");
    let locked = file.lock().await.expect("locked");
    assert_eq!(locked.read(), Ok(Secret::new("old")));
    locked.write(&Secret::new("new")).expect("saved");
    assert_eq!(locked.read(), Ok(Secret::new("new")));
    let mode = fs::metadata(&place.path).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!place.aside.exists());
}

#[tokio::test]
async fn a_shorter_token_leaves_nothing_of_a_torn_write() {
    let (place, file) = file_with("old");
    fs::write(&place.aside, "torn-and-long").expect("written");
    let locked = file.lock().await.expect("locked");
    locked.write(&Secret::new("new")).expect("saved");
    assert_eq!(locked.read(), Ok(Secret::new("new")));
}

#[tokio::test]
async fn the_second_waits_and_reads_what_the_first_wrote() {
    let (_place, file) = file_with("old");
    let first = file.lock().await.expect("locked");
    let mut second = Box::pin(file.lock());
    assert!((&mut second).now_or_never().is_none());
    first.write(&Secret::new("new")).expect("saved");
    drop(first);
    let second = second.await.expect("locked");
    assert_eq!(second.read(), Ok(Secret::new("new")));
}

#[tokio::test]
async fn an_empty_or_missing_file_is_a_failure() {
    let (place, file) = file_with(" \n");
    assert!(file.lock().await.expect("locked").read().is_err());
    let missing = RefreshTokenFile::new(place.dir.path().join("missing"));
    assert!(missing.lock().await.expect("locked").read().is_err());
}
