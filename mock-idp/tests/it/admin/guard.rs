//! Who may use the control.

use super::support::{Lab, config};

async fn status(lab: &Lab, headers: &[(&str, &str)]) -> u16 {
    let mut request = lab.request("GET", "/state");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn a_browser_with_another_sites_page_is_refused() {
    let lab = Lab::new().await;
    let own = format!("http://{}", lab.admin);
    for (headers, wanted) in [
        (&[][..], 200),
        (&[("origin", own.as_str())], 200),
        (&[("sec-fetch-site", "same-origin")], 200),
        (&[("sec-fetch-site", "none")], 200),
        (&[("host", "localhost:1")], 200),
        (&[("host", "[::1]:1")], 200),
        (&[("origin", "http://evil.example")], 403),
        (&[("origin", "http://127.0.0.1:1")], 403),
        (&[("origin", "null")], 403),
        (&[("sec-fetch-site", "cross-site")], 403),
        (&[("sec-fetch-site", "same-site")], 403),
        // A name that somebody has pointed at this machine.
        (&[("host", "evil.example")], 403),
        (&[("host", "127.0.0.1.evil.example")], 403),
        (&[("host", "localhost.evil.example:9")], 403),
    ] {
        assert_eq!(status(&lab, headers).await, wanted, "{headers:?}");
    }
}

#[tokio::test]
async fn with_a_token_nothing_goes_without_it() {
    let lab = Lab::with(config(), Some("control-token")).await;
    for path in ["", "/state", "/openapi.json", "/page.css", "/nothing"] {
        let refused = lab.request("GET", path).send().await.expect("an answer");
        assert_eq!(refused.status().as_u16(), 401, "{path}");
        assert!(refused.headers()["www-authenticate"].to_str().expect("text").starts_with("Bearer"));
    }
    // user:control-token, user:other, and what is no pair.
    for (sent, wanted) in [
        ("Bearer control-token", 200),
        ("bearer control-token", 200),
        ("Bearer control-toke", 401),
        ("Bearer control-token2", 401),
        ("Bearer ", 401),
        ("control-token", 401),
        ("Basic dXNlcjpjb250cm9sLXRva2Vu", 200),
        ("Basic dXNlcjpvdGhlcg==", 401),
        ("Basic !", 401),
    ] {
        assert_eq!(status(&lab, &[("authorization", sent)]).await, wanted, "{sent}");
    }
    let by_name = [("authorization", "Bearer control-token"), ("host", "idp.compose")];
    assert_eq!(status(&lab, &by_name).await, 200, "containers call it by name");
    let evil = [("authorization", "Basic dXNlcjpjb250cm9sLXRva2Vu"), ("sec-fetch-site", "cross-site")];
    assert_eq!(status(&lab, &evil).await, 403, "a browser that knows the password is no excuse");
}
