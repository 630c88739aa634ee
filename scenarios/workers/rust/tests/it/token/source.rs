//! The cached token and the one grant that replaces it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use reference_worker::token::{Grant, Token, TokenSource, Tokens};
use reference_worker::{Cause, Failure};
use tokio::sync::Semaphore;

/// Counts grants; each waits for a permit, and fails if told so.
struct Counted {
    started: AtomicUsize,
    go: Semaphore,
    fail_first: bool,
}

impl Counted {
    fn source(fail_first: bool, permits: usize) -> (Arc<Self>, TokenSource) {
        let grant = Arc::new(Self { started: AtomicUsize::new(0), go: Semaphore::new(permits), fail_first });
        (Arc::clone(&grant), TokenSource::new(grant))
    }

    fn count(&self) -> usize {
        self.started.load(Ordering::SeqCst)
    }
}

impl Grant for Counted {
    fn grant(&self) -> BoxFuture<'_, Result<Token, Failure>> {
        async move {
            let n = self.started.fetch_add(1, Ordering::SeqCst) + 1;
            self.go.acquire().await.expect("open").forget();
            if self.fail_first && n == 1 {
                return Err(Failure::idp(Cause::Status(503)));
            }
            Ok(Token::new(format!("token-{n}")))
        }
        .boxed()
    }
}

#[tokio::test]
async fn many_callers_share_one_grant() {
    let (grant, source) = Counted::source(false, 0);
    let waiting: Vec<_> = (0..64).map(|_| source.get()).collect();
    grant.go.add_permits(64);
    for token in join_all(waiting).await {
        assert_eq!(token.expect("granted").reveal(), "token-1");
    }
    assert_eq!(source.get().await.expect("cached").reveal(), "token-1");
    assert_eq!(grant.count(), 1);
}

#[tokio::test]
async fn a_failed_grant_fails_its_waiters_and_nobody_else() {
    let (grant, source) = Counted::source(true, 2);
    let (a, b) = tokio::join!(source.get(), source.get());
    assert!(a.is_err() && b.is_err());
    assert_eq!(source.get().await.expect("granted").reveal(), "token-2");
    assert_eq!(grant.count(), 2);
}

#[tokio::test]
async fn only_the_refused_token_is_dropped() {
    let (grant, source) = Counted::source(false, 3);
    let old = source.get().await.expect("granted");
    source.invalidate(&old);
    let new = source.get().await.expect("granted");
    assert_eq!(new.reveal(), "token-2");
    source.invalidate(&old);
    assert_eq!(source.get().await.expect("cached"), new);
    assert_eq!(grant.count(), 2);
}

#[tokio::test]
async fn a_cancelled_caller_does_not_cancel_the_grant() {
    let (grant, source) = Counted::source(false, 0);
    drop(source.get());
    grant.go.add_permits(1);
    source.settle().await;
    assert_eq!(source.get().await.expect("cached").reveal(), "token-1");
    assert_eq!(grant.count(), 1);
}

#[tokio::test]
async fn a_panic_is_a_failure_and_not_the_end() {
    struct Panics;
    impl Grant for Panics {
        fn grant(&self) -> BoxFuture<'_, Result<Token, Failure>> {
            async { panic!("on purpose") }.boxed()
        }
    }
    let source = TokenSource::new(Arc::new(Panics));
    assert!(source.get().await.is_err());
    assert!(source.get().await.is_err());
}
