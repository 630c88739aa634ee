//! The login and consent page, as a browser would send its forms.

use mock_idp::{Client, Config, LoginMode, LoginSettings, TokenFormat, User};

use crate::support::{Reply, Served, basic, encoded, serve};

const ASKED: &str = "/oauth2/authorize?response_type=code&client_id=web&state=s\
    &redirect_uri=https%3A%2F%2Fapp.example%2Fcb&scope=openid";

fn config() -> Config {
    let web = Client::new("web", "secret").scopes(["openid", "orders.read"]).redirect_uris(["https://app.example/cb"]);
    let users = vec![User::new("alice").email("a@example.com").password("right"), User::new("bob")];
    let login = LoginSettings { mode: LoginMode::Page, ..LoginSettings::default() };
    Config { clients: vec![web], users, login, format: TokenFormat::Opaque, ..Config::default() }
}

/// A browser with its cookies.
struct Browser<'a> {
    served: &'a Served,
    cookies: Vec<(String, String)>,
}

impl<'a> Browser<'a> {
    fn new(served: &'a Served) -> Self {
        Self { served, cookies: Vec::new() }
    }

    fn header(&self) -> String {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("Cookie: {}\r\n", pairs.join("; "))
    }

    fn taken(&mut self, reply: Reply) -> Reply {
        for (name, value) in reply.cookies().split("; ").filter_map(|pair| pair.split_once('=')) {
            self.cookies.retain(|(given, _)| given != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        reply
    }

    async fn get(&mut self, path: &str) -> Reply {
        let reply = self.served.get_with(path, &self.header()).await;
        self.taken(reply)
    }

    async fn send(&mut self, page: &Reply, fields: &[(&str, &str)]) -> Reply {
        let key = page.interaction();
        let form = encoded(&[&[("interaction", key.as_str())], fields].concat());
        let reply = self.served.post("/oauth2/interaction", &self.header(), &form).await;
        self.taken(reply)
    }

    async fn sign_in(&mut self, page: &Reply, name: &str, password: &str) -> Reply {
        self.send(page, &[("action", "login"), ("username", name), ("password", password)]).await
    }
}

fn asks_for_password(page: &Reply) -> bool {
    page.status == 200 && page.body.contains(r#"type="password""#)
}

fn asks_for_consent(page: &Reply) -> bool {
    page.status == 200 && page.body.contains(r#"value="allow""#)
}

#[tokio::test]
async fn a_user_signs_in_consents_and_is_asked_neither_again() {
    let served = serve(config()).await;
    let mut browser = Browser::new(&served);
    let login = browser.get(ASKED).await;
    assert!(asks_for_password(&login) && login.header("location").is_none(), "{login:?}");
    let consent = browser.sign_in(&login, "a@example.com", "right").await;
    assert!(asks_for_consent(&consent) && consent.body.contains("alice"), "{consent:?}");
    let back = browser.send(&consent, &[("action", "allow")]).await;
    assert_eq!((back.status, back.sent("state").as_deref()), (303, Some("s")));
    let form = encoded(&[
        ("grant_type", "authorization_code"),
        ("code", &back.sent("code").expect("a code")),
        ("redirect_uri", "https://app.example/cb"),
    ]);
    let granted = served.post("/oauth2/token", &basic("web", "secret"), &form).await;
    assert_eq!(served.idp.facts(&granted.text("access_token")).expect("ours").subject, "alice");
    assert!(browser.get(ASKED).await.sent("code").is_some(), "signed in, and allowed before");
    let more = browser.get(&format!("{ASKED}+orders.read")).await;
    assert!(asks_for_consent(&more) && more.body.contains("orders.read"), "a scope that was not allowed before");
    assert!(asks_for_password(&Browser::new(&served).get(ASKED).await), "another browser is nobody's");
}

#[tokio::test]
async fn a_user_who_says_no_gets_access_denied_back_to_the_client() {
    let served = serve(config()).await;
    let mut browser = Browser::new(&served);
    let login = browser.get(ASKED).await;
    let left = browser.send(&login, &[("action", "deny")]).await;
    assert_eq!((left.sent("error").as_deref(), left.sent("state").as_deref()), (Some("access_denied"), Some("s")));
    let login = browser.get(ASKED).await;
    let consent = browser.sign_in(&login, "bob", "").await;
    assert!(asks_for_consent(&consent), "Bob has no password: {consent:?}");
    assert_eq!(browser.send(&consent, &[("action", "deny")]).await.sent("error").as_deref(), Some("access_denied"));
    assert!(asks_for_consent(&browser.get(ASKED).await), "a no is not remembered");
}

#[tokio::test]
async fn wrong_names_and_passwords_look_alike_and_five_are_enough() {
    let served = serve(config()).await;
    let mut browser = Browser::new(&served);
    let mut page = browser.get(ASKED).await;
    let shown = |page: &Reply| page.body.replace(&page.interaction(), "");
    let mut pages = Vec::new();
    for (name, password) in [("alice", "wrong"), ("alice", ""), ("nobody", "right"), ("", "")] {
        page = browser.sign_in(&page, name, password).await;
        assert!(asks_for_password(&page) && page.body.contains("Name or password is wrong."), "{page:?}");
        pages.push(shown(&page));
    }
    pages.dedup();
    assert_eq!(pages.len(), 1);
    assert_eq!(browser.cookies.len(), 1, "nobody is signed in: {:?}", browser.cookies);
    let over = browser.sign_in(&page, "alice", "wrong").await;
    assert_eq!(over.sent("error").as_deref(), Some("access_denied"));
}

#[tokio::test]
async fn rfc6749_10_12_a_form_is_good_once_and_for_its_own_browser_only() {
    let served = serve(config()).await;
    let mut alice = Browser::new(&served);
    let login = alice.get(ASKED).await;
    let consent = alice.sign_in(&login, "alice", "right").await;
    let mut other = Browser::new(&served);
    other.get(ASKED).await;
    for browser in [&mut other, &mut Browser::new(&served)] {
        let reply = browser.send(&consent, &[("action", "allow")]).await;
        assert_eq!((reply.status, reply.header("location")), (400, None), "{reply:?}");
    }
    assert_eq!(alice.sign_in(&login, "alice", "right").await.status, 400, "that form was sent before");
    for wrong in ["", "&interaction=x", "&action=allow", "&interaction=x&interaction=y"] {
        let reply = served.post("/oauth2/interaction", &alice.header(), &format!("x=y{wrong}")).await;
        assert_eq!(reply.status, 400, "{wrong}");
    }
    assert!(alice.send(&consent, &[("action", "allow")]).await.sent("code").is_some(), "none of these spent it");
    let late = alice.get(&format!("{ASKED}&prompt=consent")).await;
    served.idp.move_clock(15 * 60_000);
    assert_eq!(alice.send(&late, &[("action", "allow")]).await.status, 400, "it is too old");
}

#[tokio::test]
async fn nobody_allows_anything_before_signing_in() {
    let served = serve(config()).await;
    let mut browser = Browser::new(&served);
    let login = browser.get(ASKED).await;
    let reply = browser.send(&login, &[("action", "allow")]).await;
    assert!(asks_for_password(&reply), "{reply:?}");
    // Signed in before, but asked to sign in again.
    let consent = browser.sign_in(&reply, "alice", "right").await;
    browser.send(&consent, &[("action", "allow")]).await;
    let again = browser.get(&format!("{ASKED}&prompt=login")).await;
    assert!(asks_for_password(&again));
    assert!(asks_for_password(&browser.send(&again, &[("action", "allow")]).await));
}

#[tokio::test]
async fn a_login_gets_a_cookie_of_its_own_and_the_one_before_is_worth_nothing() {
    let served = serve(config()).await;
    let mut browser = Browser::new(&served);
    let login = browser.get(ASKED).await;
    let consent = browser.sign_in(&login, "alice", "right").await;
    assert!(consent.head.contains("HttpOnly; SameSite=Lax"), "{}", consent.head);
    browser.send(&consent, &[("action", "allow")]).await;
    let before = browser.header();
    let login = browser.get(&format!("{ASKED}&prompt=login")).await;
    browser.sign_in(&login, "alice", "right").await;
    assert_ne!(browser.header(), before);
    assert!(asks_for_password(&served.get_with(ASKED, &before).await));
    assert!(browser.get(ASKED).await.sent("code").is_some());
}

#[tokio::test]
async fn openid_connect_3_1_2_1_prompt_and_max_age_say_who_is_asked() {
    let served = serve(config()).await;
    let mut browser = Browser::new(&served);
    let error = |reply: Reply| reply.sent("error").unwrap_or_default();
    assert_eq!(error(browser.get(&format!("{ASKED}&prompt=none")).await), "login_required");
    let login = browser.get(ASKED).await;
    let consent = browser.sign_in(&login, "alice", "right").await;
    assert_eq!(error(browser.get(&format!("{ASKED}&prompt=none")).await), "consent_required");
    browser.send(&consent, &[("action", "allow")]).await;
    assert!(browser.get(&format!("{ASKED}&prompt=none")).await.sent("code").is_some());
    served.idp.move_clock(10_000);
    assert!(browser.get(&format!("{ASKED}&max_age=15")).await.sent("code").is_some());
    for (parameters, password) in [
        ("prompt=login", true),
        ("prompt=select_account", true),
        ("prompt=consent", false),
        ("max_age=5", true),
        ("max_age=0", true),
        ("login_hint=bob", true),
    ] {
        let page = browser.get(&format!("{ASKED}&{parameters}")).await;
        assert_eq!((asks_for_password(&page), asks_for_consent(&page)), (password, !password), "{parameters}");
    }
    assert_eq!(error(browser.get(&format!("{ASKED}&max_age=5&prompt=none")).await), "login_required");
    assert_eq!(error(browser.get(&format!("{ASKED}&login_hint=bob&prompt=none")).await), "login_required");
    assert!(browser.get(&format!("{ASKED}&login_hint=a%40example.com")).await.sent("code").is_some());
    assert!(browser.get(&format!("{ASKED}&login_hint=bob")).await.body.contains(r#"value="bob""#));
}

#[tokio::test]
async fn pages_escape_what_they_are_given_and_allow_no_script_and_no_frame() {
    let mut config = config();
    config.clients[0].id = "<script>web".into();
    config.clients[0].scopes.push("<b>x</b>".into());
    let served = serve(config).await;
    let mut browser = Browser::new(&served);
    let asked =
        ASKED.replace("client_id=web", "client_id=%3Cscript%3Eweb").replace("scope=openid", "scope=%3Cb%3Ex%3C%2Fb%3E");
    let login = browser.get(&format!("{asked}&login_hint=%22%3E%3Cscript%3E")).await;
    let consent = browser.sign_in(&login, "alice", "right").await;
    assert!(asks_for_consent(&consent), "{consent:?}");
    let device = browser.get("/oauth2/device?user_code=%22%3E%3Cscript%3E").await;
    let error = browser.get("/oauth2/authorize?client_id=%3Cscript%3E").await;
    for page in [&login, &consent, &device, &error] {
        assert!(!page.body.contains("<script") && !page.body.contains("<b>x"), "{}", page.body);
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"), "{policy}");
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert!(page.body.contains(r#"<html lang="en">"#));
    }
    // After the form the browser is sent to the client, which the policy must allow.
    let policy = login.header("content-security-policy").expect("a policy");
    assert!(policy.ends_with("form-action 'self' https://app.example"), "{policy}");
}
