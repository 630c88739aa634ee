//! The cached token and the one grant that replaces it.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use super::{Grant, Token, Tokens};
use crate::failure::{Cause, Failure};

type Flight = Shared<BoxFuture<'static, Result<Token, Failure>>>;

/// Caches one token, and asks for a new one only when there is none.
///
/// - **Single flight**: callers that find no token await the same grant, so an expiry that hits a hundred activities
///   costs one request (FM-12). A grant that fails fails its waiters; the next caller starts afresh.
/// - **Refresh on retry**: a token is used until the API refuses it. The source reads no clock and no `expires_in`, so
///   neither a skewed clock nor a wrong lifetime can hurt it (FM-15, FM-25).
/// - **Conditional invalidation**: only the very token that was refused is dropped; a late refusal of the old token
///   does not throw away the new one (FM-20).
/// - A grant runs in a task of its own: a cancelled activity cannot interrupt a rotation half-way (FM-71).
pub struct TokenSource {
    grant: Arc<dyn Grant>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    cached: Option<Token>,
    flight: Option<Flight>,
}

impl TokenSource {
    /// An empty source; the first [`Tokens::get`] makes the first grant. Needs a Tokio runtime from then on.
    pub fn new(grant: Arc<dyn Grant>) -> Self {
        Self { grant, state: Arc::default() }
    }

    fn take_off(&self) -> Flight {
        let grant = Arc::clone(&self.grant);
        let state = Arc::clone(&self.state);
        let task = tokio::spawn(async move {
            let outcome = AssertUnwindSafe(grant.grant())
                .catch_unwind()
                .await
                .unwrap_or(Err(Failure::idp(Cause::Text("the grant panicked"))));
            let mut state = lock(&state);
            state.flight = None;
            state.cached = outcome.as_ref().ok().cloned();
            outcome
        });
        async move { task.await.unwrap_or(Err(Failure::idp(Cause::Text("the worker is stopping")))) }.boxed().shared()
    }
}

/// Poison is harmless: no code between lock and unlock can leave the state half-changed.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tokens for TokenSource {
    fn get(&self) -> BoxFuture<'_, Result<Token, Failure>> {
        let flight = {
            let mut state = lock(&self.state);
            if let Some(token) = &state.cached {
                return std::future::ready(Ok(token.clone())).boxed();
            }
            state.flight.get_or_insert_with(|| self.take_off()).clone()
        };
        flight.boxed()
    }

    fn invalidate(&self, refused: &Token) {
        let mut state = lock(&self.state);
        if state.cached.as_ref() == Some(refused) {
            state.cached = None;
        }
    }

    fn settle(&self) -> BoxFuture<'_, ()> {
        let flight = lock(&self.state).flight.clone();
        async move {
            if let Some(flight) = flight {
                // Its callers have been told already.
                let _ = flight.await;
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;

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
}
