//! Replies that the gate gives itself, without asking the server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use prost::encoding;

use super::body::Body;
use crate::journal::Answer;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// gRPC status codes that the gate itself uses.
pub(super) mod code {
    pub(in super::super) const PERMISSION_DENIED: i32 = 7;
    pub(in super::super) const UNAVAILABLE: i32 = 14;
    pub(in super::super) const UNAUTHENTICATED: i32 = 16;
}

/// An error as trailers say it. `message` is plain ASCII without `%`, which needs no escaping.
pub(super) fn error(code: i32, message: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(STATUS, HeaderValue::from(code)), (MESSAGE, HeaderValue::from_static(message))])
}

/// The gRPC status code in `headers`, which are a reply's trailers or, if it has nothing else, its headers.
pub(super) fn status(headers: &HeaderMap) -> Option<i32> {
    headers.get(STATUS)?.to_str().ok()?.parse().ok()
}

/// Adds a detail of a type without fields that are set: `google.rpc.Status` with one `google.protobuf.Any`.
pub(super) fn detail(headers: &mut HeaderMap, code: i32, message: &str, type_url: &str) {
    let (mut any, mut status) = (Vec::new(), Vec::new());
    encoding::string::encode(1, &type_url.to_owned(), &mut any);
    encoding::int32::encode(1, &code, &mut status);
    encoding::string::encode(2, &message.to_owned(), &mut status);
    encoding::bytes::encode(3, &any, &mut status);
    let value = HeaderValue::from_str(&STANDARD_NO_PAD.encode(status));
    headers.insert(DETAILS, value.expect("Base64 is visible ASCII"));
}

/// A gRPC error without a message: its status stands among the headers ("Trailers-Only").
pub(super) fn trailers_only(mut headers: HeaderMap) -> Response<Body> {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    let mut reply = Response::new(Body::none());
    *reply.headers_mut() = headers;
    reply
}

/// An answer that a fault wants, gRPC or not.
pub(super) fn scripted(answer: Answer) -> Response<Body> {
    let mut reply = Response::new(Body::Whole { data: answer.body.into(), trailers: None });
    *reply.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            reply.headers_mut().append(name, value);
        }
    }
    reply
}
