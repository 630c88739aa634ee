//! Cookies of the pages.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use crate::config::Listener;

/// A cookie of ours. Browsers keep the cookies of all ports of a host together: the port is in its name, so that two
/// identity providers on one machine do not sign each other's users out.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cookie {
    /// Who is signed in.
    Session,
    /// Which browser a page was made for.
    Browser,
}

impl Cookie {
    /// Its value in a request. What cannot be ours is not taken.
    pub(crate) fn read(self, headers: &HeaderMap, listener: &Listener) -> Option<String> {
        let name = self.name(listener);
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let ours = |value: &str| value.len() == 40 && value.bytes().all(|byte| byte.is_ascii_alphanumeric());
        pairs.find(|(given, value)| *given == name && ours(value)).map(|(_, value)| value.to_owned())
    }

    /// `Set-Cookie`; an empty value takes it away.
    pub(crate) fn set(self, value: &str, listener: &Listener) -> HeaderValue {
        let name = self.name(listener);
        let secure = if listener.origin.starts_with("https:") { "; Secure" } else { "" };
        let end = if value.is_empty() { "; Max-Age=0" } else { "" };
        HeaderValue::try_from(format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{end}"))
            .expect("letters and digits are a header value")
    }

    fn name(self, listener: &Listener) -> String {
        let what = match self {
            Self::Session => "session",
            Self::Browser => "browser",
        };
        let port = listener.origin.rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
        port.map_or_else(|| format!("mock_idp_{what}"), |port| format!("mock_idp_{what}_{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_and_only_in_its_form() {
        let listener = Listener::new("x", "http://127.0.0.1:9000");
        let value = "a".repeat(40);
        let read = |line: &str| {
            let mut headers = HeaderMap::new();
            headers.append(COOKIE, HeaderValue::from_static("other=1"));
            headers.append(COOKIE, line.parse().expect("a header value"));
            Cookie::Session.read(&headers, &listener)
        };
        assert_eq!(read(&format!("x=y; mock_idp_session_9000={value}")), Some(value.clone()));
        assert_eq!(read(&format!("mock_idp_session_9001={value}")), None, "another port's");
        assert_eq!(read("mock_idp_session_9000=short"), None);
        let plain = Cookie::Session.set(&value, &listener);
        assert_eq!(plain, format!("mock_idp_session_9000={value}; Path=/; HttpOnly; SameSite=Lax").as_str());
        let secure = Cookie::Browser.set("", &Listener::new("x", "https://idp.example"));
        assert_eq!(secure, "mock_idp_browser=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0");
    }
}
