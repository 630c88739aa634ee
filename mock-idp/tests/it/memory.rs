//! What is kept of tokens makes no difference to what is true of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mock_idp::{
    Algorithm, Client, Config, Death, Dialect, Endpoint, Idp, Memory, Reuse, Rotation, TimeSource, TokenFormat,
    TokenKind, Which,
};
use proptest::prelude::*;

use crate::support::{Served, basic, serve, serve_idp};

const ES256: TokenFormat = TokenFormat::Jwt(Algorithm::Es256);

fn config(memory: Memory, format: TokenFormat) -> Config {
    let clients = ["worker", "other"].map(|id| Client { resource_server: true, ..Client::new(id, "secret") });
    Config { clients: clients.into(), memory, format, ..Config::default() }
}

async fn grant(served: &Served) -> String {
    served.token("grant_type=client_credentials").await.text("access_token")
}

#[tokio::test]
async fn nothing_is_kept_of_a_jwt_until_it_is_presented() {
    let served = serve(Config { records: 0, ..config(Memory::Needed, ES256) }).await;
    let (token, other) = (grant(&served).await, grant(&served).await);
    assert!(served.idp.tokens().is_empty());
    assert!(served.is_active(&token).await && served.is_active(&token).await);
    assert_eq!(served.idp.tokens().len(), 1, "the one that was presented");
    let (facts, others) = (served.idp.facts(&token).expect("known"), served.idp.facts(&other).expect("known"));
    assert_eq!((facts.client.as_str(), facts.subject.as_str()), ("worker", "worker"));
    assert_eq!((facts.issuer, facts.value.expose()), (served.idp.issuer(&served.listener), token.as_str()));
    assert_eq!((others.id.0, others.kind, others.death), (2, TokenKind::Access, None));
}

#[tokio::test]
async fn the_newest_jwts_are_listed_and_can_be_named_by_number() {
    let served = serve(Config { records: 2, ..config(Memory::Needed, ES256) }).await;
    let tokens = [grant(&served).await, grant(&served).await, grant(&served).await];
    let listed = || served.idp.tokens().iter().map(|token| token.id.0).collect::<Vec<_>>();
    assert_eq!(listed(), [2, 3]);
    assert!(served.is_active(&tokens[0]).await && served.is_active(&tokens[2]).await);
    assert_eq!(listed(), [1, 2, 3], "each once");
    served.idp.revoke(&Which::Newest(TokenKind::Access), "a test");
    served.idp.revoke(&Which::Newest(TokenKind::Access), "a test");
    assert!(!served.is_active(&tokens[2]).await && !served.is_active(&tokens[1]).await);
    served.idp.expire(mock_idp::TokenId(1));
    assert!(!served.is_active(&tokens[0]).await);
}

#[tokio::test]
async fn only_a_jwt_that_was_issued_here_is_live() {
    let served = serve(config(Memory::Needed, ES256)).await;
    let token = grant(&served).await;
    // The same key in the same process, and the same address.
    let foreign = Idp::new(config(Memory::Needed, ES256));
    let foreign = serve_idp(foreign, "w2").await;
    let same_origin = foreign.idp.clone();
    assert!(!foreign.is_active(&token).await && foreign.is_active(&grant(&foreign).await).await);
    assert!(same_origin.facts(&token).is_none());
    let twin = Idp::new(config(Memory::Needed, ES256));
    twin.mint_refresh_token("worker", "worker", &served.listener).expect("registered");
    assert!(twin.facts(&token).is_none(), "it has issued a first token at this address, but not this one");
    // Claims that say more than was signed.
    let parts: Vec<&str> = token.split('.').collect();
    let claims = URL_SAFE_NO_PAD.decode(parts[1]).expect("base64");
    let claims = String::from_utf8(claims).expect("text").replace("\"api\"", "\"all\"");
    let forged = [parts[0], &URL_SAFE_NO_PAD.encode(claims), parts[2]].join(".");
    let header = URL_SAFE_NO_PAD.encode(r#"{"typ":"at+jwt","alg":"none","kid":"es256-1"}"#);
    let unsigned = format!("{header}.{}.", parts[1]);
    for bad in [forged.as_str(), unsigned.as_str(), "a.b.c", "..", ""] {
        assert!(served.idp.facts(bad).is_none(), "{bad}");
    }
    assert!(served.is_active(&token).await);
}

#[tokio::test]
async fn a_jwt_is_known_in_every_dialect_with_or_without_jti() {
    let mut seen = Vec::new();
    for dialect in Dialect::ALL.iter().copied() {
        let clients = config(Memory::Needed, ES256).clients;
        let served = serve(Config { clients, memory: Memory::Needed, format: ES256, ..Config::of(dialect) }).await;
        let url = served.idp.url(Endpoint::Token, &served.listener).expect("each has one");
        let path = url.strip_prefix(&served.listener.origin).expect("under the origin");
        let audience = match dialect {
            Dialect::Entra => "&scope=api/.default",
            Dialect::Auth0 => "&audience=api",
            _ => "",
        };
        let form = format!("grant_type=client_credentials{audience}");
        let token = served.post(path, &basic("worker", "secret"), &form).await.text("access_token");
        if !token.is_empty() {
            let facts = served.idp.facts(&token).unwrap_or_else(|| panic!("{dialect} does not know its own token"));
            served.idp.revoke(&Which::Token(facts.id), "a test");
            assert!(served.idp.facts(&token).is_some_and(|facts| facts.death.is_some()), "{dialect}");
            seen.push(dialect);
        }
    }
    for dialect in [Dialect::Generic, Dialect::Okta, Dialect::Entra, Dialect::Auth0, Dialect::Keycloak] {
        assert!(seen.contains(&dialect), "{dialect} gave no token");
    }
}

#[tokio::test]
async fn a_jwt_stays_known_after_its_key_was_removed() {
    for memory in [Memory::Everything, Memory::Needed] {
        let served = serve(config(memory, ES256)).await;
        let token = grant(&served).await;
        served.idp.rotate_keys(false);
        assert!(served.is_active(&token).await, "{memory:?}: the issuer has not revoked it");
    }
}

#[tokio::test]
async fn many_die_at_once_and_none_of_those_that_come_later() {
    for (memory, format) in [Memory::Everything, Memory::Needed]
        .into_iter()
        .flat_map(|memory| [TokenFormat::Opaque, ES256].map(|format| (memory, format)))
    {
        for which in [
            Which::All(TokenKind::Access),
            Which::Client("worker".into()),
            Which::Subject("worker".into()),
            Which::Family(2),
            Which::Token(mock_idp::TokenId(2)),
        ] {
            let served = serve(config(memory, format)).await;
            let other = served.post("/oauth2/token", &basic("other", "secret"), "grant_type=client_credentials").await;
            let token = grant(&served).await;
            served.idp.revoke(&which, "the first time");
            served.idp.revoke(&which, "the second time");
            let later = grant(&served).await;
            let said = format!("{memory:?} {format:?} {which:?}");
            assert!(!served.is_active(&token).await && served.is_active(&later).await, "{said}");
            let spared = which != Which::All(TokenKind::Access);
            assert_eq!(served.is_active(&other.text("access_token")).await, spared, "{said}");
            let death = served.idp.facts(&token).expect("known").death;
            assert_eq!(death, Some(Death::Revoked("the first time".into())), "{said}");
        }
    }
}

#[tokio::test]
async fn what_is_over_is_forgotten_and_does_not_come_back() {
    for format in [TokenFormat::Opaque, ES256] {
        let served = serve(config(Memory::Needed, format)).await;
        let token = grant(&served).await;
        let revoked = grant(&served).await;
        // It lives longer, and has the same client, subject, scopes and address.
        served.idp.mint_refresh_token("worker", "worker", &served.listener).expect("registered");
        served.idp.revoke(&Which::Token(served.idp.facts(&revoked).expect("known").id), "a test");
        assert!(served.is_active(&token).await);
        let kept = || served.idp.tokens().iter().filter(|token| token.kind == TokenKind::Access).count();
        assert_ne!(kept(), 0);
        served.idp.move_clock(301_000);
        assert_eq!(kept(), 0, "{format:?}");
        served.idp.move_clock(-301_000);
        assert!(!served.is_active(&token).await && !served.is_active(&revoked).await, "{format:?}");
        assert!(served.is_active(&grant(&served).await).await, "the clock is right again");
    }
}

#[tokio::test]
async fn one_seed_gives_one_sequence_of_jti() {
    let jti = async |seed| {
        let served = serve(Config { seed, ..config(Memory::Needed, ES256) }).await;
        let token = grant(&served).await;
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("a JWT")).expect("base64");
        serde_json::from_slice::<serde_json::Value>(&claims).expect("JSON")["jti"].clone()
    };
    assert_eq!(jti(Some(1)).await, jti(Some(1)).await);
    assert_ne!(jti(Some(1)).await, jti(Some(2)).await);
    assert_ne!(jti(None).await, jti(None).await);
}

/// What is done to both of a pair that keep differently.
#[derive(Debug, Clone)]
enum Step {
    Grant,
    Mint,
    Refresh(usize),
    Present(usize),
    RevokeHere(usize),
    Revoke(Which),
    Disable,
    Pass(i64),
    Rotate,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Grant),
        2 => Just(Step::Mint),
        3 => (0usize..8).prop_map(Step::Refresh),
        2 => (0usize..20).prop_map(Step::Present),
        1 => (0usize..20).prop_map(Step::RevokeHere),
        1 => prop_oneof![
            Just(Which::All(TokenKind::Access)),
            Just(Which::All(TokenKind::Refresh)),
            Just(Which::Subject("somebody".into())),
            (1u64..5).prop_map(Which::Family),
        ].prop_map(Step::Revoke),
        1 => Just(Step::Disable),
        2 => (0i64..400_000).prop_map(Step::Pass),
        1 => Just(Step::Rotate),
    ]
}

/// One of the pair, with what it issued in order.
struct Side {
    served: Served,
    access: Vec<String>,
    refresh: Vec<String>,
}

impl Side {
    async fn take(&mut self, step: &Step) -> String {
        let idp = self.served.idp.clone();
        let some = |tokens: &[String], index: usize| tokens.get(index % tokens.len().max(1)).cloned();
        let reply = match step {
            Step::Grant => self.served.token("grant_type=client_credentials").await,
            Step::Refresh(index) => {
                let token = some(&self.refresh, *index).unwrap_or_default();
                self.served.token(&format!("grant_type=refresh_token&refresh_token={token}")).await
            }
            Step::Present(index) => {
                let Some(token) = some(&self.access, *index) else { return String::new() };
                return self.served.is_active(&token).await.to_string();
            }
            Step::RevokeHere(index) => {
                let all: Vec<_> = self.access.iter().chain(&self.refresh).cloned().collect();
                let form = format!("token={}", some(&all, *index).unwrap_or("none".into()));
                let reply = self.served.post("/oauth2/revoke", &basic("worker", "secret"), &form).await;
                return reply.status.to_string();
            }
            Step::Mint => {
                let token = idp.mint_refresh_token("worker", "somebody", &self.served.listener).expect("registered");
                self.refresh.push(token.value.expose().to_owned());
                return String::new();
            }
            Step::Revoke(which) => {
                idp.revoke(which, "a test");
                return String::new();
            }
            Step::Disable => {
                idp.disable_client("worker");
                idp.enable_client("worker");
                return String::new();
            }
            Step::Pass(by_ms) => {
                idp.move_clock(*by_ms);
                return String::new();
            }
            Step::Rotate => {
                idp.rotate_keys(true);
                return String::new();
            }
        };
        self.access.extend(Some(reply.text("access_token")).filter(|token| !token.is_empty()));
        self.refresh.extend(Some(reply.text("refresh_token")).filter(|token| !token.is_empty()));
        format!("{} {}", reply.status, reply.text("error_description"))
    }

    /// Of each token, whether it is live and how it died.
    fn truth(&self) -> Vec<(bool, Option<Death>)> {
        let now_ms = self.served.idp.clock().now_ms();
        let all = self.access.iter().chain(&self.refresh);
        let facts = all.map(|token| self.served.idp.facts(token).filter(|facts| now_ms < facts.expires_at_ms));
        facts
            .map(|facts| (facts.as_ref().is_some_and(|it| it.is_live(now_ms)), facts.and_then(|it| it.death)))
            .collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_true_does_not_hang_on_what_is_kept(
        steps in prop::collection::vec(step(), 1..40),
        jwt in any::<bool>(),
        revoke_family in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (first, second) = runtime.block_on(async {
            let time = Arc::new(AtomicI64::new(1_000_000));
            let side = async |memory| {
                let time = Arc::clone(&time);
                let config = Config {
                    rotation: Rotation::On {
                        reuse: if revoke_family { Reuse::RevokeFamily } else { Reuse::Refuse },
                        grace: Duration::ZERO,
                    },
                    refresh_token_lifetime: Duration::from_secs(1000),
                    seed: Some(1),
                    time: TimeSource::new(move || time.load(Ordering::Relaxed)),
                    ..config(memory, if jwt { ES256 } else { TokenFormat::Opaque })
                };
                Side { served: serve(config).await, access: Vec::new(), refresh: Vec::new() }
            };
            let (mut everything, mut needed) = (side(Memory::Everything).await, side(Memory::Needed).await);
            let mut told = (Vec::new(), Vec::new());
            for step in &steps {
                told.0.push((everything.take(step).await, everything.truth()));
                told.1.push((needed.take(step).await, needed.truth()));
            }
            told
        });
        for (index, (everything, needed)) in first.iter().zip(&second).enumerate() {
            prop_assert_eq!(everything, needed, "after step {} {:?}", index, steps[index]);
        }
    }
}
