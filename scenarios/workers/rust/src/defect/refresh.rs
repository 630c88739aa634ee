//! Wrong moments for a new token.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;

use super::Defect;
use crate::failure::Failure;
use crate::parts::Parts;
use crate::token::{Grant, Token, TokenSource, Tokens};

pub(super) const DEFECTS: &[Defect] = &[
    Defect {
        name: "never-refreshes",
        summary: "Keeps the first token for ever, refused or not.",
        mirrors: "FM-20",
        checks: &["recovers", "no-refused-reuse"],
        parts: || Box::new(NeverRefreshes),
    },
    Defect {
        name: "reuses-refused-token",
        summary: "Sends a refused token once more before it gets a new one.",
        mirrors: "FM-38",
        checks: &["no-refused-reuse"],
        parts: || Box::new(ReusesRefused),
    },
    Defect {
        name: "refreshes-twice",
        summary: "Makes two grants for one refusal and throws the first away.",
        mirrors: "FM-20",
        checks: &["refreshes-on-retry", "bounded-load"],
        parts: || Box::new(RefreshesTwice),
    },
    Defect {
        name: "refreshes-ahead",
        summary: "Replaces a good token after every second use.",
        mirrors: "FM-37",
        checks: &["refreshes-on-retry", "bounded-load"],
        parts: || Box::new(RefreshesAhead),
    },
    Defect {
        name: "token-per-attempt",
        summary: "Gets a new token for each request and keeps none.",
        mirrors: "FM-27",
        checks: &["bounded-load", "refreshes-on-retry"],
        parts: || Box::new(PerAttempt),
    },
    Defect {
        name: "grant-storm",
        summary: "Lets every caller that finds no token make a grant of its own.",
        mirrors: "FM-12",
        checks: &["bounded-load", "refreshes-on-retry"],
        parts: || Box::new(GrantStorm),
    },
    Defect {
        name: "drops-fresh-token",
        summary: "Throws away whatever token it has when any token is refused.",
        mirrors: "FM-20",
        checks: &["refreshes-on-retry", "bounded-load"],
        parts: || Box::new(DropsFresh),
    },
];

struct NeverRefreshes;

impl Parts for NeverRefreshes {
    fn tokens(&self, grant: Arc<dyn Grant>) -> Arc<dyn Tokens> {
        Arc::new(Deaf(TokenSource::new(grant)))
    }
}

struct Deaf(TokenSource);

impl Tokens for Deaf {
    fn get(&self) -> BoxFuture<'_, Result<Token, Failure>> {
        self.0.get()
    }

    fn invalidate(&self, _refused: &Token) {}

    fn settle(&self) -> BoxFuture<'_, ()> {
        self.0.settle()
    }
}

struct ReusesRefused;

impl Parts for ReusesRefused {
    fn tokens(&self, grant: Arc<dyn Grant>) -> Arc<dyn Tokens> {
        Arc::new(SecondChance { inner: TokenSource::new(grant), refused: Mutex::default() })
    }
}

/// Believes only the second refusal of the same token.
struct SecondChance {
    inner: TokenSource,
    refused: Mutex<Option<Token>>,
}

impl Tokens for SecondChance {
    fn get(&self) -> BoxFuture<'_, Result<Token, Failure>> {
        self.inner.get()
    }

    fn invalidate(&self, refused: &Token) {
        let mut before = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if before.as_ref() == Some(refused) {
            self.inner.invalidate(refused);
        }
        *before = Some(refused.clone());
    }

    fn settle(&self) -> BoxFuture<'_, ()> {
        self.inner.settle()
    }
}

struct RefreshesTwice;

impl Parts for RefreshesTwice {
    fn tokens(&self, grant: Arc<dyn Grant>) -> Arc<dyn Tokens> {
        Arc::new(TokenSource::new(Arc::new(Twice { inner: grant, grants: AtomicUsize::new(0) })))
    }
}

/// The first grant is right; each later one is made twice.
struct Twice {
    inner: Arc<dyn Grant>,
    grants: AtomicUsize,
}

impl Grant for Twice {
    fn grant(&self) -> BoxFuture<'_, Result<Token, Failure>> {
        async move {
            if self.grants.fetch_add(1, Ordering::SeqCst) > 0 {
                self.inner.grant().await?;
            }
            self.inner.grant().await
        }
        .boxed()
    }
}

struct RefreshesAhead;

impl Parts for RefreshesAhead {
    fn tokens(&self, grant: Arc<dyn Grant>) -> Arc<dyn Tokens> {
        Arc::new(TwoUses { inner: TokenSource::new(grant), uses: AtomicUsize::new(0) })
    }
}

struct TwoUses {
    inner: TokenSource,
    uses: AtomicUsize,
}

impl Tokens for TwoUses {
    fn get(&self) -> BoxFuture<'_, Result<Token, Failure>> {
        async move {
            let token = self.inner.get().await?;
            if self.uses.fetch_add(1, Ordering::SeqCst) % 2 == 1 {
                self.inner.invalidate(&token);
            }
            Ok(token)
        }
        .boxed()
    }

    fn invalidate(&self, refused: &Token) {
        self.inner.invalidate(refused);
    }

    fn settle(&self) -> BoxFuture<'_, ()> {
        self.inner.settle()
    }
}

struct PerAttempt;

impl Parts for PerAttempt {
    fn tokens(&self, grant: Arc<dyn Grant>) -> Arc<dyn Tokens> {
        Arc::new(NoCache(grant))
    }
}

struct NoCache(Arc<dyn Grant>);

impl Tokens for NoCache {
    fn get(&self) -> BoxFuture<'_, Result<Token, Failure>> {
        self.0.grant()
    }

    fn invalidate(&self, _refused: &Token) {}

    fn settle(&self) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }
}

struct GrantStorm;

impl Parts for GrantStorm {
    fn tokens(&self, grant: Arc<dyn Grant>) -> Arc<dyn Tokens> {
        Arc::new(NoFlight { grant, cached: Mutex::default() })
    }
}

/// A cache that is looked at before the grant and filled after it.
struct NoFlight {
    grant: Arc<dyn Grant>,
    cached: Mutex<Option<Token>>,
}

impl NoFlight {
    fn cached(&self) -> std::sync::MutexGuard<'_, Option<Token>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tokens for NoFlight {
    fn get(&self) -> BoxFuture<'_, Result<Token, Failure>> {
        async move {
            let cached = self.cached().clone();
            if let Some(token) = cached {
                return Ok(token);
            }
            let token = self.grant.grant().await?;
            *self.cached() = Some(token.clone());
            Ok(token)
        }
        .boxed()
    }

    fn invalidate(&self, refused: &Token) {
        let mut cached = self.cached();
        if cached.as_ref() == Some(refused) {
            *cached = None;
        }
    }

    fn settle(&self) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }
}

struct DropsFresh;

impl Parts for DropsFresh {
    fn tokens(&self, grant: Arc<dyn Grant>) -> Arc<dyn Tokens> {
        Arc::new(Indiscriminate { inner: TokenSource::new(grant), newest: Mutex::default() })
    }
}

struct Indiscriminate {
    inner: TokenSource,
    newest: Mutex<Option<Token>>,
}

impl Tokens for Indiscriminate {
    fn get(&self) -> BoxFuture<'_, Result<Token, Failure>> {
        async move {
            let token = self.inner.get().await?;
            *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
            Ok(token)
        }
        .boxed()
    }

    fn invalidate(&self, _refused: &Token) {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(newest) = &*newest {
            self.inner.invalidate(newest);
        }
    }

    fn settle(&self) -> BoxFuture<'_, ()> {
        self.inner.settle()
    }
}
