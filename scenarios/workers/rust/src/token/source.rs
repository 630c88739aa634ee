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
