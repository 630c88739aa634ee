//! Good requests, mangled: whatever is sent, no parser panics and nothing is a server error. `MOCK_IDP_FUZZ_SECONDS=600
//! cargo test --release -p mock-idp --test it fuzz -- --nocapture` goes on for so long instead of a moment.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderValue, Request};
use jsonwebtoken::Algorithm;
use mock_idp::{AuthMethod, Client, Config, GrantType, Idp, Listener, TokenFormat, User};
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::encoded;
use crate::support::signer::{Signer, with};

/// How long to go on, in seconds.
const SECONDS: &str = "MOCK_IDP_FUZZ_SECONDS";
/// As many requests are made where that is not said.
const REQUESTS: u32 = 4_000;
const ORIGIN: &str = "http://idp.test";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
pub(crate) const BACK: &str = "https://app.example/cb";
const PATHS: [&str; 10] = [
    "/oauth2/token",
    "/oauth2/token",
    "/oauth2/token",
    "/oauth2/introspect",
    "/oauth2/revoke",
    "/oauth2/par",
    "/oauth2/device_authorization",
    "/oauth2/interaction",
    "/oauth2/device",
    "/oauth2/userinfo",
];
const NAMES: [&str; 5] = ["access_token", "refresh_token", "id_token", "device_code", "user_code"];
/// What parsers stumble over.
const STUMBLING: [&[u8]; 18] = [
    b"%",
    b"%zz",
    b"%00",
    b"+",
    b"&",
    b"&&=",
    b"=",
    b".",
    b"..",
    b"{}",
    b"[[[[",
    b"\"",
    b"null",
    b"\xff\xfe",
    b"\xc3\xa9",
    b"-1",
    b"99999999999999999999",
    b"grant_type=refresh_token&",
];

pub(crate) fn config(signer: &Signer) -> Config {
    let all = [
        GrantType::ClientCredentials,
        GrantType::RefreshToken,
        GrantType::TokenExchange,
        GrantType::JwtBearer,
        GrantType::DeviceCode,
    ];
    let keyed = Client::new("keyed", "0123456789abcdef0123456789abcdef").scopes(["a", "b"]);
    let keyed = keyed.methods([AuthMethod::PrivateKeyJwt, AuthMethod::SecretJwt]).keys(signer.keys()).grants(all);
    let worker =
        Client { resource_server: true, ..Client::new("worker", "secret").scopes(["a", "openid"]).grants(all) };
    let app = Client::public("app").scopes(["a", "openid"]).redirect_uris([BACK]);
    let users = vec![User::new("alice")];
    Config {
        clients: vec![keyed, worker, app],
        users,
        format: TokenFormat::Jwt(mock_idp::Algorithm::Es256),
        ..Config::default()
    }
}

/// A request that may still be mangled.
pub(crate) struct Sent {
    pub(crate) path: String,
    pub(crate) authorization: Vec<u8>,
    dpop: Vec<u8>,
    pub(crate) form: Vec<u8>,
}

pub(crate) struct Fuzzer {
    pub(crate) random: ChaCha8Rng,
    pub(crate) signer: Signer,
    /// Tokens, codes and the like that replies have brought, by the name that they came under.
    known: BTreeMap<&'static str, Vec<String>>,
}

impl Fuzzer {
    pub(crate) fn new(seed: u64) -> Self {
        let signer = Signer::new(Algorithm::ES256, "k1");
        Self { random: ChaCha8Rng::seed_from_u64(seed), signer, known: BTreeMap::new() }
    }

    fn one_of<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.random.random_range(0..of.len())]
    }

    /// Something that came under this name, or now and then under another one.
    fn known(&mut self, name: &str) -> String {
        let name = if self.random.random_bool(0.1) { self.one_of(&NAMES) } else { name };
        match self.known.get(name) {
            Some(known) => known[self.random.random_range(0..known.len())].clone(),
            None => "nothing".to_owned(),
        }
    }

    /// A value where another one belongs.
    fn wrong_value(&mut self) -> Value {
        let values = [
            json!(null),
            json!(true),
            json!(-1),
            json!(1e300),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(""),
            json!("\u{0}é\u{202e}"),
            json!([]),
            json!(["a", 1, null]),
            json!({"a": {"b": []}}),
            json!("x".repeat(5_000)),
        ];
        values[self.random.random_range(0..values.len())].clone()
    }

    /// A JWT that is right, or signed rightly over claims of which one is wrong, or of mangled JSON and not signed.
    fn jwt(&mut self, claims: &Value, proof: bool) -> String {
        let mut claims = claims.clone();
        if self.random.random_bool(0.3) {
            let names: Vec<String> = claims.as_object().expect("claims").keys().cloned().collect();
            let (name, value) = (names[self.random.random_range(0..names.len())].clone(), self.wrong_value());
            claims = with(&claims, json!({ name: value }));
        }
        let jwt = if proof { self.signer.proof(&claims) } else { self.signer.jwt(&claims) };
        if self.random.random_bool(0.7) {
            return jwt;
        }
        let mut parts: Vec<Vec<u8>> =
            jwt.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).expect("base64url")).collect();
        let part = self.random.random_range(0..parts.len());
        parts[part] = match serde_json::from_slice::<Value>(&parts[part]) {
            Ok(mut json) if self.random.random_bool(0.5) => {
                self.bend(&mut json);
                json.to_string().into_bytes()
            }
            _ => self.mangled(parts[part].clone()),
        };
        parts.iter().map(|part| URL_SAFE_NO_PAD.encode(part)).collect::<Vec<_>>().join(".")
    }

    /// Somewhere in it, another value stands where one belongs.
    pub(crate) fn bend(&mut self, json: &mut Value) {
        match json {
            Value::Object(members) if !members.is_empty() && self.random.random_bool(0.8) => {
                let member = self.random.random_range(0..members.len());
                let (_, value) = members.iter_mut().nth(member).expect("it has so many");
                self.bend(value);
            }
            _ => *json = self.wrong_value(),
        }
    }

    /// Bytes, changed in one to four places.
    pub(crate) fn mangled(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        for _ in 0..self.random.random_range(1..=4) {
            let at = self.random.random_range(0..=bytes.len());
            let end = self.random.random_range(at..=bytes.len().min(at + 12));
            match self.random.random_range(0..6) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.random.random_range(0..8),
                1 => drop(bytes.drain(at..end)),
                2 => bytes.truncate(at),
                3 => bytes.extend_from_within(at..end),
                4 => {
                    let piece = STUMBLING[self.random.random_range(0..STUMBLING.len())];
                    bytes.splice(at..at, piece.iter().copied());
                }
                _ => bytes.insert(at, self.random.next_u32() as u8),
            }
        }
        bytes
    }

    /// A request that would be right, more or less.
    pub(crate) fn request(&mut self, now_s: i64) -> Sent {
        let path = self.one_of(&PATHS).to_owned();
        let jti = self.random.next_u64().to_string();
        let about = json!({"iss": "keyed", "sub": "keyed", "aud": ORIGIN, "iat": now_s, "exp": now_s + 60, "jti": jti});
        let url = format!("{ORIGIN}{path}");
        let proof = json!({"htm": "POST", "htu": url, "iat": now_s, "jti": jti, "ath": "x"});
        let assertion = self.jwt(&about, false);
        let [access, refresh, id, device, user] = NAMES.map(|name| self.known(name));
        let grant = match (path.as_str(), self.random.random_range(0..6)) {
            ("/oauth2/token", 0) => vec![("grant_type", "client_credentials"), ("scope", "a")],
            ("/oauth2/token", 1) => vec![("grant_type", "refresh_token"), ("refresh_token", &*refresh)],
            ("/oauth2/token", 2) => vec![
                ("grant_type", "authorization_code"),
                ("code", &*user),
                ("redirect_uri", BACK),
                ("code_verifier", &*id),
            ],
            ("/oauth2/token", 3) => {
                vec![("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &*assertion)]
            }
            ("/oauth2/token", 4) => {
                vec![("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", &*device)]
            }
            ("/oauth2/token", _) => vec![
                ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
                ("subject_token", &*access),
                ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
                ("actor_token", &*access),
                ("actor_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ],
            ("/oauth2/introspect" | "/oauth2/revoke", 0..3) => vec![("token", &*access)],
            ("/oauth2/introspect" | "/oauth2/revoke", _) => vec![("token", &*refresh)],
            ("/oauth2/device_authorization", _) => vec![("scope", "a")],
            _ => vec![
                ("response_type", "code"),
                ("redirect_uri", BACK),
                ("scope", "a openid"),
                ("user_code", &*user),
                ("interaction", &*device),
                ("id_token_hint", &*id),
            ],
        };
        let mut form = grant;
        let basic = STANDARD.encode("worker:secret");
        let mut authorization = Vec::new();
        match self.random.random_range(0..6) {
            0..3 => authorization = format!("Basic {basic}").into_bytes(),
            3 => form.extend([("client_id", "worker"), ("client_secret", "secret")]),
            4 => form.extend([("client_assertion_type", ASSERTION), ("client_assertion", &*assertion)]),
            _ => form.push(("client_id", "app")),
        }
        if path.ends_with("userinfo") {
            authorization = format!("{} {access}", self.one_of(&["Bearer", "DPoP"])).into_bytes();
        }
        let form = encoded(&form).into_bytes();
        let dpop = if self.random.random_bool(0.5) { self.jwt(&proof, true).into_bytes() } else { Vec::new() };
        Sent { path, authorization, dpop, form }
    }

    /// Half of them stays as it is, so that there is state to stumble over.
    pub(crate) fn mangle(&mut self, sent: &mut Sent) {
        if self.random.random_bool(0.5) {
            match self.random.random_range(0..5) {
                0 => sent.authorization = self.mangled(std::mem::take(&mut sent.authorization)),
                1 => sent.dpop = self.mangled(std::mem::take(&mut sent.dpop)),
                2 => {
                    // What stands behind `Basic ` is mangled before it is encoded.
                    let inside = self.mangled(b"worker:secret".to_vec());
                    sent.authorization = format!("Basic {}", STANDARD.encode(inside)).into_bytes();
                }
                _ => sent.form = self.mangled(std::mem::take(&mut sent.form)),
            }
        }
    }

    /// Remembers what a reply brings.
    fn learn(&mut self, body: &[u8]) {
        let Ok(Value::Object(fields)) = serde_json::from_slice(body) else { return };
        for name in NAMES {
            if let Some(text) = fields.get(name).and_then(Value::as_str) {
                self.knows(name, text);
            }
        }
    }

    fn knows(&mut self, name: &'static str, text: &str) {
        let known = self.known.entry(name).or_default();
        known.push(text.to_owned());
        if known.len() > 64 {
            known.drain(..32);
        }
    }
}

/// As it is sent to this origin; an empty one is that of HTTP/1.1, where the target is a path.
pub(crate) fn built(sent: &Sent, origin: &str, get: bool) -> Option<Request<Body>> {
    let mut request = match get {
        // A query is text.
        true => Request::get(format!("{origin}/oauth2/authorize?{}", String::from_utf8_lossy(&sent.form))),
        false => {
            Request::post(format!("{origin}{}", sent.path)).header("content-type", "application/x-www-form-urlencoded")
        }
    };
    for (name, value) in [("authorization", &sent.authorization), ("dpop", &sent.dpop)] {
        if !value.is_empty() {
            // What no HTTP server would let through is not sent.
            request = request.header(name, HeaderValue::from_bytes(value).ok()?);
        }
    }
    request.body(if get { Body::empty() } else { Body::from(sent.form.clone()) }).ok()
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "who asks for ten minutes of it wants to know what was done in them")]
async fn nothing_that_is_sent_panics_or_is_a_server_error() {
    let asked: Option<u64> = std::env::var(SECONDS).ok().map(|text| text.parse().expect("a number of seconds"));
    let seed = if asked.is_some() { rand::random() } else { 7 };
    let mut fuzzer = Fuzzer::new(seed);
    let idp = Idp::new(config(&fuzzer.signer));
    let listener = Listener::new("w1", ORIGIN);
    let router = idp.router(listener.clone());
    let (began, mut sent, mut good) = (Instant::now(), 0_u32, 0_u32);
    let goes_on = |sent: u32| asked.map_or(sent < REQUESTS, |seconds| began.elapsed() < Duration::from_secs(seconds));
    while goes_on(sent) {
        if sent.is_multiple_of(64) {
            let consent = idp.mint_refresh_token("worker", "alice", &listener).expect("a client");
            fuzzer.knows("refresh_token", consent.value.expose());
        }
        let mut request = fuzzer.request(idp.clock().now_ms() / 1000);
        fuzzer.mangle(&mut request);
        let get = fuzzer.random.random_bool(0.1);
        let Some(built) = built(&request, "", get) else { continue };
        let reply = router.clone().oneshot(built).await.expect("it always answers");
        let status = reply.status().as_u16();
        let (form, authorization) =
            (String::from_utf8_lossy(&request.form), String::from_utf8_lossy(&request.authorization));
        assert!(status < 500, "seed {seed}, request {sent}: {} {authorization} {form} gives {status}", request.path);
        let body = axum::body::to_bytes(reply.into_body(), 1 << 20).await.expect("a body");
        fuzzer.learn(&body);
        sent += 1;
        good += u32::from(status == 200);
    }
    if asked.is_some() {
        println!("{sent} requests with seed {seed}, of which {good} were granted");
    }
    assert!(good * 20 > sent, "hardly anything got far enough to be parsed: {good} of {sent}");
    assert!(good * 10 < sent * 9, "hardly anything was mangled: {good} of {sent}");
}
