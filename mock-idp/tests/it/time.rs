//! Expiry as time passes, a thief, and consent again: what a test does to the identity provider between requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use mock_idp::{AuthMethod, Client, Config, Death, Observer, Reuse, Rotation, TimeSource, TokenFormat, TokenKind};

use crate::support::deaths::Deaths;
use crate::support::{self, Served, serve};

struct Lab {
    served: Served,
    deaths: Arc<Deaths>,
    real: Arc<AtomicI64>,
}

async fn lab(rotation: Rotation, methods: &[AuthMethod]) -> Lab {
    let (deaths, real) = (Arc::new(Deaths::default()), Arc::new(AtomicI64::new(1_000_000_500)));
    let source = Arc::clone(&real);
    let mut worker = Client::new("worker", "secret: with & marks").scopes(["orders.read"]);
    worker.methods = methods.to_vec();
    let config = Config {
        clients: vec![worker],
        format: TokenFormat::Opaque,
        rotation,
        observer: Arc::clone(&deaths) as Arc<dyn Observer>,
        time: TimeSource::new(move || source.load(Ordering::Relaxed)),
        ..Config::default()
    };
    Lab { served: serve(config).await, deaths, real }
}

impl Lab {
    async fn post(&self, form: &str) -> support::Reply {
        let form = format!("{form}&client_id=worker&client_secret=secret%3A+with+%26+marks");
        self.served.post("/oauth2/token", "", &form).await
    }

    fn first_refresh_token(&self) -> String {
        let minted = self.served.idp.mint_refresh_token("worker", "alice", &self.served.listener);
        minted.expect("the client is known").value.expose().to_owned()
    }

    async fn refresh(&self, token: &str) -> support::Reply {
        self.post(&format!("grant_type=refresh_token&refresh_token={token}")).await
    }
}

const POST: &[AuthMethod] = &[AuthMethod::Post];
const GRANT: &str = "grant_type=client_credentials";

fn rotating(grace: Duration) -> Rotation {
    Rotation::On { reuse: Reuse::RevokeFamily, grace }
}

#[tokio::test]
async fn expiry_by_real_time_is_told_once_and_when_it_is_due() {
    let lab = lab(Rotation::Off, POST).await;
    let idp = &lab.served.idp;
    assert_eq!(idp.next_expiry(), None);
    idp.set_access_token_lifetime(Duration::from_secs(20), None);
    lab.post(GRANT).await;
    idp.set_access_token_lifetime(Duration::from_secs(10), None);
    lab.post(GRANT).await;
    let (next, at_ms) = idp.next_expiry().expect("two are alive");
    // `exp` counts from the whole second before.
    assert_eq!((next.0, at_ms), (2, 1_000_010_000));
    assert_eq!(idp.clock().until(at_ms), Some(Duration::from_millis(9_500)));
    lab.real.fetch_add(9_499, Ordering::Relaxed);
    idp.expire_due();
    assert_eq!(lab.deaths.taken(), []);
    lab.real.fetch_add(1, Ordering::Relaxed);
    idp.expire_due();
    idp.expire_due();
    assert_eq!(lab.deaths.taken(), [(2, Death::Expired)]);
    assert_eq!(idp.next_expiry().expect("one is alive").0.0, 1);
    lab.real.fetch_add(60_000, Ordering::Relaxed);
    lab.post(GRANT).await;
    assert_eq!(lab.deaths.taken(), [(1, Death::Expired)], "a request tells it too");
}

#[tokio::test]
async fn a_revoked_token_does_not_expire() {
    let lab = lab(Rotation::Off, POST).await;
    lab.post(GRANT).await;
    lab.served.idp.revoke(&mock_idp::Which::All(TokenKind::Access), "a test");
    assert_eq!(lab.served.idp.next_expiry(), None);
    lab.served.idp.move_clock(1_000_000);
    assert_eq!(lab.deaths.taken(), [(1, Death::Revoked("a test".into()))]);
}

#[tokio::test]
async fn a_drifting_clock_ends_tokens_early() {
    let lab = lab(Rotation::Off, POST).await;
    let token = lab.post(GRANT).await.text("access_token");
    lab.served.idp.clock().drift(9_000);
    lab.real.fetch_add(29_949, Ordering::Relaxed);
    let alive = || {
        lab.served.idp.expire_due();
        lab.deaths.taken().is_empty()
    };
    assert!(alive(), "299.99 of 300 s by its clock");
    lab.real.fetch_add(1, Ordering::Relaxed);
    assert!(!alive() && lab.served.idp.facts(&token).is_some());
}

#[tokio::test]
async fn a_thief_presents_the_last_rotated_token_and_the_family_dies() {
    for methods in [POST, &[AuthMethod::Basic, AuthMethod::Post], &[AuthMethod::Basic]] {
        let lab = lab(rotating(Duration::ZERO), methods).await;
        let idp = &lab.served.idp;
        assert!(idp.reuse_rotated(None).is_none(), "nothing was rotated yet");
        let first = lab.first_refresh_token();
        let id = idp.facts(&first).expect("ours").id;
        let form = format!("grant_type=refresh_token&refresh_token={first}");
        let reply = if methods.contains(&AuthMethod::Post) {
            lab.post(&form).await
        } else {
            let header = support::basic("worker", "secret%3A+with+%26+marks");
            lab.served.post("/oauth2/token", &header, &form).await
        };
        assert_eq!(reply.status, 200);
        assert_eq!(idp.last_rotated(Some("worker")).map(|token| token.id), Some(id));
        assert!(idp.reuse_rotated(Some("nobody")).is_none());
        lab.deaths.taken();

        let stolen = idp.reuse_rotated(Some("worker")).expect("one was rotated");
        assert_eq!(stolen.token.value.expose(), first);
        assert_eq!((stolen.error.as_deref(), stolen.issued.len()), (Some("invalid_grant"), 0));
        let died = lab.deaths.taken();
        assert_eq!(died.len(), 2, "its access token and its successor: {died:?}");
        assert!(died.iter().all(|(_, death)| matches!(death, Death::Revoked(why) if why.contains("reuse"))));
        assert!(idp.reuse_rotated(None).is_none(), "revoked, it is no longer a rotated one");
    }
}

#[tokio::test]
async fn within_the_grace_a_thief_gets_tokens() {
    let lab = lab(rotating(Duration::from_secs(30)), POST).await;
    lab.refresh(&lab.first_refresh_token()).await;
    let stolen = lab.served.idp.reuse_rotated(None).expect("one was rotated");
    assert_eq!((stolen.error, stolen.issued.len()), (None, 2));
}

#[tokio::test]
async fn consent_again_serves_the_client_with_a_new_refresh_token() {
    let lab = lab(rotating(Duration::ZERO), POST).await;
    let idp = &lab.served.idp;
    assert!(idp.consent("worker").is_none(), "it never had one");
    let first = lab.first_refresh_token();
    idp.disable_client("worker");
    assert_eq!(lab.refresh(&first).await.text("error"), "invalid_client");
    let again = idp.consent("worker").expect("it had one");
    assert_eq!((again.subject.as_str(), again.scopes.as_slice()), ("alice", &["orders.read".to_owned()][..]));
    assert_eq!(lab.refresh(&first).await.text("error"), "invalid_grant", "what died stays dead");
    assert_eq!(lab.refresh(again.value.expose()).await.status, 200);
}
