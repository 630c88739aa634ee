//! How the worker is put together. Each part is behind a small trait; this is the only place that chooses them.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::activities::{PageNumber, Progress};
use crate::env::{Env, OAuth};
use crate::failure::{Report, Typed};
use crate::orders::{HttpOrders, IdempotencyKeys, Orders, PerActivity};
use crate::retry_after::{AllForms, RetryAfter};
use crate::token::{ClientCredentials, Endpoint, Exchange, Grant, Refresh, RefreshTokenFile, TokenSource, Tokens};
use crate::worker::Stop;

/// Makes the parts; every method's default is the right one. A test, or a defect, replaces or wraps single parts.
pub trait Parts: Send + Sync {
    /// Reads `Retry-After`.
    fn retry_after(&self) -> Arc<dyn RetryAfter> {
        Arc::new(AllForms)
    }

    /// Talks to the token endpoint.
    fn exchange(&self, env: &Env, http: &reqwest::Client) -> Arc<dyn Exchange> {
        Arc::new(Endpoint::new(&env.oauth, http.clone(), self.retry_after()))
    }

    /// Chooses the grant.
    fn grant(&self, oauth: &OAuth, exchange: Arc<dyn Exchange>) -> Arc<dyn Grant> {
        match &oauth.refresh_token_file {
            None => Arc::new(ClientCredentials::new(exchange)),
            Some(path) => Arc::new(Refresh::new(exchange, RefreshTokenFile::new(path))),
        }
    }

    /// Keeps the token.
    fn tokens(&self, grant: Arc<dyn Grant>) -> Arc<dyn Tokens> {
        Arc::new(TokenSource::new(grant))
    }

    /// Calls the API.
    fn orders(&self, orders: HttpOrders) -> Arc<dyn Orders> {
        Arc::new(orders)
    }

    /// Makes idempotency keys.
    fn keys(&self) -> Arc<dyn IdempotencyKeys> {
        Arc::new(PerActivity)
    }

    /// Keeps the place in a long activity.
    fn progress(&self) -> Arc<dyn Progress> {
        Arc::new(PageNumber)
    }

    /// Tells Temporal what failed. `stop` ends the worker, as SIGTERM does.
    fn report(&self, _stop: &Stop) -> Arc<dyn Report> {
        Arc::new(Typed)
    }

    /// What to do once polling has ended: nothing, so that the process ends and somebody notices (FM-17).
    fn ended(&self) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }
}

/// The correct worker.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standard;

impl Parts for Standard {}
