//! The protected API: orders.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::Value;
use url::Url;

use crate::failure::{Cause, Failure, Kind, Party};
use crate::http::no_answer;
use crate::retry_after::RetryAfter;
use crate::token::Tokens;

/// Which attempt of which activity makes a call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The workflow; every request names it in `X-Workflow-Id`.
    pub workflow_id: String,
    /// The activity; the same for all its attempts.
    pub activity_id: String,
    /// 1 for the first attempt.
    pub attempt: u32,
}

/// The API's operations.
pub trait Orders: Send + Sync {
    /// Reads an order.
    fn fetch<'a>(&'a self, call: &'a Call, order: &'a str) -> BoxFuture<'a, Result<Value, Failure>>;

    /// Reads one page of its items; pages count from 1.
    fn items<'a>(&'a self, call: &'a Call, order: &'a str, page: u32) -> BoxFuture<'a, Result<Value, Failure>>;

    /// Ships it, an effect: the API does it once per idempotency key.
    fn ship<'a>(&'a self, call: &'a Call, order: &'a str, key: &'a str) -> BoxFuture<'a, Result<Value, Failure>>;
}

/// The key under which the API does an effect once.
pub trait IdempotencyKeys: Send + Sync {
    /// The key for the effect of this call.
    fn key(&self, call: &Call) -> String;
}

/// The same key for every attempt, also after a reset of the workflow to an earlier point: neither the attempt nor the
/// run is part of it. It relies on workflow ids that are not used again for other work.
#[derive(Clone, Copy, Debug, Default)]
pub struct PerActivity;

impl IdempotencyKeys for PerActivity {
    fn key(&self, call: &Call) -> String {
        format!("{}/{}", call.workflow_id, call.activity_id)
    }
}

/// The API over HTTP with a bearer token.
pub struct HttpOrders {
    base: Url,
    http: reqwest::Client,
    tokens: Arc<dyn Tokens>,
    retry_after: Arc<dyn RetryAfter>,
}

impl HttpOrders {
    /// The API at `base`.
    pub fn new(base: Url, http: reqwest::Client, tokens: Arc<dyn Tokens>, retry_after: Arc<dyn RetryAfter>) -> Self {
        Self { base, http, tokens, retry_after }
    }

    fn url(&self, segments: &[&str]) -> Result<Url, Failure> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| Failure::api(Cause::Text("base URL has no path")))?
            .pop_if_empty()
            .extend(segments);
        Ok(url)
    }

    /// One request. A refused token is dropped here and nowhere else; the next attempt gets a new one, so the retry
    /// policy, and not a loop in this process, paces the refreshes.
    async fn send(&self, call: &Call, method: Method, url: Url, key: Option<&str>) -> Result<Value, Failure> {
        let token = self.tokens.get().await?;
        let mut request = self
            .http
            .request(method, url)
            .bearer_auth(token.reveal())
            .header("X-Workflow-Id", text(&call.workflow_id)?);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", text(key)?);
        }
        let reply = request.send().await.map_err(|error| Failure::api(no_answer(&error)))?;
        if !reply.status().is_success() {
            let failure = self.refused(reply.status(), reply.headers());
            if failure.kind == Kind::TokenExpired {
                self.tokens.invalidate(&token);
            }
            return Err(failure);
        }
        let body = reply.bytes().await.map_err(|error| Failure::api(no_answer(&error)))?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        // A login page with status 200 is no order (FM-18).
        serde_json::from_slice(&body).map_err(|_| Failure::api(Cause::Text("answer cannot be read")))
    }

    fn refused(&self, status: StatusCode, headers: &HeaderMap) -> Failure {
        let delay = self.retry_after.delay(headers);
        let lacks_scope = headers.get_all(WWW_AUTHENTICATE).iter().any(|value| contains(value, b"insufficient_scope"));
        let kind = match status.as_u16() {
            401 => Kind::TokenExpired,
            403 if lacks_scope => Kind::InsufficientScope,
            // A rate limit in disguise (FM-40).
            403 if delay.is_some() => Kind::RateLimited,
            403 => Kind::Forbidden,
            429 => Kind::RateLimited,
            // 409: the first request with this idempotency key is still being worked on.
            408 | 409 | 425 => Kind::ApiUnavailable,
            400..=499 => Kind::ApiRejected,
            // Redirects included: they lead to a login page, and are not followed.
            _ => Kind::ApiUnavailable,
        };
        Failure::new(kind, Party::Api, Cause::Status(status.as_u16())).after(delay)
    }
}

fn contains(value: &HeaderValue, word: &[u8]) -> bool {
    value.as_bytes().windows(word.len()).any(|window| window == word)
}

fn text(value: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| Failure::new(Kind::ApiRejected, Party::Local, Cause::Text("workflow id is no header value")))
}

impl Orders for HttpOrders {
    fn fetch<'a>(&'a self, call: &'a Call, order: &'a str) -> BoxFuture<'a, Result<Value, Failure>> {
        async move {
            let url = self.url(&["orders", order])?;
            self.send(call, Method::GET, url, None).await
        }
        .boxed()
    }

    fn items<'a>(&'a self, call: &'a Call, order: &'a str, page: u32) -> BoxFuture<'a, Result<Value, Failure>> {
        async move {
            let mut url = self.url(&["orders", order, "items"])?;
            url.query_pairs_mut().append_pair("page", &page.to_string());
            self.send(call, Method::GET, url, None).await
        }
        .boxed()
    }

    fn ship<'a>(&'a self, call: &'a Call, order: &'a str, key: &'a str) -> BoxFuture<'a, Result<Value, Failure>> {
        async move {
            let url = self.url(&["orders", order, "ship"])?;
            self.send(call, Method::POST, url, Some(key)).await
        }
        .boxed()
    }
}
