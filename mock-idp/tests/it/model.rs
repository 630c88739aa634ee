//! Random requests and changes of state, against a small model of RFC 6749 §5 and §6, RFC 7009, RFC 7662 and rotation
//! (RFC 9700 §4.14.2): what the model calls dead is never accepted, what it calls good is, and nothing is a 5xx.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mock_idp::{Client, Config, Endpoint, Idp, Listener, Reuse, Rotation, Secret, TimeSource, TokenFormat};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use tower::ServiceExt as _;

const CLIENTS: [&str; 2] = ["worker", "other"];
const ACCESS_LIFETIME_S: i64 = 60;
const REFRESH_LIFETIME_S: i64 = 600;

/// What a request presents as a token.
#[derive(Debug, Clone)]
enum Presented {
    /// One of those that were issued.
    Known(prop::sample::Index),
    /// Anything else.
    Bogus(String),
}

#[derive(Debug, Clone)]
enum Step {
    Grant { client: usize, right: bool, scope: &'static str },
    Refresh { client: usize, right: bool, token: Presented, scope: &'static str },
    Introspect { client: usize, right: bool, token: Presented },
    Revoke { client: usize, right: bool, token: Presented },
    Mint { client: usize },
    Pass { ms: i64 },
    Disable { client: usize },
    Enable { client: usize },
    RotateSecret { client: usize },
    Reset,
    Noise { method: &'static str, endpoint: Endpoint, content_type: &'static str, body: String },
}

fn presented() -> impl Strategy<Value = Presented> {
    prop_oneof![
        8 => any::<prop::sample::Index>().prop_map(Presented::Known),
        1 => "[ -~]{0,40}".prop_map(Presented::Bogus),
        1 => "tl[ar]t_[A-Za-z0-9]{40}".prop_map(Presented::Bogus),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let client = 0..CLIENTS.len();
    let right = prop::bool::weighted(0.9);
    let scope = prop::sample::select(vec!["", "a", "a b", "b a a", "c", "a c"]);
    let paths = [Endpoint::Token, Endpoint::Introspect, Endpoint::Revoke, Endpoint::Jwks, Endpoint::Discovery];
    prop_oneof![
        4 => (client.clone(), right, scope.clone())
            .prop_map(|(client, right, scope)| Step::Grant { client, right, scope }),
        8 => (client.clone(), right, presented(), scope)
            .prop_map(|(client, right, token, scope)| Step::Refresh { client, right, token, scope }),
        6 => (client.clone(), right, presented())
            .prop_map(|(client, right, token)| Step::Introspect { client, right, token }),
        2 => (client.clone(), right, presented())
            .prop_map(|(client, right, token)| Step::Revoke { client, right, token }),
        3 => client.clone().prop_map(|client| Step::Mint { client }),
        3 => prop_oneof![0..12_000i64, 0..700_000i64].prop_map(|ms| Step::Pass { ms }),
        1 => client.clone().prop_map(|client| Step::Disable { client }),
        2 => client.clone().prop_map(|client| Step::Enable { client }),
        1 => client.prop_map(|client| Step::RotateSecret { client }),
        1 => Just(Step::Reset),
        3 => (
            prop::sample::select(vec!["GET", "POST", "PUT", "HEAD"]),
            prop::sample::select(paths.to_vec()),
            prop::sample::select(vec!["application/x-www-form-urlencoded", "application/json", "", "a;b=c"]),
            prop_oneof![
                ".{0,60}",
                "(grant_type|refresh_token|token|client_id|client_secret|scope|%zz|\u{0})=[a-z_%&=+]{0,30}",
            ],
        )
            .prop_map(|(method, endpoint, content_type, body)| Step::Noise { method, endpoint, content_type, body }),
    ]
}

fn rotation() -> impl Strategy<Value = Rotation> {
    let on = |reuse, grace_s| Rotation::On { reuse, grace: Duration::from_secs(grace_s) };
    prop::sample::select(vec![
        Rotation::Off,
        on(Reuse::Refuse, 0),
        on(Reuse::RevokeFamily, 0),
        on(Reuse::Refuse, 10),
        on(Reuse::RevokeFamily, 10),
    ])
}

/// What the RFCs say of a token.
#[derive(Debug, Clone)]
struct Token {
    value: String,
    refresh: bool,
    client: usize,
    family: usize,
    expires_ms: i64,
    revoked: bool,
    rotated_ms: Option<i64>,
}

/// All that matters of an identity provider.
struct Model {
    rotation: Rotation,
    tokens: Vec<Token>,
    /// Values from before a reset: nothing is known of them, and no new token may have one.
    unknown: Vec<String>,
    families: usize,
    disabled: [bool; 2],
    secrets: [String; 2],
    now_ms: i64,
}

impl Model {
    fn new(rotation: Rotation, now_ms: i64) -> Self {
        let secrets = ["secret-0".to_owned(), "secret-1".to_owned()];
        let unknown = Vec::new();
        Self { rotation, tokens: Vec::new(), unknown, families: 0, disabled: [false; 2], secrets, now_ms }
    }

    fn find(&self, value: &str) -> Option<usize> {
        self.tokens.iter().position(|token| token.value == value)
    }

    fn is_live(&self, token: &Token) -> bool {
        !token.revoked && token.rotated_ms.is_none() && self.now_ms < token.expires_ms
    }

    fn issue(&mut self, value: &Value, refresh: bool, client: usize, family: usize) {
        let lifetime_s = if refresh { REFRESH_LIFETIME_S } else { ACCESS_LIFETIME_S };
        let expires_ms = (self.now_ms.div_euclid(1000) + lifetime_s) * 1000;
        let value = value.as_str().expect("a token").to_owned();
        assert!(self.find(&value).is_none() && !self.unknown.contains(&value), "no value is issued twice");
        self.tokens.push(Token { value, refresh, client, family, expires_ms, revoked: false, rotated_ms: None });
    }

    fn revoke_family(&mut self, family: usize) {
        self.tokens.iter_mut().filter(|token| token.family == family).for_each(|token| token.revoked = true);
    }

    /// The refresh token that is redeemed, or the `error` that comes instead. Reuse has its effect.
    fn redeem(&mut self, value: &str, client: usize, scope: &str) -> Result<usize, &'static str> {
        let found = self.find(value).filter(|index| self.tokens[*index].refresh);
        let index = found.ok_or("invalid_grant")?;
        let token = self.tokens[index].clone();
        if token.client != client || token.revoked || self.now_ms >= token.expires_ms {
            return Err("invalid_grant");
        }
        if let (Some(rotated_ms), Rotation::On { reuse, grace }) = (token.rotated_ms, self.rotation) {
            let grace_ms = i64::try_from(grace.as_millis()).expect("short");
            if grace_ms == 0 || self.now_ms - rotated_ms > grace_ms {
                if reuse == Reuse::RevokeFamily {
                    self.revoke_family(token.family);
                }
                return Err("invalid_grant");
            }
        }
        if scope.contains('c') { Err("invalid_scope") } else { Ok(index) }
    }
}

/// An identity provider, and the model of it.
struct World {
    idp: Idp,
    listener: Listener,
    real: Arc<AtomicI64>,
    model: Model,
}

struct Answer {
    status: StatusCode,
    body: Value,
}

impl World {
    fn new(rotation: Rotation) -> Self {
        let now_ms = 1_800_000_000_123;
        let real = Arc::new(AtomicI64::new(now_ms));
        let source = Arc::clone(&real);
        let model = Model::new(rotation, now_ms);
        let clients = CLIENTS.iter().zip(&model.secrets);
        let idp = Idp::new(Config {
            clients: clients.map(|(id, secret)| Client::new(*id, secret).scopes(["a", "b"])).collect(),
            format: TokenFormat::Opaque,
            access_token_lifetime: Duration::from_secs(ACCESS_LIFETIME_S.unsigned_abs()),
            refresh_token_lifetime: Duration::from_secs(REFRESH_LIFETIME_S.unsigned_abs()),
            rotation,
            time: TimeSource::new(move || source.load(Ordering::Relaxed)),
            ..Config::default()
        });
        Self { idp, listener: Listener::new("w", "http://idp.test"), real, model }
    }

    async fn send(&self, method: &str, endpoint: Endpoint, headers: &[(&str, &str)], body: String) -> Answer {
        let url = self.idp.url(endpoint, &self.listener).expect("the strict dialect has it");
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).expect("a request");
        let response = self.idp.router(self.listener.clone()).oneshot(request).await.expect("infallible");
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body");
        Answer { status: head.status, body: serde_json::from_slice(&body).unwrap_or_default() }
    }

    async fn form(&self, endpoint: Endpoint, client: usize, right: bool, fields: &[(&str, &str)]) -> Answer {
        let secret = if right { &self.model.secrets[client] } else { "wrong" };
        let credentials = format!("Basic {}", STANDARD.encode(format!("{}:{secret}", CLIENTS[client])));
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields.iter().filter(|(_, value)| !value.is_empty()));
        let headers = [("authorization", credentials.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        self.send("POST", endpoint, &headers, form.finish()).await
    }

    fn value(&self, presented: &Presented) -> String {
        match presented {
            Presented::Known(index) => {
                let values = self.model.tokens.iter().map(|token| &token.value).chain(&self.model.unknown);
                let values: Vec<_> = values.collect();
                values.get(index.index(values.len().max(1))).map_or_else(|| "none".to_owned(), |it| (*it).clone())
            }
            Presented::Bogus(value) => value.clone(),
        }
    }

    /// Whether credentials are good; if not, the refusal was checked.
    fn is_authentic(&self, client: usize, right: bool, answer: &Answer) -> bool {
        let authentic = right && !self.model.disabled[client];
        if !authentic {
            assert_eq!((answer.status.as_u16(), &answer.body["error"]), (401, &"invalid_client".into()));
        }
        authentic
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Grant { client, right, scope } => {
                let fields = [("grant_type", "client_credentials"), ("scope", *scope)];
                let answer = self.form(Endpoint::Token, *client, *right, &fields).await;
                if !self.is_authentic(*client, *right, &answer) {
                    return;
                }
                if scope.contains('c') {
                    assert_eq!((answer.status.as_u16(), &answer.body["error"]), (400, &"invalid_scope".into()));
                    return;
                }
                assert_eq!(answer.status, StatusCode::OK);
                assert_eq!(answer.body.get("refresh_token"), None, "RFC 6749 §4.4.3");
                self.model.families += 1;
                self.model.issue(&answer.body["access_token"], false, *client, self.model.families);
            }
            Step::Refresh { client, right, token, scope } => self.refresh(*client, *right, token, scope).await,
            Step::Introspect { client, right, token } => {
                let value = self.value(token);
                let answer = self.form(Endpoint::Introspect, *client, *right, &[("token", &value)]).await;
                if !self.is_authentic(*client, *right, &answer) {
                    return;
                }
                if value.is_empty() {
                    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
                    return;
                }
                let found = self.model.find(&value).map(|index| &self.model.tokens[index]);
                let active = found.is_some_and(|token| self.model.is_live(token) && token.client == *client);
                assert_eq!((answer.status.as_u16(), &answer.body["active"]), (200, &active.into()), "{found:?}");
            }
            Step::Revoke { client, right, token } => {
                let value = self.value(token);
                let answer = self.form(Endpoint::Revoke, *client, *right, &[("token", &value)]).await;
                if !self.is_authentic(*client, *right, &answer) {
                    return;
                }
                let status = answer.status.as_u16();
                match self.model.find(&value) {
                    Some(index) if self.model.tokens[index].client != *client => {
                        assert_eq!((status, &answer.body["error"]), (400, &"invalid_grant".into()), "RFC 7009 §2.1");
                    }
                    Some(index) if self.model.tokens[index].refresh => {
                        assert_eq!(status, 200);
                        self.model.revoke_family(self.model.tokens[index].family);
                    }
                    Some(index) => {
                        assert_eq!(status, 200);
                        self.model.tokens[index].revoked = true;
                    }
                    None if value.is_empty() => assert_eq!(status, 400),
                    None => assert_eq!(status, 200, "RFC 7009 §2.2"),
                }
            }
            Step::Mint { client } => {
                let minted = self.idp.mint_refresh_token(CLIENTS[*client], "alice", &self.listener);
                let value = minted.expect("the client is known").value.expose().to_owned();
                self.model.families += 1;
                self.model.issue(&value.into(), true, *client, self.model.families);
            }
            Step::Pass { ms } => {
                self.real.fetch_add(*ms, Ordering::Relaxed);
                self.model.now_ms += ms;
            }
            Step::Disable { client } => {
                self.idp.disable_client(CLIENTS[*client]);
                self.model.disabled[*client] = true;
                self.model.tokens.iter_mut().filter(|it| it.client == *client).for_each(|it| it.revoked = true);
            }
            Step::Enable { client } => {
                self.idp.enable_client(CLIENTS[*client]);
                self.model.disabled[*client] = false;
            }
            Step::RotateSecret { client } => {
                let secret = format!("{}x", self.model.secrets[*client]);
                self.idp.rotate_secret(CLIENTS[*client], Secret::new(secret.as_str()));
                self.model.secrets[*client] = secret;
            }
            Step::Reset => {
                self.idp.reset();
                let Model { rotation, tokens, mut unknown, now_ms, .. } =
                    std::mem::replace(&mut self.model, Model::new(Rotation::Off, 0));
                unknown.extend(tokens.into_iter().map(|token| token.value));
                self.model = Model { unknown, ..Model::new(rotation, now_ms) };
            }
            Step::Noise { method, endpoint, content_type, body } => {
                let answer = self.send(method, *endpoint, &[("content-type", content_type)], body.clone()).await;
                assert!(answer.status.as_u16() < 500, "{}", answer.status);
                assert_eq!(answer.body.get("access_token"), None, "nobody has proved who he is");
            }
        }
    }

    async fn refresh(&mut self, client: usize, right: bool, token: &Presented, scope: &str) {
        let value = self.value(token);
        let fields = [("grant_type", "refresh_token"), ("refresh_token", value.as_str()), ("scope", scope)];
        let answer = self.form(Endpoint::Token, client, right, &fields).await;
        if !self.is_authentic(client, right, &answer) {
            return;
        }
        let got = (answer.status.as_u16(), answer.body["error"].as_str());
        if value.is_empty() {
            assert_eq!(got, (400, Some("invalid_request")));
            return;
        }
        let index = match self.model.redeem(&value, client, scope) {
            Ok(index) => index,
            Err(error) => {
                assert_eq!(got, (400, Some(error)), "{:?}", self.model.find(&value).map(|it| &self.model.tokens[it]));
                return;
            }
        };
        assert_eq!(got, (200, None), "{:?}", self.model.tokens[index]);
        let family = self.model.tokens[index].family;
        self.model.issue(&answer.body["access_token"], false, client, family);
        let successor = answer.body.get("refresh_token");
        assert_eq!(successor.is_some(), self.model.rotation != Rotation::Off);
        if let Some(successor) = successor {
            self.model.tokens[index].rotated_ms.get_or_insert(self.model.now_ms);
            self.model.issue(successor, true, client, family);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn the_token_endpoint_does_what_the_rfcs_say(rotation in rotation(), steps in vec(step(), 40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut world = World::new(rotation);
            for step in &steps {
                world.take(step).await;
            }
        });
    }
}
