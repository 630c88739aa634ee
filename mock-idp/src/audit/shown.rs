//! What of a request is recorded as it was sent: what is known to hold no secret. All else is a fingerprint.

use http::HeaderMap;

use crate::secret::Secret;

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
const MOST: usize = 64;

/// Longer names and values are cut.
const LONGEST: usize = 256;

/// Parameters, in their order.
pub(super) fn parameters<'a>(sent: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    sent.take(MOST).map(|(name, value)| (cut(name), shown(PLAIN_PARAMETERS.contains(&name), value))).collect()
}

/// Header fields, in their order. Of `Authorization` the scheme is shown.
pub(super) fn headers(sent: &HeaderMap) -> Vec<(String, String)> {
    let fields = sent.iter().take(MOST).map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        let shown = match value.split_once(' ') {
            Some((scheme, rest)) if name == http::header::AUTHORIZATION && rest.len() > scheme.len() => {
                format!("{} {}", cut(scheme), Secret::new(rest).fingerprint())
            }
            _ => shown(PLAIN_HEADERS.contains(&name.as_str()), &value),
        };
        (cut(name.as_str()), shown)
    });
    fields.collect()
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
        let sent = [("grant_type", "refresh_token"), ("refresh_token", "tlrt_hush"), ("own", "who knows"), ("x", "")];
        let shown = parameters(sent.into_iter());
        assert_eq!(shown[0].1, "refresh_token");
        assert!(shown[1].1.starts_with("sha256:") && shown[2].1.starts_with("sha256:"), "{shown:?}");
        assert_eq!(shown[3].1, "");
    }

    #[test]
    fn of_credentials_the_scheme_is_shown() {
        let mut sent = HeaderMap::new();
        sent.insert("authorization", "Basic d29ya2VyOnNlY3JldA==".parse().expect("a value"));
        sent.insert("cookie", "session=hush".parse().expect("a value"));
        sent.insert("user-agent", "x".repeat(1000).parse().expect("a value"));
        let shown = headers(&sent);
        assert!(shown[0].1.starts_with("Basic sha256:"), "{shown:?}");
        assert!(shown[1].1.starts_with("sha256:"), "{shown:?}");
        assert_eq!(shown[2].1.chars().count(), LONGEST + 1, "long values are cut");
        // A token without a scheme is no scheme.
        sent.insert("authorization", "tlat_0123456789 x".parse().expect("a value"));
        assert!(headers(&sent).iter().all(|(_, value)| !value.contains("tlat_")));
    }
}
