//! The front itself: one hyper service per connection of a worker instance.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use url::Url;

use super::correlate::Correlate;
use super::ledger::{Ledger, Stored};
use super::route::Route;
use crate::journal::{Act, Answer, ApiRequest, ApiResponse, Call, Directive, Event, Instance, Journal, TokenName};

/// Larger request and reply bodies are refused: a lab holds them in memory.
const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// What the API thinks of a bearer token.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Judged {
    /// Its name in the journal, if it is one of the lab's.
    pub token: Option<TokenName>,
    /// Who it speaks for.
    pub sub: Option<String>,
    /// What it allows.
    pub scopes: Vec<String>,
    /// Why it is refused: `expired`, `revoked`, `not_yet_valid`, `issued_in_future`, `refused_early`, `unknown` …
    pub refused: Option<String>,
}

/// Judges tokens by the API's own clock and the target's way of validation.
pub trait TokenJudge: Send + Sync {
    /// Called under the journal's lock, so that the judgement holds at the request's number; must not wait.
    fn judge(&self, bearer: &str) -> Judged;
}

/// What the front is told by the target.
pub struct Config {
    /// The routes that it knows; a request for another one is forwarded and needs a valid token only.
    pub routes: Vec<Route>,
    /// How requests name their workflow.
    pub correlate: Option<Correlate>,
    /// Where requests go that shall be answered, without a path.
    pub upstream: Url,
}

/// The front. Clones share all state.
#[derive(Clone)]
pub struct ApiFront(Arc<Shared>);

struct Shared {
    config: Config,
    journal: Journal,
    judge: Box<dyn TokenJudge>,
    ledger: Mutex<Ledger>,
    client: Client<HttpConnector, Full<Bytes>>,
    calls: Arc<AtomicU64>,
}

/// The connection ends without a reply.
#[derive(Debug, thiserror::Error)]
#[error("the reply is dropped")]
struct Dropped;

impl ApiFront {
    /// A front that reports to `journal`. `calls` numbers the requests of the whole lab.
    pub fn new(config: Config, journal: Journal, judge: Box<dyn TokenJudge>, calls: Arc<AtomicU64>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self(Arc::new(Shared { config, journal, judge, ledger: Mutex::default(), client, calls }))
    }

    /// Serves one connection of a worker instance until it ends.
    pub async fn serve(&self, instance: Instance, io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let front = self.clone();
        let service = service_fn(move |request| {
            let (front, instance) = (front.clone(), instance.clone());
            async move { front.answer(instance, request).await }
        });
        // A connection that a worker or a fault breaks off ends with an error that says nothing new.
        let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(io), service).await;
    }

    async fn answer(&self, instance: Instance, request: Request<Incoming>) -> Result<Response<Reply>, Dropped> {
        let call = Call(self.0.calls.fetch_add(1, Ordering::Relaxed));
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
            return Ok(self.reply(call, plain(StatusCode::PAYLOAD_TOO_LARGE)));
        };
        let body = body.to_bytes();
        let path = head.uri.path();
        let found = self.0.config.routes.iter().find_map(|route| Some((route, route.matches(&head.method, path)?)));
        let (route, parameters) =
            found.map_or((None, BTreeMap::new()), |(route, parameters)| (Some(route), parameters));
        let correlate = self.0.config.correlate.as_ref();
        let seen = ApiRequest {
            call,
            instance,
            route: route.map(|route| route.name().to_owned()),
            target: format!("{} {path}", head.method),
            token: None,
            sub: None,
            workflow: correlate.and_then(|correlate| correlate.workflow(&head.headers, &parameters, &body)),
            refused: None,
        };

        let bearer = bearer(&head.headers);
        // The token is named before the event is shown to the faults; whether it is still good is decided after they
        // have acted, at the same number.
        let named = bearer.map(|bearer| self.0.judge.judge(bearer)).unwrap_or_default();
        let mut request = ApiRequest { token: named.token, sub: named.sub, ..seen };
        let mut scopes = named.scopes;
        let recorded = self.0.journal.record_with(Event::ApiRequest(request.clone()), |event, _| {
            let judged = bearer.map(|bearer| self.0.judge.judge(bearer));
            request.refused = judged.as_ref().map_or(Some("missing".to_owned()), |judged| judged.refused.clone());
            scopes = judged.map(|judged| judged.scopes).unwrap_or_default();
            *event = Event::ApiRequest(request.clone());
        });
        let directive = recorded.settled().await;
        let arrival_delay = directive.delay;

        let mut effect = None;
        let (stored, error) = match directive.act {
            Act::Answer(answer) => (scripted(&answer), None),
            Act::Proceed | Act::DropReply | Act::Alter(_) => {
                if let Some(refusal) = refuse(&request, bearer.is_some(), route, &scopes) {
                    refusal
                } else {
                    let (stored, new_effect) = self.process(&request, route, &head, body).await;
                    effect = new_effect;
                    (stored, None)
                }
            }
        };

        let event = Event::ApiResponse(ApiResponse {
            request,
            status: stored.status.as_u16(),
            error: error.map(str::to_owned),
            effect,
            retry_after_ms: retry_after_ms(&stored.headers),
            fault: None,
        });
        let leaving = self.0.journal.record(event).settled().await;
        self.leave(call, stored, Directive { delay: arrival_delay, act: Act::Proceed }.and(leaving)).await
    }

    /// Forwards to the upstream, unless the request repeats an effect that it has had.
    async fn process(
        &self,
        request: &ApiRequest,
        route: Option<&Route>,
        head: &http::request::Parts,
        body: Bytes,
    ) -> (Stored, Option<String>) {
        let key =
            route.and_then(Route::effect).map(|header| header.and_then(|name| head.headers.get(name)?.to_str().ok()));
        if let Some(Some(key)) = key
            && let Some(earlier) = self.ledger().earlier(&request.target, key)
        {
            return (earlier, None);
        }
        let stored = self.forward(head, body).await;
        let effect = match key {
            Some(key) if stored.status.is_success() => self.ledger().enter(&request.target, key, &stored),
            _ => None,
        };
        (stored, effect)
    }

    fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn forward(&self, head: &http::request::Parts, body: Bytes) -> Stored {
        let mut url = self.0.config.upstream.clone();
        url.set_path(head.uri.path());
        url.set_query(head.uri.query());
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = head.method.clone();
        *request.headers_mut() = head.headers.clone();
        request.headers_mut().remove(HOST);
        let unreachable = |_| plain(StatusCode::BAD_GATEWAY);
        let sent = async {
            *request.uri_mut() = url.as_str().parse().map_err(drop)?;
            let (head, body) = self.0.client.request(request).await.map_err(drop)?.into_parts();
            let body = Limited::new(body, BODY_LIMIT).collect().await.map_err(drop)?.to_bytes();
            Ok::<_, ()>(Stored { status: head.status, headers: head.headers, body })
        };
        sent.await.unwrap_or_else(unreachable)
    }

    async fn leave(&self, call: Call, mut stored: Stored, directive: Directive) -> Result<Response<Reply>, Dropped> {
        tokio::time::sleep(directive.delay).await;
        match directive.act {
            Act::DropReply => {
                self.done(call, false).await;
                return Err(Dropped);
            }
            Act::Answer(answer) => stored = scripted(&answer),
            Act::Alter(changes) => {
                if let Ok(serde_json::Value::Object(mut fields)) = serde_json::from_slice(&stored.body) {
                    for change in changes {
                        match change.value {
                            Some(value) => fields.insert(change.field, value),
                            None => fields.remove(&change.field),
                        };
                    }
                    stored.body = serde_json::Value::Object(fields).to_string().into();
                }
            }
            Act::Proceed => {}
        }
        Ok(self.reply(call, stored))
    }

    fn reply(&self, call: Call, stored: Stored) -> Response<Reply> {
        // An empty body is never polled: it is delivered with its head.
        let report = Report { journal: self.0.journal.clone(), call, delivered: stored.body.is_empty() };
        let mut response = Response::new(Reply { body: Full::new(stored.body), report });
        *response.status_mut() = stored.status;
        for (name, value) in &stored.headers {
            // The connection frames the body by itself.
            if !matches!(name.as_str(), "content-length" | "transfer-encoding" | "connection") {
                response.headers_mut().append(name, value.clone());
            }
        }
        response
    }

    async fn done(&self, call: Call, delivered: bool) {
        self.0.journal.record(Event::HttpDone { call, delivered }).settled().await;
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// RFC 6750 §3: no error code for a request without a token, `invalid_token` for a dead one, `insufficient_scope` for
/// a weak one.
fn refuse(
    request: &ApiRequest,
    has_bearer: bool,
    route: Option<&Route>,
    scopes: &[String],
) -> Option<(Stored, Option<&'static str>)> {
    let challenge = |status, text: String| {
        let mut stored = plain(status);
        if let Ok(value) = text.parse() {
            stored.headers.insert(WWW_AUTHENTICATE, value);
        }
        stored
    };
    if !has_bearer {
        return Some((challenge(StatusCode::UNAUTHORIZED, r#"Bearer realm="api""#.into()), None));
    }
    if request.refused.is_some() {
        let text = r#"Bearer realm="api", error="invalid_token""#.into();
        return Some((challenge(StatusCode::UNAUTHORIZED, text), Some("invalid_token")));
    }
    let needed = route.map_or(&[][..], Route::scopes);
    if needed.iter().any(|scope| !scopes.contains(scope)) {
        let text = format!(r#"Bearer realm="api", error="insufficient_scope", scope="{}""#, needed.join(" "));
        return Some((challenge(StatusCode::FORBIDDEN, text), Some("insufficient_scope")));
    }
    None
}

fn plain(status: StatusCode) -> Stored {
    Stored { status, headers: HeaderMap::new(), body: Bytes::new() }
}

fn scripted(answer: &Answer) -> Stored {
    let mut headers = HeaderMap::new();
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), value.parse()) {
            headers.append(name, value);
        }
    }
    if !answer.body.is_empty() && !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    }
    // A status that HTTP does not have is refused when the scenario is read.
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Stored { status, headers, body: answer.body.clone().into() }
}

/// `Retry-After` in seconds (RFC 9110 §10.2.3). The date form depends on a clock and is left to the check.
fn retry_after_ms(headers: &HeaderMap) -> Option<u64> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    seconds.checked_mul(1000)
}

/// A reply that reports whether all of it was handed to the connection.
struct Reply {
    body: Full<Bytes>,
    report: Report,
}

struct Report {
    journal: Journal,
    call: Call,
    delivered: bool,
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.report.delivered |= self.body.is_end_stream();
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        let _ = self.journal.record(Event::HttpDone { call: self.call, delivered: self.delivered });
    }
}
