//! The front itself: one hyper service per connection of a worker instance.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, WWW_AUTHENTICATE};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use mock_idp::fault::{Body, Connection, Delivery, HttpReply, Sent, serve_connection};
use url::Url;

use super::ledger::Ledger;
use super::says::Says;
use crate::journal::{Act, ApiRequest, ApiResponse, Call, Event, Instance, Journal, TokenName};
use crate::lab::retry_after;
use crate::scenario::{Correlate, Route};

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

impl ApiFront {
    /// A front that reports to `journal`. `calls` numbers the requests of the whole lab.
    pub fn new(config: Config, journal: Journal, judge: Box<dyn TokenJudge>, calls: Arc<AtomicU64>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self(Arc::new(Shared { config, journal, judge, ledger: Mutex::default(), client, calls }))
    }

    /// Serves one connection of a worker instance until it ends.
    pub async fn serve(&self, instance: Instance, io: impl Connection) {
        let front = self.clone();
        let service = tower::service_fn(move |request| {
            let (front, instance) = (front.clone(), instance.clone());
            async move { Ok(front.answer(instance, request).await) }
        });
        serve_connection(io, service).await;
    }

    async fn answer(&self, instance: Instance, request: Request<Incoming>) -> Response<Body> {
        let call = Call(self.0.calls.fetch_add(1, Ordering::Relaxed));
        let delivery = Delivery::new({
            let journal = self.0.journal.clone();
            move |Sent { delivered, unaltered }| drop(journal.record(Event::HttpDone { call, delivered, unaltered }))
        });
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
            return delivery.response(HttpReply::new(StatusCode::PAYLOAD_TOO_LARGE), Act::Proceed);
        };
        let body = body.to_bytes();
        let path = head.uri.path();
        let method = head.method.as_str();
        let found = self.0.config.routes.iter().find_map(|route| Some((route, route.route.matches(method, path)?)));
        let (route, parameters) = found.map_or((None, Vec::new()), |(route, parameters)| (Some(route), parameters));
        let says = Says { headers: &head.headers, parameters: &parameters, body: &body };
        let seen = ApiRequest {
            call,
            instance,
            route: route.map(|route| route.route.to_string()),
            target: format!("{} {path}", head.method),
            token: None,
            sub: None,
            workflow: self.0.config.correlate.as_ref().and_then(|correlate| says.workflow(correlate)),
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
        let arrival = recorded.settled().await;

        // Without a key each call of a route with an effect is an effect of its own.
        let key = route.filter(|route| route.effect).map(|route| {
            let place = route.idempotency.as_ref();
            place.and_then(|place| says.idempotency_key(&place.value))
        });
        let mut effect = None;
        let (stored, error) = match &arrival.act {
            Act::Answer(answer) => (HttpReply::from(answer), None),
            Act::DropRequest | Act::ResetRequest => {
                return delivery.follow(HttpReply::new(StatusCode::OK), arrival).await;
            }
            Act::Proceed
            | Act::DropReply
            | Act::Truncate(_)
            | Act::Drip(_)
            | Act::Reset
            | Act::ResetAfter
            | Act::Alter(_) => {
                if let Some(refusal) = refuse(&request, bearer.is_some(), route, &scopes) {
                    refusal
                } else {
                    let (stored, new_effect) =
                        self.process(&request, key.as_ref().map(Option::as_deref), &head, body.clone()).await;
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
            retry_after_ms: retry_after::of_headers(&stored.headers),
            fault: None,
        });
        let leaving = self.0.journal.record(event).settled().await;
        delivery.follow(stored, arrival.left_for_reply().and(leaving)).await
    }

    /// Forwards to the upstream, unless the request repeats an effect that it has had. `key` is the effect's, if the
    /// route has one.
    async fn process(
        &self,
        request: &ApiRequest,
        key: Option<Option<&str>>,
        head: &http::request::Parts,
        body: Bytes,
    ) -> (HttpReply, Option<String>) {
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

    async fn forward(&self, head: &http::request::Parts, body: Bytes) -> HttpReply {
        let mut url = self.0.config.upstream.clone();
        url.set_path(head.uri.path());
        url.set_query(head.uri.query());
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = head.method.clone();
        *request.headers_mut() = head.headers.clone();
        request.headers_mut().remove(HOST);
        let unreachable = |_| HttpReply::new(StatusCode::BAD_GATEWAY);
        let sent = async {
            *request.uri_mut() = url.as_str().parse().map_err(drop)?;
            let (mut head, body) = self.0.client.request(request).await.map_err(drop)?.into_parts();
            // The worker's connection frames the body by itself.
            for name in [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION] {
                head.headers.remove(name);
            }
            let body = Limited::new(body, BODY_LIMIT).collect().await.map_err(drop)?.to_bytes();
            Ok::<_, ()>(HttpReply { status: head.status, headers: head.headers, body })
        };
        sent.await.unwrap_or_else(unreachable)
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
) -> Option<(HttpReply, Option<&'static str>)> {
    let challenge = |status, text: String| {
        let mut stored = HttpReply::new(status);
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
    let needed = route.map_or(&[][..], |route| route.scopes.as_slice());
    if needed.iter().any(|scope| !scopes.contains(scope)) {
        let text = format!(r#"Bearer realm="api", error="insufficient_scope", scope="{}""#, needed.join(" "));
        return Some((challenge(StatusCode::FORBIDDEN, text), Some("insufficient_scope")));
    }
    None
}
