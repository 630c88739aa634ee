//! Fetching keys, as Temporal's server does: whatever the status, the body counts.

use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::Gate;

/// The server sets no limit of its own; a test must end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Keys could not be fetched. Those of before stay.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The address does not answer.
    #[error("the JWKS address does not answer")]
    Unreachable(#[from] hyper_util::client::legacy::Error),
    /// It breaks off.
    #[error("the JWKS address breaks off")]
    Torn(#[from] hyper::Error),
    /// It takes too long.
    #[error("the JWKS address takes longer than {PATIENCE:?}")]
    Late,
    /// It answers something else.
    #[error(transparent)]
    NoJwks(#[from] super::NoJwks),
}

impl Gate {
    /// Fetches the keys at `jwks` once.
    ///
    /// # Errors
    ///
    /// [`KeysError`].
    pub async fn fetch_keys(&self, jwks: &Uri) -> Result<(), KeysError> {
        let client = Client::builder(TokioExecutor::new()).build::<_, Empty<Bytes>>(HttpConnector::new());
        let fetch =
            async { Ok::<_, KeysError>(client.get(jwks.clone()).await?.into_body().collect().await?.to_bytes()) };
        let document = timeout(PATIENCE, fetch).await.map_err(|_| KeysError::Late)??;
        Ok(self.replace_keys(&document)?)
    }

    /// Fetches the keys at `jwks` again and again, so often; never because a token names an unknown one.
    pub async fn refresh_keys(self, jwks: Uri, every: Duration) {
        let mut tick = interval(every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        tick.tick().await;
        loop {
            tick.tick().await;
            if let Err(error) = self.fetch_keys(&jwks).await {
                tracing::debug!(%error, "the gate keeps the keys that it has");
            }
        }
    }
}
