//! Acting as somebody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;

use super::Defect;
use crate::env::{Env, OAuth};
use crate::failure::Failure;
use crate::parts::{Parts, Standard};
use crate::token::{ClientCredentials, Exchange, Grant, GrantRequest, Issued, Token};

pub(super) const DEFECTS: &[Defect] = &[
    Defect {
        name: "borrows-identity",
        summary: "Shares one cache with another client, whose token it uses after the first refusal (needs OAUTH_OTHER_CLIENT_ID and OAUTH_OTHER_CLIENT_SECRET).",
        mirrors: "FM-10",
        checks: &["right-identity"],
        parts: || Box::new(Borrows),
    },
    Defect {
        name: "acts-as-itself",
        summary: "Falls back from the user's grant to the client's own after the first grant.",
        mirrors: "FM-44",
        checks: &["right-identity"],
        parts: || Box::new(ActsAsItself),
    },
    Defect {
        name: "loses-scope",
        summary: "Asks for its first scope only when it refreshes.",
        mirrors: "FM-40",
        checks: &["right-identity", "recovers"],
        parts: || Box::new(LosesScope),
    },
];

/// The right exchange for the first grant, another one from then on.
struct Switch {
    first: Arc<dyn Exchange>,
    later: Arc<dyn Exchange>,
    uses: AtomicUsize,
}

impl Switch {
    fn new(first: Arc<dyn Exchange>, later: Arc<dyn Exchange>) -> Arc<Self> {
        Arc::new(Self { first, later, uses: AtomicUsize::new(0) })
    }
}

impl Exchange for Switch {
    fn exchange(&self, request: GrantRequest) -> BoxFuture<'_, Result<Issued, Failure>> {
        match self.uses.fetch_add(1, Ordering::SeqCst) {
            0 => self.first.exchange(request),
            _ => self.later.exchange(request),
        }
    }
}

struct Borrows;

impl Parts for Borrows {
    fn exchange(&self, env: &Env, http: &reqwest::Client) -> Arc<dyn Exchange> {
        let mut other = env.clone();
        if let Some((id, secret)) = &env.other_client {
            other.oauth.client_id.clone_from(id);
            other.oauth.client_secret = secret.clone();
        }
        Switch::new(Standard.exchange(env, http), Standard.exchange(&other, http))
    }
}

struct LosesScope;

impl Parts for LosesScope {
    fn exchange(&self, env: &Env, http: &reqwest::Client) -> Arc<dyn Exchange> {
        let mut narrow = env.clone();
        narrow.oauth.scopes.truncate(1);
        Switch::new(Standard.exchange(env, http), Standard.exchange(&narrow, http))
    }
}

struct ActsAsItself;

impl Parts for ActsAsItself {
    fn grant(&self, oauth: &OAuth, exchange: Arc<dyn Exchange>) -> Arc<dyn Grant> {
        Arc::new(FallsBack {
            right: Standard.grant(oauth, Arc::clone(&exchange)),
            own: ClientCredentials::new(exchange),
            uses: AtomicUsize::new(0),
        })
    }
}

struct FallsBack {
    right: Arc<dyn Grant>,
    own: ClientCredentials,
    uses: AtomicUsize,
}

impl Grant for FallsBack {
    fn grant(&self) -> BoxFuture<'_, Result<Token, Failure>> {
        async move {
            match self.uses.fetch_add(1, Ordering::SeqCst) {
                0 => self.right.grant().await,
                _ => self.own.grant().await,
            }
        }
        .boxed()
    }
}
