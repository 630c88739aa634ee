//! Carries one call from the worker to the server and its reply back.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, TE};
use http::uri::{Parts, Scheme};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use tokio::sync::broadcast;

use super::answer::{self, code};
use super::body::{Body, LOST};
use super::rpc::{Caller, Rpc};
use super::{Cut, Shared, watch};
use crate::journal::{Act, Instance, is_poll};

/// The service whose methods workers use. All of them are unary.
const WORKFLOW_SERVICE: &str = "/temporal.api.workflowservice.v1.WorkflowService/";

/// A gRPC message without fields.
const NO_MESSAGE: &[u8] = &[0; 5];

/// Why a call ends without a reply.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// The worker's request was lost before it was complete.
    #[error("the worker's request was lost")]
    Worker(#[from] hyper::Error),
    /// A fault resets its stream.
    #[error("the stream is reset")]
    Reset(#[from] h2::Error),
}

/// Forwards a call. The call to the server lives inside this future: with it, it is cancelled.
pub(super) async fn forward(
    gate: Arc<Shared>,
    instance: Instance,
    request: Request<Incoming>,
) -> Result<Response<Body>, Broken> {
    let (mut parts, incoming) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    let unary = path.starts_with(WORKFLOW_SERVICE);
    let caller = Caller { instance, rpc: name, token: gate.token_of(&parts.headers) };
    let (body, plain) = if unary {
        let (data, trailers) = Body::whole(incoming).await?;
        let plain = data.clone();
        (Body::Whole { data, trailers }, plain)
    } else {
        (Body::Through { incoming, rpc: None }, Bytes::new())
    };
    let (rpc, act) = Rpc::begin(Arc::clone(&gate), caller, || gate.authorize(&path, &parts.headers, &plain)).await;
    match act {
        Err(refusal) => {
            let code = refusal.code();
            return leave(rpc, Some(code), refusal.reply()).await;
        }
        Ok(Act::Answer(answer)) => {
            let reply = answer::scripted(answer);
            let code = answer::status(reply.headers());
            return leave(rpc, code, reply).await;
        }
        Ok(_) => {}
    }
    if unary && watch::watches_request(rpc.name()) {
        watch::request(&rpc, &plain).await;
    }

    parts.uri = towards(rpc.gate(), parts.uri);
    let mut cut = gate.cut.subscribe();
    let asked = rpc.gate().client.request(Request::from_parts(parts, body));
    let reply = tokio::select! {
        reply = asked => reply,
        code = cut_of(&mut cut, rpc.instance()), if is_poll(rpc.name()) => {
            return match code {
                Some(code) => leave(rpc, Some(code), answer::trailers_only(answer::error(code, "cut by a fault"))).await,
                // Its end is reported as it is dropped.
                None => Err(h2::Error::from(h2::Reason::CANCEL).into()),
            };
        }
    };
    let reply = match reply {
        Ok(reply) => reply,
        Err(error) => return lost(rpc, error).await,
    };
    let (parts, incoming) = reply.into_parts();
    if !unary {
        return Ok(Response::from_parts(parts, Body::Through { incoming, rpc: Some(rpc) }));
    }
    let (data, trailers) = match Body::whole(incoming).await {
        Ok(whole) => whole,
        Err(error) => return lost(rpc, error).await,
    };
    watch::reply(&rpc, &data).await;
    // A reply without a message has its status among the headers ("Trailers-Only").
    let code = trailers.as_ref().and_then(answer::status).or_else(|| answer::status(&parts.headers));
    leave(rpc, code, Response::from_parts(parts, Body::Whole { data, trailers })).await
}

/// Waits until a fault ends the polls of this instance, and says with which status.
async fn cut_of(cuts: &mut broadcast::Receiver<Cut>, instance: &Instance) -> Option<i32> {
    loop {
        match cuts.recv().await {
            Ok(cut) if cut.of.as_ref().is_none_or(|of| of == instance) => return cut.code,
            Ok(_) => {}
            // So many came that one of them may have been meant for it: a worker polls again.
            Err(broadcast::error::RecvError::Lagged(_)) => return None,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Reports a reply that is about to leave, and lets it go or not.
async fn leave(rpc: Rpc, code: Option<i32>, reply: Response<Body>) -> Result<Response<Body>, Broken> {
    match rpc.end(code).await {
        Act::DropReply => Err(h2::Error::from(h2::Reason::INTERNAL_ERROR).into()),
        _ => Ok(reply),
    }
}

/// A call of the gate's own that asks for nothing: its answer says that the server has read all that was sent before.
pub(super) async fn knock(gate: &Shared) -> Result<(), hyper_util::client::legacy::Error> {
    let request = Request::post(towards(gate, Uri::from_static("/grpc.health.v1.Health/Check")))
        .header(CONTENT_TYPE, "application/grpc")
        .header(TE, "trailers")
        .body(Body::Whole { data: Bytes::from_static(NO_MESSAGE), trailers: None })
        .expect("all of it is constant");
    gate.client.request(request).await.map(drop)
}

fn towards(gate: &Shared, uri: Uri) -> Uri {
    let mut parts = Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(gate.upstream.clone());
    parts.path_and_query = uri.into_parts().path_and_query;
    parts.path_and_query.get_or_insert_with(|| http::uri::PathAndQuery::from_static("/"));
    Uri::from_parts(parts).expect("scheme, authority and path are there")
}

/// What a worker gets when the server is lost: `UNAVAILABLE`, which SDKs retry.
async fn lost(rpc: Rpc, error: impl std::error::Error) -> Result<Response<Body>, Broken> {
    tracing::debug!(rpc = rpc.name(), %error, "the Temporal frontend is lost");
    leave(rpc, Some(code::UNAVAILABLE), answer::trailers_only(answer::error(code::UNAVAILABLE, LOST))).await
}
