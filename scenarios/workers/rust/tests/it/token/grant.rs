//! The two grants, and a refresh token that is replaced at each use.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::BoxFuture;
use reference_worker::token::{Exchange, Grant, GrantRequest, Issued, Refresh, RefreshTokenFile};
use reference_worker::{Cause, Failure, Secret};

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
