//! What a request says: bodies, queries and paths, each refused with a problem that tells where and what.

use std::borrow::Cow;

use axum::body::Bytes;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::json;

use super::problem::Problem;
use crate::file::{Source, parse};

/// A JSON body that fits a model. It is read as configuration files are, so that a wrong key is told with its place and
/// the nearest right word. No body at all is an empty object.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = is_json(request.headers());
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|error| Problem::new(error.status(), error.body_text()))?;
        let text = match bytes.as_ref() {
            [] => b"{}".as_slice(),
            _ if !is_json => {
                let why = "the body must be JSON, and `Content-Type` must say application/json";
                return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
            }
            bytes => bytes,
        };
        // The other reader takes any YAML.
        serde_json::from_slice::<IgnoredAny>(text)
            .map_err(|error| Problem::bad_request(format!("no JSON: {error}")))?;
        let text = String::from_utf8_lossy(text);
        let read = parse(&text, &Source::new("body", &text));
        read.map(Self).map_err(|error| Problem::bad_request(error.to_string()))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// A query that fits a model.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        read_query(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// Reads a query: as a body that has each parameter on a line of its own, so that mistakes are told in the same words.
///
/// # Errors
///
/// A problem that says which parameter is wrong.
pub(super) fn read_query<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
    let line = |(name, value): &(Cow<'_, str>, Cow<'_, str>)| format!("{}: {},\n", json!(name), json!(value));
    let text = format!("{{{}}}", pairs.iter().map(line).collect::<String>());
    parse(&text, &Source::new("query", &text)).map_err(|error| {
        let told = error.complaint().in_one_line();
        match pairs.get(error.line() - 1) {
            Some((name, _)) if !error.message().contains(&format!("`{name}`")) => {
                Problem::bad_request(format!("the parameter `{name}`: {told}"))
            }
            _ => Problem::bad_request(format!("the query: {told}")),
        }
    })
}

/// Parts of a path.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = axum::extract::Path::from_request_parts(parts, state).await;
        read.map(|path| Self(path.0)).map_err(|error: PathRejection| match &error {
            PathRejection::FailedToDeserializePathParams(failed) => match failed.kind() {
                // Numbers are all that a path has besides text.
                ErrorKind::ParseError { value, .. } => Problem::bad_request(format!(
                    "the path has `{value}` where a number must stand (such as `1`; GET on the resource lists all)"
                )),
                _ => Problem::bad_request(error.body_text()),
            },
            _ => Problem::bad_request(error.body_text()),
        })
    }
}
