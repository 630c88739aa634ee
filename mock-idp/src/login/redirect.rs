//! Redirect URIs.

/// Whether `given` is `registered`: letter by letter (RFC 9700 §2.1), but for the port of a native app's loopback
/// address (RFC 8252 §7.3), which it learns only when it starts. `localhost` is no such address (§8.3).
pub(crate) fn is_same(registered: &str, given: &str) -> bool {
    registered == given
        || ["http://127.0.0.1", "http://[::1]"].iter().any(|host| {
            let (registered, given) = (without_port(registered, host), without_port(given, host));
            registered.is_some() && registered == given
        })
}

/// What follows host and port.
fn without_port<'a>(uri: &'a str, host: &str) -> Option<&'a str> {
    let rest = uri.strip_prefix(host)?;
    let Some(port) = rest.strip_prefix(':') else { return Some(rest) };
    let end = port.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(port.len());
    port[..end].parse::<u16>().ok()?;
    Some(&port[end..])
}

/// `uri` with parameters added to its query (RFC 6749 §4.1.2); what is empty is left out. A fragment it has not.
pub(crate) fn with(uri: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters.iter().filter(|(_, value)| !value.is_empty()));
    let query = query.finish();
    let separator = match uri.split_once('?') {
        _ if query.is_empty() => "",
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{uri}{separator}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9700_2_1_redirect_uris_are_compared_letter_by_letter_but_for_a_loopback_port() {
        let same = [
            ("https://app.example/cb", "https://app.example/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb"),
            ("http://127.0.0.1:3000/cb?x=1", "http://127.0.0.1/cb?x=1"),
            ("http://[::1]:1/", "http://[::1]:65535/"),
        ];
        for (registered, given) in same {
            assert!(is_same(registered, given), "{registered} {given}");
        }
        let other = [
            ("https://app.example/cb", "https://app.example/cb/"),
            ("https://app.example/cb", "https://app.example/cb?x=1"),
            ("https://app.example/cb", "https://APP.example/cb"),
            ("https://app.example/cb", "https://app.example:443/cb"),
            ("http://localhost/cb", "http://localhost:3000/cb"),
            ("https://127.0.0.1/cb", "https://127.0.0.1:3000/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:80@evil.example/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:99999/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:/cb"),
            ("http://127.0.0.1/cb", "http://[::1]/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:3000/other"),
        ];
        for (registered, given) in other {
            assert!(!is_same(registered, given), "{registered} {given}");
        }
    }

    #[test]
    fn parameters_are_added_to_a_query_that_is_there() {
        let parameters = [("code", "a&b"), ("state", ""), ("iss", "http://x")];
        assert_eq!(with("https://a/cb", &parameters), "https://a/cb?code=a%26b&iss=http%3A%2F%2Fx");
        assert_eq!(with("https://a/cb?x=1", &parameters), "https://a/cb?x=1&code=a%26b&iss=http%3A%2F%2Fx");
        assert_eq!(with("https://a/cb?", &parameters), "https://a/cb?code=a%26b&iss=http%3A%2F%2Fx");
        assert_eq!(with("https://a/cb", &[("state", "")]), "https://a/cb");
    }
}
