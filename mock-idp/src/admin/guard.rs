//! Who may use the control.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::problem::Problem;
use crate::secret::Secret;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

pub(super) struct Guard {
    token: Option<Secret>,
}

/// Lets a request through, or refuses it.
pub(super) async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    if let Err(problem) = guard.refuse_other_sites(request.headers(), request.uri()) {
        return problem.into_response();
    }
    if !guard.knows(request.headers()) {
        let problem = Problem::new(StatusCode::UNAUTHORIZED, "send the control's token: `Authorization: Bearer …`");
        let ways = [(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer, Basic realm=\"mock-idp\""))];
        return (ways, problem).into_response();
    }
    next.run(request).await
}

impl Guard {
    pub(super) fn new(token: Option<Secret>) -> Self {
        Self { token }
    }

    /// A page of another site must not reach the control through the browser of whoever runs it.
    ///
    /// A site that points a name of its own at this machine is told by that name. With a token this is no danger, and
    /// containers call each other by name.
    fn refuse_other_sites(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), Problem> {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let forbidden = |why: String| Err(Problem::new(StatusCode::FORBIDDEN, why));
        // HTTP/2 has the host in the target.
        let Some(host) = uri.authority().map(|authority| authority.as_str()).or_else(|| text(HOST)) else {
            return forbidden("`Host` is missing".to_owned());
        };
        if self.token.is_none() && !is_address(host) {
            let why = "without a token the control is called by an address or localhost, not as";
            return forbidden(format!("{why} `{host}`"));
        }
        let same = |origin: &str| origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host));
        if let Some(origin) = headers.get(ORIGIN)
            && !origin.to_str().is_ok_and(same)
        {
            return forbidden("requests from pages of other sites are refused".to_owned());
        }
        match text(SEC_FETCH_SITE) {
            Some("cross-site" | "same-site") => forbidden("requests from pages of other sites are refused".to_owned()),
            _ => Ok(()),
        }
    }

    fn knows(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.token else { return true };
        let mut sent = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (sent.next(), sent.next()) else { return false };
        let Some((scheme, rest)) = value.to_str().ok().and_then(|value| value.split_once(' ')) else { return false };
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => token.matches(rest.trim()),
            "basic" => {
                let decoded = STANDARD.decode(rest.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                decoded.is_some_and(|text| text.split_once(':').is_some_and(|(_, password)| token.matches(password)))
            }
            _ => false,
        }
    }
}

/// Whether a host is an IP address or this machine's own name, with or without a port: nobody else can own those.
fn is_address(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}
