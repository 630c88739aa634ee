//! What refresh tokens are worth over time: idle and absolute lifetime, replacement, and what reuse costs (RFC 6749 §6,
//! RFC 9700 §4.14.2).

use std::time::Duration;

use mock_idp::{Client, Config, Reuse, Rotation, TokenFormat};

use crate::support::{Reply, Served, basic, encoded, serve};

const BACK: &str = "https://app.example/cb";

fn config() -> Config {
    let client = |id| Client::new(id, "secret").scopes(["orders.read"]).redirect_uris([BACK]);
    let clients = vec![client("worker"), client("other")];
    Config { clients, format: TokenFormat::Opaque, ..Config::default() }
}

fn rotating(reuse: Reuse) -> Config {
    Config { rotation: Rotation::On { reuse, grace: Duration::ZERO }, ..config() }
}

fn minted(served: &Served) -> String {
    let token = served.idp.mint_refresh_token("worker", "alice", &served.listener).expect("the client is known");
    token.value.expose().to_owned()
}

async fn refresh_as(served: &Served, client: &str, token: &str) -> Reply {
    let form = format!("grant_type=refresh_token&refresh_token={token}");
    served.post("/oauth2/token", &basic(client, "secret"), &form).await
}

async fn refresh(served: &Served, token: &str) -> Reply {
    refresh_as(served, "worker", token).await
}

/// Tokens of a user who signs in, and the cookies of the browser.
async fn sign_in(served: &Served, client: &str, cookies: &str) -> (Reply, String) {
    let asked = [("response_type", "code"), ("client_id", client), ("redirect_uri", BACK)];
    let path = format!("/oauth2/authorize?{}", encoded(&asked));
    let back = served.get_with(&path, &format!("Cookie: {cookies}\r\n")).await;
    let code = back.sent("code").expect("a code");
    let form = encoded(&[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", BACK)]);
    (served.post("/oauth2/token", &basic(client, "secret"), &form).await, back.cookies())
}

#[tokio::test]
async fn a_refresh_token_that_is_not_used_dies_and_each_use_counts_anew_up_to_its_lifetime() {
    for rotation in [Rotation::Off, Rotation::Fresh] {
        let served = serve(Config {
            rotation,
            refresh_token_lifetime: Duration::from_secs(250),
            refresh_token_idle_lifetime: Some(Duration::from_secs(100)),
            ..config()
        })
        .await;
        let (used, unused) = (minted(&served), minted(&served));
        served.idp.move_clock(90_000);
        assert_eq!(refresh(&served, &used).await.status, 200, "{rotation:?}");
        served.idp.move_clock(20_000);
        assert_eq!(refresh(&served, &unused).await.text("error"), "invalid_grant", "{rotation:?}: idle");
        served.idp.move_clock(70_000);
        assert_eq!(refresh(&served, &used).await.status, 200, "{rotation:?}: used 90 s ago");
        served.idp.move_clock(75_000);
        assert_eq!(refresh(&served, &used).await.text("error"), "invalid_grant", "{rotation:?}: 250 s are over");
    }
}

#[tokio::test]
async fn who_signed_in_is_known_as_long_as_the_token_can_be_used() {
    let idle = Some(Duration::from_secs(7_200));
    let mut config = Config { refresh_token_idle_lifetime: idle, ..config() };
    config.clients[0].scopes.push("openid".into());
    let served = serve(config).await;
    let token = sign_in(&served, "worker", "").await.0.text("refresh_token");
    for _ in 0..3 {
        served.idp.move_clock(7_000_000);
        assert!(refresh(&served, &token).await.field("id_token").is_string());
    }
}

#[tokio::test]
async fn a_replaced_token_gives_its_successor_a_time_of_its_own_but_for_the_absolute_end() {
    let served = serve(Config {
        refresh_token_idle_lifetime: Some(Duration::from_secs(100)),
        refresh_token_absolute_lifetime: Some(Duration::from_secs(200)),
        ..rotating(Reuse::RevokeFamily)
    })
    .await;
    let mut token = minted(&served);
    for _ in 0..2 {
        served.idp.move_clock(90_000);
        let reply = refresh(&served, &token).await;
        assert_eq!(reply.status, 200);
        token = reply.text("refresh_token");
    }
    let later = minted(&served);
    served.idp.move_clock(21_000);
    assert_eq!(refresh(&served, &token).await.text("error"), "invalid_grant", "200 s after the first");
    assert_eq!(refresh(&served, &later).await.status, 200, "another consent has its own end");
}

#[tokio::test]
async fn a_fresh_token_comes_with_each_use_and_all_stay_valid() {
    let served = serve(Config { rotation: Rotation::Fresh, ..config() }).await;
    let first = minted(&served);
    let second = refresh(&served, &first).await.text("refresh_token");
    assert!(!second.is_empty() && second != first);
    for token in [&first, &second, &first] {
        assert_eq!(refresh(&served, token).await.status, 200);
    }
}

#[tokio::test]
async fn reuse_costs_nothing_the_newest_the_family_or_the_login() {
    // What is still good afterwards: access and refresh token of the family, another consent of the login, another login.
    let cases = [
        (Reuse::Refuse, [true, true, true, true]),
        (Reuse::RevokeNewest, [true, false, true, true]),
        (Reuse::RevokeFamily, [false, false, true, true]),
        (Reuse::RevokeSession, [false, false, false, true]),
    ];
    for (reuse, expected) in cases {
        let served = serve(rotating(reuse)).await;
        let (first, cookies) = sign_in(&served, "worker", "").await;
        let (beside, _) = sign_in(&served, "other", &cookies).await;
        let (stranger, _) = sign_in(&served, "other", "").await;
        let second = refresh(&served, &first.text("refresh_token")).await;
        let reused = refresh(&served, &first.text("refresh_token")).await;
        assert_eq!((reused.status, reused.text("error").as_str()), (400, "invalid_grant"), "{reuse:?}");
        let live = served.is_active(&second.text("access_token")).await;
        let left = [
            live,
            refresh(&served, &second.text("refresh_token")).await.status == 200,
            refresh_as(&served, "other", &beside.text("refresh_token")).await.status == 200,
            refresh_as(&served, "other", &stranger.text("refresh_token")).await.status == 200,
        ];
        assert_eq!(left, expected, "{reuse:?}");
        let (_, set) = sign_in(&served, "worker", &cookies).await;
        assert_eq!(set.is_empty(), reuse != Reuse::RevokeSession, "{reuse:?}: whether the browser is signed in");
    }
}

#[tokio::test]
async fn without_a_login_the_session_is_the_family() {
    let served = serve(rotating(Reuse::RevokeSession)).await;
    let (first, other) = (minted(&served), minted(&served));
    let second = refresh(&served, &first).await.text("refresh_token");
    refresh(&served, &first).await;
    assert_eq!(refresh(&served, &second).await.text("error"), "invalid_grant");
    assert_eq!(refresh(&served, &other).await.status, 200);
}

#[tokio::test]
async fn rfc9700_4_14_2_a_public_clients_refresh_token_is_always_replaced() {
    for rotation in [Rotation::Off, Rotation::Fresh] {
        let clients = vec![Client::public("app").scopes(["orders.read"])];
        let served = serve(Config { clients, rotation, ..config() }).await;
        let first = served.idp.mint_refresh_token("app", "alice", &served.listener).expect("the client is known");
        let refresh = async |token: &str| {
            let form = format!("grant_type=refresh_token&client_id=app&refresh_token={token}");
            served.post("/oauth2/token", "", &form).await
        };
        let second = refresh(first.value.expose()).await.text("refresh_token");
        assert_eq!(refresh(first.value.expose()).await.text("error"), "invalid_grant", "{rotation:?}");
        assert_eq!(refresh(&second).await.text("error"), "invalid_grant", "{rotation:?}: reuse revokes the family");
    }
}
