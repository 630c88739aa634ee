//! The one HTTP client, for identity provider and API alike.

use std::time::Duration;

use url::Url;

use crate::failure::Cause;

/// Builds the client.
///
/// It follows no redirect: a redirect would carry the client's secret or the token to another host (RFC 9700 §4.12).
/// It repeats nothing by itself: a refresh that is sent twice kills the token family. Each request ends within
/// `timeout`, so that an activity hears of it before its own timeout does (FM-54).
///
/// # Errors
/// If TLS cannot be set up.
pub fn client(timeout: Duration, servers: &[&Url]) -> Result<reqwest::Client, reqwest::Error> {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(timeout.min(Duration::from_secs(2)))
        .timeout(timeout);
    if servers.iter().all(|url| url.scheme() == "http") {
        // Reading the system's certificates is most of a worker's start, and nothing here uses them.
        builder = builder.tls_certs_only([]);
    }
    builder.build()
}

/// Says why there is no answer, without the error's own text: that holds the URL.
pub(crate) fn no_answer(error: &reqwest::Error) -> Cause {
    Cause::Text(if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "cannot connect"
    } else if error.is_builder() {
        "request cannot be built"
    } else {
        "connection ended without an answer"
    })
}
