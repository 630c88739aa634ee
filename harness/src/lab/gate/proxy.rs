//! Carries one call from the worker to the server and its reply back.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, TE};
use http::uri::{Parts, Scheme};
use http::{HeaderMap, HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;

use super::Shared;
use super::body::Body;
use super::rpc::{self, Rpc};
use super::watch;
use crate::journal::Instance;

/// The service whose methods workers use. All of them are unary.
const WORKFLOW_SERVICE: &str = "/temporal.api.workflowservice.v1.WorkflowService/";

/// A gRPC message without fields.
const NO_MESSAGE: &[u8] = &[0; 5];

/// Forwards a call. The call to the server lives inside this future: with it, it is cancelled.
///
/// # Errors
///
/// If the worker's request is lost before it is complete.
pub(super) async fn forward(
    gate: Arc<Shared>,
    instance: Instance,
    request: Request<Incoming>,
) -> hyper::Result<Response<Body>> {
    let path = request.uri().path();
    let unary = path.starts_with(WORKFLOW_SERVICE);
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    let rpc = Rpc::begin(gate, instance, name).await;

    let (mut parts, incoming) = request.into_parts();
    parts.uri = towards(rpc.gate(), parts.uri);
    let body = if unary && watch::watches_request(rpc.name()) {
        let (data, trailers) = Body::whole(incoming).await?;
        watch::request(&rpc, &data).await;
        Body::Whole { data, trailers }
    } else {
        Body::Through { incoming, rpc: None }
    };

    let reply = match rpc.gate().client.request(Request::from_parts(parts, body)).await {
        Ok(reply) => reply,
        Err(error) => return Ok(lost(rpc, error).await),
    };
    let (parts, incoming) = reply.into_parts();
    if !unary {
        return Ok(Response::from_parts(parts, Body::Through { incoming, rpc: Some(rpc) }));
    }
    let (data, trailers) = match Body::whole(incoming).await {
        Ok(whole) => whole,
        Err(error) => return Ok(lost(rpc, error).await),
    };
    watch::reply(&rpc, &data).await;
    // A reply without a message has its status among the headers ("Trailers-Only").
    let code = trailers.as_ref().and_then(rpc::status).or_else(|| rpc::status(&parts.headers));
    rpc.end(code).await;
    Ok(Response::from_parts(parts, Body::Whole { data, trailers }))
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
async fn lost(rpc: Rpc, error: impl std::error::Error) -> Response<Body> {
    tracing::debug!(rpc = rpc.name(), %error, "the Temporal frontend is lost");
    let headers: HeaderMap = rpc::unavailable();
    rpc.end(rpc::status(&headers)).await;
    let mut reply = Response::new(Body::none());
    *reply.headers_mut() = headers;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    reply
}
