//! A Temporal frontend with canned answers, a worker's client, and the gate between them.

use std::convert::Infallible;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use prost::Message;
use tokio::sync::mpsc;

use crate::journal::{Event, Journal};
use crate::lab::gate::{Config, Gate};
use crate::lab::link::{Link, LinkControl};

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub(super) const SERVICE: &str = "/temporal.api.workflowservice.v1.WorkflowService/";

/// What the frontend does with a call.
#[derive(Clone)]
pub(super) enum Reply {
    /// A message in DATA frames of one byte each, then trailers.
    Message(Bytes, HeaderMap),
    /// Headers only, with this gRPC status.
    Status(&'static str),
    /// The first DATA frame, then nothing.
    Stall(Bytes),
    /// Nothing at all.
    Park,
}

impl Reply {
    pub(super) fn ok(message: &impl Message) -> Self {
        Self::Message(framed(message), [status("0")].into_iter().collect())
    }
}

pub(super) fn status(code: &'static str) -> (http::HeaderName, http::HeaderValue) {
    (http::HeaderName::from_static("grpc-status"), http::HeaderValue::from_static(code))
}

/// A message as SDKs send it: compressed, with its prefix.
pub(super) fn framed(message: &impl Message) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&message.encode_to_vec()).unwrap();
    let message = encoder.finish().unwrap();
    [&[1], u32::try_from(message.len()).unwrap().to_be_bytes().as_slice(), &message].concat().into()
}

/// What the frontend saw of a call.
#[derive(Debug)]
pub(super) enum Seen {
    Request {
        path: String,
        headers: HeaderMap,
        body: Bytes,
    },
    /// The call was taken back.
    Cancelled,
}

struct Frames {
    frames: Vec<Frame<Bytes>>,
    /// Goes on for ever after the last frame.
    stall: Option<Notice>,
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.frames.pop() {
            None if self.stall.is_some() => Poll::Pending,
            frame => Poll::Ready(frame.map(Ok)),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_empty() && self.stall.is_none()
    }
}

/// Tells that the call which holds it is over.
struct Notice(mpsc::UnboundedSender<Seen>);

impl Drop for Notice {
    fn drop(&mut self) {
        let _ = self.0.send(Seen::Cancelled);
    }
}

pub(super) struct Lab {
    pub(super) journal: Journal,
    pub(super) gate: Gate,
    pub(super) seen: mpsc::UnboundedReceiver<Seen>,
    pub(super) reply: Arc<Mutex<Reply>>,
    pub(super) frontend: LinkControl,
    pub(super) workers: LinkControl,
    address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// What a worker got.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) trailers: Option<HeaderMap>,
}

impl Lab {
    pub(super) fn new(reply: Reply) -> Self {
        let (sender, seen) = mpsc::unbounded_channel();
        let reply = Arc::new(Mutex::new(reply));
        let link = Link::bind(LOCALHOST).unwrap();
        let (upstream, frontend) = (link.address(), link.control());
        tokio::spawn(link.serve({
            let reply = Arc::clone(&reply);
            move |io| {
                let (reply, sender) = (Arc::clone(&reply), sender.clone());
                let service = service_fn(move |request| answer(reply.lock().clone(), sender.clone(), request));
                async move {
                    let _ = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(io), service).await;
                }
            }
        }));

        let journal = Journal::in_memory();
        let gate = Gate::new(Config::new(upstream.to_string().parse().unwrap(), journal.clone()));
        let link = Link::bind(LOCALHOST).unwrap();
        let (address, workers) = (link.address(), link.control());
        tokio::spawn(link.serve({
            let gate = gate.clone();
            move |io| gate.serve("w1.1".into(), io)
        }));
        let client = Client::builder(TokioExecutor::new()).http2_only(true).build(HttpConnector::new());
        Self { journal, gate, seen, reply, frontend, workers, address, client }
    }

    pub(super) async fn call(&self, path: &str, body: Bytes) -> Result<Got, Box<dyn std::error::Error + Send + Sync>> {
        let request = Request::post(format!("http://{}{path}", self.address))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("authorization", "Bearer lab")
            .body(Full::new(body))?;
        let (parts, body) = self.client.request(request).await?.into_parts();
        let body = body.collect().await?;
        let trailers = body.trailers().cloned();
        Ok(Got { headers: parts.headers, body: body.to_bytes(), trailers })
    }

    /// A call of the workflow service.
    pub(super) async fn rpc(&self, rpc: &str, message: &impl Message) -> Got {
        self.call(&format!("{SERVICE}{rpc}"), framed(message)).await.unwrap()
    }

    pub(super) fn events(&self) -> Vec<Event> {
        self.journal.records().iter().map(|record| record.event.clone()).collect()
    }

    /// Events of activities only.
    pub(super) fn activities(&self) -> Vec<Event> {
        self.events().into_iter().filter(|event| event.kind().starts_with("activity.")).collect()
    }
}

async fn answer(
    reply: Reply,
    sender: mpsc::UnboundedSender<Seen>,
    request: Request<Incoming>,
) -> Result<Response<Frames>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let _ = sender.send(Seen::Request { path: parts.uri.path().to_owned(), headers: parts.headers, body });
    let mut response = Response::builder().header("content-type", "application/grpc").header("x-server", "fake");
    let mut frames = Vec::new();
    let mut stall = None;
    match reply {
        Reply::Message(message, trailers) => {
            frames.push(Frame::trailers(trailers));
            frames.extend((0..message.len()).rev().map(|at| Frame::data(message.slice(at..=at))));
        }
        Reply::Status(code) => response = response.header("grpc-status", code),
        Reply::Stall(first) => {
            frames.push(Frame::data(first));
            stall = Some(Notice(sender));
        }
        Reply::Park => {
            let _notice = Notice(sender);
            std::future::pending::<()>().await;
        }
    }
    Ok(response.body(Frames { frames, stall }).unwrap())
}
