//! What of a request is recorded as it was sent: what is known to hold no secret. All else is a fingerprint.

use crate::secret::Secret;

/// Names and values.
pub(super) type Fields = Vec<(String, String)>;

/// Parameters that hold no secret in any RFC.
const PLAIN_PARAMETERS: &[&str] = &[
    "acr_values",
    "actor_token_type",
    "audience",
    "authorization_details",
    "claims",
    "client_assertion_type",
    "client_id",
    "code_challenge_method",
    "display",
    "grant_type",
    "max_age",
    "prompt",
    "redirect_uri",
    "request_uri",
    "requested_token_type",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "subject_token_type",
    "token_type_hint",
];

/// Header fields that hold no secret.
const PLAIN_HEADERS: &[&str] = &[
    "accept",
    "accept-encoding",
    "content-length",
    "content-type",
    "host",
    "origin",
    "traceparent",
    "user-agent",
    "x-request-id",
];

/// More parameters or header fields of one request are not recorded.
pub(super) const MOST: usize = 64;

/// Longer names and values are cut.
const LONGEST: usize = 256;

/// A parameter.
pub(super) fn parameter(name: &str, value: &[u8]) -> (String, String) {
    (cut(name), shown(PLAIN_PARAMETERS.contains(&name), &String::from_utf8_lossy(value)))
}

/// A header field. Of `Authorization` the scheme is shown.
pub(super) fn header(name: &str, value: &[u8]) -> (String, String) {
    let value = String::from_utf8_lossy(value);
    let shown = match value.split_once(' ') {
        Some((scheme, rest)) if name == http::header::AUTHORIZATION && rest.len() > scheme.len() => {
            format!("{} {}", cut(scheme), Secret::new(rest).fingerprint())
        }
        _ => shown(PLAIN_HEADERS.contains(&name), &value),
    };
    (cut(name), shown)
}

fn shown(plain: bool, value: &str) -> String {
    if plain || value.is_empty() { cut(value) } else { Secret::new(value).fingerprint() }
}

pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_to_be_harmless_is_shown() {
        let shown = |name, value: &str| parameter(name, value.as_bytes()).1;
        assert_eq!(shown("grant_type", "refresh_token"), "refresh_token");
        for secret in [shown("refresh_token", "tlrt_hush"), shown("own", "who knows")] {
            assert!(secret.starts_with("sha256:"), "{secret}");
        }
        assert_eq!(shown("x", ""), "");
    }

    #[test]
    fn of_credentials_the_scheme_is_shown() {
        let shown = |name, value: &str| header(name, value.as_bytes()).1;
        let basic = shown("authorization", "Basic d29ya2VyOnNlY3JldA==");
        assert!(basic.starts_with("Basic sha256:"), "{basic}");
        let cookie = shown("cookie", "session=hush");
        assert!(cookie.starts_with("sha256:"), "{cookie}");
        assert_eq!(shown("user-agent", &"x".repeat(1000)).chars().count(), LONGEST + 1, "long values are cut");
        // A token without a scheme is no scheme.
        assert!(!shown("authorization", "tlat_0123456789 x").contains("tlat_"));
    }
}
