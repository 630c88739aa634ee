//! A reply on its way out: what a directive makes of it, and whether it arrived.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::body::Body;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::Full;

use super::body::{Broken, Dripping, Followed};
use super::change::{Change, fields, header, status_of};
use super::connection::{BreakOff, DropReply, Line, ResetNow};
use super::directive::{Act, Answer, Directive};

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
}

impl From<&Answer> for HttpReply {
    /// What HTTP has no form for is left out; a status that it does not have becomes 500.
    fn from(answer: &Answer) -> Self {
        let mut headers = HeaderMap::new();
        for (name, value) in answer.headers.iter().filter_map(|(name, value)| header(name, value)) {
            headers.append(name, value);
        }
        if !answer.body.is_empty() && !headers.contains_key(CONTENT_TYPE) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Self { status: status_of(answer.status), headers, body: answer.body.clone().into() }
    }
}

/// What became of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sent {
    /// Whether the whole of it was handed to the connection.
    pub delivered: bool,
    /// Whether [`Act::Alter`] left its body as it was: nothing that it names was there, or stood otherwise.
    pub unaltered: bool,
}

/// Tells once what became of a reply. Made when a request is decided and dropped before a reply leaves, because the
/// client is gone or a fault swallows it, it tells of the loss.
pub struct Delivery {
    tell: Option<Box<dyn FnOnce(Sent) + Send>>,
    sent: Sent,
    line: Line,
}

impl Delivery {
    /// Will tell `tell`.
    pub fn new(tell: impl FnOnce(Sent) + Send + 'static) -> Self {
        Self { tell: Some(Box::new(tell)), sent: Sent::default(), line: Line::default() }
    }

    /// The response for [`serve_connection`](super::serve_connection) when its time has come: `reply`, or what
    /// `directive` makes of it.
    pub async fn follow(self, mut reply: HttpReply, directive: Directive) -> Response<Body> {
        for change in &directive.changes {
            change.apply(&mut reply);
        }
        if !directive.delay.is_zero() {
            tokio::time::sleep(directive.delay).await;
        }
        self.response(reply, directive.act)
    }

    /// The response for [`serve_connection`](super::serve_connection): `reply`, or what `act` makes of it.
    pub fn response(mut self, mut reply: HttpReply, act: Act) -> Response<Body> {
        match act {
            Act::Proceed => {}
            Act::Answer(answer) => reply = HttpReply::from(&answer),
            Act::Alter(changes) => {
                let before = fields(&reply.body);
                changes.into_iter().for_each(|change| Change::from(change).apply(&mut reply));
                self.sent.unaltered = fields(&reply.body) == before;
            }
            Act::DropRequest | Act::DropReply => return without_reply(DropReply),
            Act::ResetRequest => return without_reply(ResetNow),
            Act::Truncate(after) if after < reply.body.len() => return self.broken_off(reply, after, false),
            Act::Truncate(_) => {}
            Act::Reset => {
                let half = reply.body.len() / 2;
                return self.broken_off(reply, half, true);
            }
            Act::ResetAfter => return self.whole(reply, true),
            Act::Drip(pace) => return self.dripping(reply, pace),
        }
        self.whole(reply, false)
    }

    /// The connection has taken all of it.
    pub(super) fn taken(&mut self) {
        self.sent.delivered = !self.line.is_cut();
    }

    fn whole(self, reply: HttpReply, then_reset: bool) -> Response<Body> {
        let over = then_reset.then(|| Arc::new(AtomicBool::new(reply.body.is_empty())));
        let break_off = over.clone().map(|reached| BreakOff { reached, with_reset: true });
        let line = self.line.clone();
        let body = Followed { promised: reply.body.len(), body: Full::new(reply.body), delivery: self, over };
        let mut response = headed(Body::new(body), reply.status, reply.headers);
        response.extensions_mut().insert(line);
        if let Some(break_off) = break_off {
            response.extensions_mut().insert(break_off);
        }
        response
    }

    fn broken_off(self, reply: HttpReply, after: usize, with_reset: bool) -> Response<Body> {
        let body = reply.body;
        // Without a body nobody asks for its next piece: the end is reached with the head.
        let reached = Arc::new(AtomicBool::new(body.is_empty()));
        let break_off = BreakOff { reached: Arc::clone(&reached), with_reset };
        let promised = body.len() as u64;
        let part = Some(body.slice(..after)).filter(|part| !part.is_empty());
        let body = Broken { part, promised, reached, _delivery: self };
        let mut response = headed(Body::new(body), reply.status, reply.headers);
        response.extensions_mut().insert(break_off);
        response
    }

    fn dripping(self, reply: HttpReply, pace: super::Drip) -> Response<Body> {
        if reply.body.is_empty() {
            return self.whole(reply, false);
        }
        let line = self.line.clone();
        let mut response = headed(Body::new(Dripping::new(reply.body, pace, self)), reply.status, reply.headers);
        response.extensions_mut().insert(line);
        response
    }
}

fn headed(body: Body, status: StatusCode, headers: HeaderMap) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// A response that makes the connection end instead of being sent.
fn without_reply(how: impl Clone + Send + Sync + 'static) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(how);
    response
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(tell) = self.tell.take() {
            tell(self.sent);
        }
    }
}
