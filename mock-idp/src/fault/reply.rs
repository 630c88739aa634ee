//! A reply on its way out: what a directive makes of it, and whether it arrived.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body::{Frame, SizeHint};
use http_body_util::Full;

use super::connection::{BreakOff, DropReply};
use super::directive::{Act, Answer, FieldChange};

/// A reply that is held whole.
#[derive(Debug, Clone)]
pub struct HttpReply {
    /// HTTP status.
    pub status: StatusCode,
    /// Header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl HttpReply {
    /// A reply of nothing but a status.
    pub fn new(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// A JSON document.
    pub(crate) fn json(status: StatusCode, body: &serde_json::Value) -> Self {
        let mut reply = Self { body: body.to_string().into(), ..Self::new(status) };
        reply.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        reply
    }

    /// RFC 6749 §5.1: what holds tokens or credentials is never cached.
    pub(crate) fn uncached(mut self) -> Self {
        self.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        self.headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
        self
    }

    fn alter(&mut self, changes: Vec<FieldChange>) {
        let Ok(serde_json::Value::Object(mut fields)) = serde_json::from_slice(&self.body) else { return };
        for change in changes {
            match change.value {
                Some(value) => fields.insert(change.field, value),
                None => fields.remove(&change.field),
            };
        }
        self.body = serde_json::Value::Object(fields).to_string().into();
    }
}

impl From<&Answer> for HttpReply {
    /// What HTTP has no form for is left out; a status that it does not have becomes 500.
    fn from(answer: &Answer) -> Self {
        let mut headers = HeaderMap::new();
        for (name, value) in &answer.headers {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
                headers.append(name, value);
            }
        }
        if !answer.body.is_empty() && !headers.contains_key(CONTENT_TYPE) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, headers, body: answer.body.clone().into() }
    }
}

/// Tells once whether a reply was handed over whole. Made when a request is decided and dropped before a reply leaves,
/// because the client is gone or a fault swallows it, it tells of the loss.
pub struct Delivery {
    tell: Option<Box<dyn FnOnce(bool) + Send>>,
    delivered: bool,
}

impl Delivery {
    /// Will tell `tell`.
    pub fn new(tell: impl FnOnce(bool) + Send + 'static) -> Self {
        Self { tell: Some(Box::new(tell)), delivered: false }
    }

    /// The response for [`serve_connection`](super::serve_connection): `reply`, or what `act` makes of it.
    pub fn response(mut self, mut reply: HttpReply, act: Act) -> Response<Body> {
        let mut cut = None;
        match act {
            Act::Proceed => {}
            Act::Truncate(after) => cut = (after < reply.body.len()).then_some((after, false)),
            Act::Reset => cut = Some((reply.body.len() / 2, true)),
            Act::Answer(answer) => reply = HttpReply::from(&answer),
            Act::Alter(changes) => reply.alter(changes),
            Act::DropReply => {
                let mut response = Response::new(Body::empty());
                response.extensions_mut().insert(DropReply);
                return response;
            }
        }
        let mut response = match cut {
            Some((after, with_reset)) => self.broken_off(&reply.body, after, with_reset),
            None => {
                // An empty body is never polled: it is delivered with its head.
                self.delivered = reply.body.is_empty();
                Response::new(Body::new(Followed { body: Full::new(reply.body), delivery: self }))
            }
        };
        *response.status_mut() = reply.status;
        *response.headers_mut() = reply.headers;
        response
    }

    fn broken_off(self, body: &Bytes, after: usize, with_reset: bool) -> Response<Body> {
        // Without a body nobody asks for its next piece: the end is reached with the head.
        let reached = Arc::new(AtomicBool::new(body.is_empty()));
        let break_off = BreakOff { reached: Arc::clone(&reached), with_reset };
        let promised = body.len() as u64;
        let part = Some(body.slice(..after)).filter(|part| !part.is_empty());
        let mut response = Response::new(Body::new(Broken { part, promised, reached, _delivery: self }));
        response.extensions_mut().insert(break_off);
        response
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(tell) = self.tell.take() {
            tell(self.delivered);
        }
    }
}

/// A body that notes when all of it was taken.
struct Followed {
    body: Full<Bytes>,
    delivery: Delivery,
}

impl http_body::Body for Followed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.delivery.delivered |= self.body.is_end_stream();
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body that promises more than it gives: after its part it waits for the connection to be ended.
struct Broken {
    part: Option<Bytes>,
    promised: u64,
    reached: Arc<AtomicBool>,
    /// Tells of the loss.
    _delivery: Delivery,
}

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(part) = self.part.take() {
            self.promised -= part.len() as u64;
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        // Whoever asks for more has taken the part, and flushes before it waits.
        self.reached.store(true, Ordering::Release);
        Poll::Pending
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}
