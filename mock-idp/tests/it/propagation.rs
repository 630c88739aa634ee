//! Changes that take effect later than they are made.

use std::sync::Arc;
use std::time::Duration;

use mock_idp::{Client, Config, Death, Observer, Propagation, Reuse, Rotation, Secret, TimeSource, TokenFormat, Which};

use crate::support::deaths::Deaths;
use crate::support::{Served, basic, serve};

const GRANT: &str = "grant_type=client_credentials";
const LATE: Duration = Duration::from_secs(10);

async fn lab(propagation: Propagation) -> (Served, Arc<Deaths>) {
    let deaths = Arc::new(Deaths::default());
    let config = Config {
        clients: vec![Client::new("worker", "secret")],
        format: TokenFormat::Opaque,
        time: TimeSource::new(|| 1_000_000_000),
        rotation: Rotation::On { reuse: Reuse::RevokeFamily, grace: Duration::ZERO },
        observer: Arc::clone(&deaths) as Arc<dyn Observer>,
        ..Config::default()
    };
    let served = serve(config).await;
    served.idp.set_propagation(propagation);
    (served, deaths)
}

fn revocations() -> Propagation {
    Propagation { revocation: LATE, ..Propagation::default() }
}

async fn revoke(served: &Served, token: &str) {
    let reply = served.post("/oauth2/revoke", &basic("worker", "secret"), &format!("token={token}")).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn a_token_that_its_client_revokes_lives_until_the_revocation_takes_effect() {
    let (served, deaths) = lab(revocations()).await;
    let token = served.token(GRANT).await.text("access_token");
    revoke(&served, &token).await;
    served.idp.clock().advance(LATE - Duration::from_millis(1));
    assert!(served.is_active(&token).await);
    served.idp.clock().advance(Duration::from_millis(1));
    assert!(!served.is_active(&token).await);
    assert_eq!(deaths.taken(), [(1, Death::Revoked("the client revoked it".into()))]);
}

#[tokio::test]
async fn the_family_of_a_refresh_token_is_revoked_late_with_what_came_of_it_meanwhile() {
    let (served, _) = lab(revocations()).await;
    let first = served.idp.mint_refresh_token("worker", "alice", &served.listener).expect("known").value;
    revoke(&served, first.expose()).await;
    let refreshed = served.token(&format!("grant_type=refresh_token&refresh_token={}", first.expose())).await;
    let (access, second) = (refreshed.text("access_token"), refreshed.text("refresh_token"));
    assert!(served.is_active(&access).await && served.is_active(&second).await);
    served.idp.clock().advance(LATE);
    assert!(!served.is_active(&access).await && !served.is_active(&second).await);
}

#[tokio::test]
async fn reuse_detection_strikes_at_once() {
    let (served, _) = lab(revocations()).await;
    let first = served.idp.mint_refresh_token("worker", "alice", &served.listener).expect("known").value;
    let form = format!("grant_type=refresh_token&refresh_token={}", first.expose());
    let second = served.token(&form).await.text("refresh_token");
    assert_eq!(served.token(&form).await.status, 400);
    assert!(!served.is_active(&second).await);
}

#[tokio::test]
async fn a_revocation_means_the_tokens_of_when_it_was_made() {
    let (served, _) = lab(revocations()).await;
    let before = served.token(GRANT).await.text("access_token");
    served.idp.revoke(&Which::Client("worker".into()), "an administrator revoked it");
    let after = served.token(GRANT).await.text("access_token");
    served.idp.clock().advance(LATE);
    assert!(!served.is_active(&before).await && served.is_active(&after).await);
}

#[tokio::test]
async fn what_time_brings_is_told_in_its_order() {
    let (served, deaths) = lab(Propagation { revocation: Duration::from_secs(200), ..Propagation::default() }).await;
    served.token(GRANT).await;
    served.idp.clock().advance(Duration::from_secs(150));
    served.token(GRANT).await;
    served.idp.revoke(&Which::Client("worker".into()), "late");
    // The first expires after 300 s, the revocation takes effect after 350 s, the second would expire after 450 s.
    served.idp.clock().advance(Duration::from_secs(900));
    served.idp.expire_due();
    let told = [(1, Death::Expired), (2, Death::Revoked("late".into()))];
    assert_eq!(deaths.taken(), told);
}

#[tokio::test]
async fn a_change_keeps_the_time_of_when_it_was_made() {
    let (served, _) = lab(Propagation { secret: LATE, ..Propagation::default() }).await;
    served.idp.rotate_secret("worker", Secret::new("late"));
    served.idp.set_propagation(Propagation::default());
    assert_eq!(served.token(GRANT).await.status, 200, "the old secret");
    served.idp.clock().advance(LATE);
    assert_eq!(served.token(GRANT).await.status, 401);
    served.idp.rotate_secret("worker", Secret::new("secret"));
    assert_eq!(served.token(GRANT).await.status, 200, "at once");
}

#[tokio::test]
async fn a_client_that_is_known_is_not_registered_again() {
    let (served, _) = lab(Propagation::default()).await;
    assert!(!served.idp.add_client(Client::new("worker", "another")));
    assert_eq!(served.token(GRANT).await.status, 200, "it stays as it is");
    assert!(served.idp.add_client(Client::new("new", "other")));
    assert_eq!(served.post("/oauth2/token", &basic("new", "other"), GRANT).await.status, 200);
}
