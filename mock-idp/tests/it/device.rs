//! The device authorization grant (RFC 8628), on the wire.

use mock_idp::{Client, Config, GrantType, LoginMode, LoginSettings, TokenFormat, User};

use crate::support::{Reply, Served, basic, encoded, serve};

fn config() -> Config {
    let mut tv = Client::public("tv").scopes(["openid", "films"]);
    tv.grants = vec![GrantType::DeviceCode, GrantType::RefreshToken];
    let mut box_ = Client::new("box", "secret").scopes(["films"]);
    box_.grants = vec![GrantType::DeviceCode];
    let none = Client::public("none").scopes(["films"]);
    let users = vec![User::new("alice"), User::new("bob").password("right")];
    Config { clients: vec![tv, box_, none], users, format: TokenFormat::Opaque, ..Config::default() }
}

fn with_page() -> Config {
    Config { login: LoginSettings { mode: LoginMode::Page, ..LoginSettings::default() }, ..config() }
}

async fn ask(served: &Served, form: &str) -> Reply {
    served.post("/oauth2/device_authorization", "", form).await
}

async fn poll(served: &Served, code: &str) -> Reply {
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let form = encoded(&[("grant_type", grant), ("device_code", code), ("client_id", "tv")]);
    served.post("/oauth2/token", "", &form).await
}

#[tokio::test]
async fn rfc8628_3_2_a_device_is_told_its_codes_and_where_to_go() {
    let served = serve(config()).await;
    let asked = ask(&served, "client_id=tv&scope=films").await;
    assert_eq!((asked.status, asked.header("cache-control")), (200, Some("no-store")));
    let page = format!("{}/oauth2/device", served.listener.origin);
    assert_eq!((asked.text("verification_uri"), asked.field("expires_in")), (page.clone(), 600.into()));
    assert_eq!(asked.field("interval"), 5);
    let code = asked.text("user_code");
    assert_eq!(asked.text("verification_uri_complete"), format!("{page}?user_code={code}"));
    let letters = code.replace('-', "");
    assert!(
        letters.len() == 8 && letters.chars().all(|letter| "BCDFGHJKLMNPQRSTVWXZ".contains(letter)),
        "{code}: §6.1"
    );
    assert_ne!(ask(&served, "client_id=tv").await.text("user_code"), code);
    let page = served.get(&format!("/oauth2/device?user_code={code}")).await;
    assert!(page.status == 200 && page.body.contains(&format!(r#"value="{code}""#)), "{page:?}");
}

#[tokio::test]
async fn rfc8628_3_1_each_refusal_of_a_device_has_its_code() {
    let served = serve(config()).await;
    for (headers, form, status, error) in [
        ("", "scope=films", 401, "invalid_client"),
        ("", "client_id=nobody", 401, "invalid_client"),
        ("", "client_id=box", 401, "invalid_client"),
        ("", "client_id=none", 400, "unauthorized_client"),
        ("", "client_id=tv&scope=admin", 400, "invalid_scope"),
        ("", "client_id=tv&scope=films&scope=films", 400, "invalid_request"),
        (basic("box", "wrong").as_str(), "scope=films", 401, "invalid_client"),
    ] {
        let reply = served.post("/oauth2/device_authorization", headers, form).await;
        assert_eq!((reply.status, reply.text("error").as_str()), (status, error), "{form}");
    }
    let confidential = served.post("/oauth2/device_authorization", &basic("box", "secret"), "").await;
    assert_eq!(confidential.status, 200);
    assert_eq!(served.get("/oauth2/device_authorization").await.status, 405);
    assert_eq!(poll(&served, "unknown").await.text("error"), "invalid_grant");
    let foreign = poll(&served, &confidential.text("device_code")).await;
    assert_eq!(foreign.text("error"), "invalid_grant", "another client's");
}

#[tokio::test]
async fn rfc8628_3_5_a_device_waits_slows_down_and_gets_its_tokens_once() {
    let served = serve(config()).await;
    let asked = ask(&served, "client_id=tv").await;
    let code = asked.text("device_code");
    let error = async || poll(&served, &code).await.text("error");
    assert_eq!(error().await, "authorization_pending");
    served.idp.move_clock(4_000);
    assert_eq!(error().await, "slow_down", "before 5 s have passed");
    served.idp.move_clock(9_000);
    assert_eq!(error().await, "slow_down", "the interval is 10 s now");
    served.idp.move_clock(15_000);
    assert_eq!(error().await, "authorization_pending", "and 15 s after the second time");
    assert!(!served.idp.approve_device("BBBB-BBBB", "bob"));
    assert!(served.idp.approve_device(&asked.text("user_code"), "bob"));
    assert!(!served.idp.approve_device(&asked.text("user_code"), "bob"), "it waits no more");
    let granted = poll(&served, &code).await;
    assert_eq!((granted.status, granted.text("scope").as_str()), (200, "openid films"));
    assert_eq!(served.idp.facts(&granted.text("access_token")).expect("ours").subject, "bob");
    assert!(granted.field("id_token").is_string() && granted.field("refresh_token").is_string());
    assert_eq!(error().await, "invalid_grant", "given once");
}

#[tokio::test]
async fn rfc8628_3_5_a_device_that_is_refused_or_late_is_told_so() {
    let served = serve(config()).await;
    let (refused, late) = (ask(&served, "client_id=tv").await, ask(&served, "client_id=tv").await);
    assert!(served.idp.deny_device(&refused.text("user_code")));
    let reply = poll(&served, &refused.text("device_code")).await;
    assert_eq!((reply.status, reply.text("error").as_str()), (400, "access_denied"));
    served.idp.move_clock(600_000);
    assert_eq!(poll(&served, &late.text("device_code")).await.text("error"), "expired_token");
    assert!(!served.idp.approve_device(&late.text("user_code"), "bob"), "its time is over");
}

#[tokio::test]
async fn a_code_that_is_entered_approves_at_once_where_nobody_is_asked() {
    let served = serve(config()).await;
    let asked = ask(&served, "client_id=tv").await;
    // RFC 8628 §6.1: lower case and separators do not matter.
    let typed = asked.text("user_code").to_lowercase().replace('-', " ");
    let page = served.post("/oauth2/device", "", &encoded(&[("user_code", &typed)])).await;
    assert!(page.status == 200 && page.body.contains("connected"), "{page:?}");
    let granted = poll(&served, &asked.text("device_code")).await;
    assert_eq!(served.idp.facts(&granted.text("access_token")).expect("ours").subject, "alice");
}

#[tokio::test]
async fn rfc8628_3_3_the_page_signs_in_shows_the_code_and_takes_the_users_word() {
    let served = serve(with_page()).await;
    for (word, error) in [("allow", ""), ("deny", "access_denied")] {
        let asked = ask(&served, "client_id=tv").await;
        let code = asked.text("user_code");
        let login = served.post("/oauth2/device", "", &encoded(&[("user_code", &code)])).await;
        assert!(login.body.contains("Password"), "{login:?}");
        let browser = format!("Cookie: {}\r\n", login.cookies());
        let enter = |page: &Reply, more: &[(&str, &str)]| {
            let key = page.interaction();
            encoded(&[&[("interaction", key.as_str())], more].concat())
        };
        let password = [("action", "login"), ("username", "bob"), ("password", "right")];
        let ask_page = served.post("/oauth2/interaction", &browser, &enter(&login, &password)).await;
        assert!(ask_page.body.contains(&code) && ask_page.body.contains("films"), "{ask_page:?}");
        assert_eq!(poll(&served, &asked.text("device_code")).await.text("error"), "authorization_pending");
        let done = served.post("/oauth2/interaction", &browser, &enter(&ask_page, &[("action", word)])).await;
        assert_eq!(done.status, 200);
        let reply = poll(&served, &asked.text("device_code")).await;
        assert_eq!(reply.text("error"), error);
        assert_eq!(reply.field("access_token").is_string(), error.is_empty());
    }
}

#[tokio::test]
async fn rfc8628_5_1_wrong_codes_are_taken_ten_times_a_minute() {
    let served = serve(with_page()).await;
    let code = ask(&served, "client_id=tv").await.text("user_code");
    let enter = async |code: &str| served.post("/oauth2/device", "", &encoded(&[("user_code", code)])).await;
    for _ in 0..10 {
        assert_eq!(enter("BBBB-BBBB").await.status, 400);
    }
    let limited = enter(&code).await;
    assert_eq!(limited.status, 429, "not even the right one");
    assert!(limited.header("retry-after").is_some_and(|wait| wait == "60" || wait == "59"), "{limited:?}");
    served.idp.move_clock(60_000);
    assert_eq!(enter(&code).await.status, 200);
}
