//! Keys that sign: several at once, one replaced under its name, what an observer is told, and how the JWKS is sent.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{Served, encoded, serve};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use mock_idp::misbehave::{Probability, Processing};
use mock_idp::settings::Settings;
use mock_idp::{
    Algorithm, AuditKind, CacheControl, Caching, Client, Config, Dialect, IdpEvent, KeyCount, KeySettings, Memory,
    NoKeyCount, Observer, Propagation, Rule, Signing, TimeSource, TokenFormat,
};
use serde_json::Value;

const GRANT: &str = "grant_type=client_credentials";
const ES256: TokenFormat = TokenFormat::Jwt(Algorithm::Es256);
const REDIRECT: &str = "http://127.0.0.1/callback";

/// Notes each event of a key.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Observer for Told {
    fn event(&self, event: &IdpEvent) {
        let said = match event {
            IdpEvent::KeyAdded { kid } => format!("added {kid}"),
            IdpEvent::KeyRotated { kid } => format!("rotated {kid}"),
            IdpEvent::KeyReplaced { kid } => format!("replaced {kid}"),
            IdpEvent::KeyRemoved { kid } => format!("removed {kid}"),
            _ => return,
        };
        self.0.lock().expect("no panic").push(said);
    }
}

impl Told {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("no panic"))
    }
}

fn config(format: TokenFormat) -> Config {
    let worker = Client::new("worker", "secret").scopes(["openid"]).redirect_uris([REDIRECT]);
    let worker = Client { post_logout_redirect_uris: vec![REDIRECT.into()], ..worker };
    let time = TimeSource::new(|| 1_780_000_000_000);
    Config { clients: vec![worker], format, time, ..Config::default() }
}

fn keys(published: u8, signing: Signing, id_tokens: Option<Algorithm>) -> KeySettings {
    KeySettings { published: published.try_into().expect("a few"), signing, id_tokens }
}

async fn grant(served: &Served) -> String {
    served.token(GRANT).await.text("access_token")
}

/// An ID token of `alice`.
async fn id_token(served: &Served) -> String {
    let asked = [("response_type", "code"), ("client_id", "worker"), ("redirect_uri", REDIRECT), ("scope", "openid")];
    let code = served.get(&format!("/oauth2/authorize?{}", encoded(&asked))).await.sent("code").expect("a code");
    let form = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", REDIRECT)];
    served.token(&encoded(&form)).await.text("id_token")
}

async fn jwks(served: &Served) -> JwkSet {
    serde_json::from_str(&served.get("/oauth2/jwks").await.body).expect("a key set")
}

/// The ids in the JWKS, in their order.
async fn kids(served: &Served) -> Vec<String> {
    jwks(served).await.keys.into_iter().map(|key| key.common.key_id.expect("a kid")).collect()
}

fn kid(jwt: &str) -> String {
    jsonwebtoken::decode_header(jwt).expect("a JWT").kid.expect("a kid")
}

/// Whether somebody who has this key set takes a JWT for good.
fn verifies(jwt: &str, keys: &JwkSet) -> bool {
    let header = jsonwebtoken::decode_header(jwt).expect("a JWT");
    let Some(key) = keys.find(&header.kid.expect("a kid")) else { return false };
    let mut validation = Validation::new(header.alg);
    validation.validate_aud = false;
    validation.validate_exp = false;
    jsonwebtoken::decode::<Value>(jwt, &DecodingKey::from_jwk(key).expect("a key"), &validation).is_ok()
}

#[tokio::test]
async fn a_replaced_key_has_its_name_and_signs_while_an_old_jwks_does_not_verify_what_it_signs() {
    for algorithm in [Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa] {
        let served = serve(config(TokenFormat::Jwt(algorithm))).await;
        let (before, cached) = (grant(&served).await, jwks(&served).await);
        assert!(served.idp.replace_key(&kid(&before)), "{algorithm:?}");
        let (after, fetched) = (grant(&served).await, jwks(&served).await);
        assert_eq!(kid(&after), kid(&before));
        assert_eq!(served.idp.published_keys(), [kid(&before)]);
        assert!(verifies(&before, &cached) && !verifies(&before, &fetched), "{algorithm:?}: the old key is gone");
        assert!(!verifies(&after, &cached) && verifies(&after, &fetched), "{algorithm:?}: by id the old one is found");
    }
    let served = serve(config(ES256)).await;
    assert!(!served.idp.replace_key("nobody"));
    assert_eq!(served.idp.published_keys(), ["es256-1"]);
}

#[tokio::test]
async fn what_a_replaced_key_signed_is_as_after_a_rotation_without_overlap() {
    type Change = fn(&Served, &str);
    let changes: [Change; 2] =
        [|served, _| served.idp.rotate_keys(false), |served, kid| assert!(served.idp.replace_key(kid))];
    for memory in [Memory::Everything, Memory::Needed] {
        for change in changes {
            let served = serve(Config { memory, ..config(ES256) }).await;
            let (access, id) = (grant(&served).await, id_token(&served).await);
            let ended = async |hint: &str| {
                let asked = encoded(&[("id_token_hint", hint), ("post_logout_redirect_uri", REDIRECT)]);
                served.get(&format!("/oauth2/logout?{asked}")).await.status
            };
            let taken = ended(&id).await;
            change(&served, &kid(&access));
            assert!(served.is_active(&access).await, "{memory:?}: the issuer has not revoked it");
            assert!(served.is_active(&grant(&served).await).await);
            assert_ne!(ended(&id).await, taken, "{memory:?}: a hint must verify by the JWKS");
            assert_eq!(ended(&id_token(&served).await).await, taken);
        }
    }
}

#[tokio::test]
async fn several_keys_are_there_from_the_start_and_the_chosen_one_signs() {
    for (signing, first) in [(Signing::Newest, "es256-3"), (Signing::Oldest, "es256-1")] {
        let served = serve(Config { keys: keys(3, signing, None), ..config(ES256) }).await;
        assert_eq!(kids(&served).await, ["es256-1", "es256-2", "es256-3"]);
        let known = jwks(&served).await;
        let token = grant(&served).await;
        assert_eq!((kid(&token).as_str(), served.idp.signing_key().as_deref()), (first, Some(first)));
        assert!(verifies(&token, &known));
        assert!(served.idp.sign_with("es256-2") && !served.idp.sign_with("es256-4"));
        let token = grant(&served).await;
        assert_eq!(kid(&token), "es256-2");
        assert!(verifies(&token, &known), "whoever fetched them before can go on");
        assert!(served.idp.remove_key("es256-2"));
        assert_eq!(kid(&grant(&served).await), "es256-3", "the newest that is left");
        served.idp.rotate_keys(true);
        assert_eq!(kids(&served).await, ["es256-1", "es256-3", "es256-4"]);
        assert_eq!(kid(&grant(&served).await), "es256-4");
        assert_eq!(served.idp.add_key(), "es256-5");
        assert_eq!(kid(&grant(&served).await), "es256-4", "one that is added does not sign");
        served.idp.reset();
        assert_eq!((kids(&served).await.len(), kid(&grant(&served).await).as_str()), (3, first));
    }
    let of_rsa = serve(Config { keys: keys(3, Signing::Newest, None), ..config(TokenFormat::Jwt(Algorithm::Ps256)) });
    let of_rsa = of_rsa.await;
    let parts: BTreeSet<String> = jwks(&of_rsa).await.keys.iter().map(|key| format!("{:?}", key.algorithm)).collect();
    assert_eq!(parts.len(), 3, "each is another key");
    assert_eq!(KeyCount::try_from(0).map_err(|error| error.to_string()).err(), Some(no_count(0)));
    assert_eq!(KeyCount::try_from(17).map_err(|error: NoKeyCount| error.to_string()).err(), Some(no_count(17)));
}

fn no_count(count: u8) -> String {
    format!("{count} keys cannot be published: write a number from 1 to 16")
}

#[tokio::test]
async fn id_tokens_can_have_a_key_of_their_own() {
    for (format, signing) in [(ES256, Some("es256-1")), (TokenFormat::Opaque, None)] {
        let settings = keys(1, Signing::Newest, Some(Algorithm::Rs256));
        let served = serve(Config { keys: settings, ..config(format) }).await;
        assert_eq!(served.idp.signing_key().as_deref(), signing);
        let id = id_token(&served).await;
        assert_eq!((kid(&id).as_str(), served.idp.id_token_key().as_str()), ("rs256-1", "rs256-1"));
        assert!(verifies(&id, &jwks(&served).await));
        let algorithms = served.get("/.well-known/openid-configuration").await;
        assert_eq!(algorithms.field("id_token_signing_alg_values_supported"), serde_json::json!(["RS256"]));
        assert!(!served.idp.remove_key("rs256-1"), "nothing else could sign ID tokens");
        served.idp.rotate_keys(false);
        assert!(verifies(&id, &jwks(&served).await), "{format:?}: a rotation is of access tokens");
        assert!(served.idp.replace_key("rs256-1"));
        assert!(!verifies(&id, &jwks(&served).await));
        let id = id_token(&served).await;
        assert_eq!(kid(&id), "rs256-1");
        assert!(verifies(&id, &jwks(&served).await));
    }
    let settings = keys(2, Signing::Oldest, Some(Algorithm::Es256));
    let alike = serve(Config { keys: settings, ..config(ES256) }).await;
    assert_eq!(kids(&alike).await, ["es256-1", "es256-2", "es256-3"]);
    assert_eq!((kid(&grant(&alike).await), kid(&id_token(&alike).await)), ("es256-1".into(), "es256-3".into()));
    assert!(!alike.idp.sign_with("es256-3"), "it is for ID tokens alone");
}

#[tokio::test]
async fn an_observer_and_the_audit_log_are_told_what_becomes_of_keys() {
    let told = Arc::new(Told::default());
    let served = serve(Config { observer: Arc::clone(&told) as Arc<dyn Observer>, ..config(ES256) }).await;
    served.idp.rotate_keys(true);
    assert_eq!(told.take(), ["added es256-2", "rotated es256-2"]);
    served.idp.add_key();
    assert_eq!(told.take(), ["added es256-3"]);
    assert!(served.idp.sign_with("es256-1") && served.idp.sign_with("es256-1"));
    assert_eq!(told.take(), ["rotated es256-1"], "the second time nothing changes");
    assert!(served.idp.remove_key("es256-1") && !served.idp.remove_key("es256-1"));
    assert_eq!(told.take(), ["removed es256-1", "rotated es256-3"]);
    assert!(served.idp.remove_key("es256-2"));
    assert_eq!(told.take(), ["removed es256-2"]);
    assert!(served.idp.replace_key("es256-3") && !served.idp.replace_key("es256-2"));
    assert_eq!(told.take(), ["replaced es256-3"]);
    served.idp.rotate_keys(false);
    assert_eq!(told.take(), ["added es256-5", "rotated es256-5", "removed es256-3"]);
    let log = served.idp.audit_log(0);
    let of_keys: Vec<&str> =
        log.iter().filter(|event| event.kind == AuditKind::Key).map(|event| event.reason.as_str()).collect();
    assert_eq!(of_keys.len(), 11, "{of_keys:?}");
    assert!(of_keys.contains(&"es256-3 is another key from now on: by it nothing verifies that the old one signed"));
    assert!(of_keys.contains(&"es256-2 was taken out of the JWKS: what it signed verifies no longer"));
    assert!(of_keys.contains(&"es256-5 was made for the JWKS"));
}

#[tokio::test]
async fn a_new_key_can_be_late_and_one_that_is_removed_meanwhile_does_not_come_back() {
    let served = serve(config(ES256)).await;
    served.idp.set_propagation(Propagation { key: Duration::from_secs(10), ..Propagation::default() });
    let (old, cached) = (grant(&served).await, jwks(&served).await);
    assert!(served.idp.replace_key("es256-1"));
    let new = grant(&served).await;
    assert_eq!(jwks(&served).await, cached, "the JWKS still has the old one");
    assert!(!verifies(&new, &cached));
    served.idp.clock().advance(Duration::from_secs(10));
    let fetched = jwks(&served).await;
    assert!(verifies(&new, &fetched) && !verifies(&old, &fetched));
    assert_eq!(served.idp.add_key(), "es256-3", "the number of the second key is taken");
    assert!(served.idp.remove_key("es256-3"));
    served.idp.clock().advance(Duration::from_secs(10));
    assert_eq!(kids(&served).await, ["es256-1"]);
}

#[test]
fn a_file_says_how_many_keys_there_are_and_which_of_them_signs() {
    let text = "keys: { published: 3, signing: oldest, id_tokens: eddsa }\n";
    let idp = Settings::parse(text, "idp.yaml").expect("a good file").idp();
    assert_eq!(idp.published_keys(), ["es256-1", "es256-2", "es256-3", "eddsa-1"]);
    assert_eq!((idp.signing_key().as_deref(), idp.id_token_key().as_str()), (Some("es256-1"), "eddsa-1"));
    for (text, wrong) in [
        ("keys: { published: 0 }\n", "idp.yaml:1:20: 0 keys cannot be published: write a number from 1 to 16"),
        ("keys: { signing: newst }\n", "idp.yaml:1:18: unknown word `newst` (did you mean `newest`?)"),
    ] {
        let errors = Settings::parse(text, "idp.yaml").expect_err(text);
        assert_eq!(errors[0].to_string(), wrong);
    }
}

#[tokio::test]
async fn the_order_of_the_jwks_is_drawn_from_the_seed_of_its_rule() {
    let orders = async |seed: u64| {
        let served = serve(Config { keys: keys(5, Signing::Newest, None), ..config(ES256) }).await;
        let rule = format!(r#"{{"when":{{"endpoint":"jwks"}},"processing":{{"unordered_keys":true}},"seed":{seed}}}"#);
        let stable = kids(&served).await;
        assert_eq!(kids(&served).await, stable, "without a rule the order stays");
        served.idp.rules().add(serde_json::from_str(&rule).expect("a rule"));
        let mut orders = Vec::new();
        for _ in 0..8 {
            let found = kids(&served).await;
            let (all, kept): (BTreeSet<_>, BTreeSet<_>) =
                (found.iter().cloned().collect(), stable.iter().cloned().collect());
            assert_eq!((found.len(), all), (5, kept));
            orders.push(found);
        }
        assert_eq!(served.get("/.well-known/openid-configuration").await.status, 200);
        orders
    };
    let served = serve(Config { keys: keys(5, Signing::Newest, None), ..config(ES256) }).await;
    let unordered = Processing { unordered_keys: true, ..Processing::default() };
    served.idp.rules().add(Rule::everywhere().processing(unordered).probability(Probability::NEVER));
    let stable = kids(&served).await;
    for _ in 0..4 {
        assert_eq!(kids(&served).await, stable, "a rule that never acts draws nothing");
    }
    let drawn = orders(7).await;
    assert!(drawn.iter().collect::<BTreeSet<_>>().len() > 5, "{drawn:?}");
    assert_eq!(orders(7).await, drawn, "same seed, same orders");
    assert_ne!(orders(8).await, drawn);
}

#[tokio::test]
async fn documents_say_how_long_they_may_be_kept() {
    const DISCOVERY: &str = "/.well-known/openid-configuration";
    let told = async |served: &Served, path: &str| served.get(path).await.header("cache-control").map(str::to_owned);
    let says = |text: &str| CacheControl::says(text).expect("a header");
    let served = serve(config(ES256)).await;
    assert_eq!((told(&served, "/oauth2/jwks").await, told(&served, DISCOVERY).await), (None, None));
    served.idp.set_caching(Caching { jwks: says("max-age=300"), ..Caching::default() });
    assert_eq!(
        (told(&served, "/oauth2/jwks").await.as_deref(), told(&served, DISCOVERY).await),
        (Some("max-age=300"), None)
    );
    served.idp.set_caching(Caching { discovery: says("no-store"), ..Caching::default() });
    assert_eq!(
        (told(&served, "/oauth2/jwks").await, told(&served, DISCOVERY).await.as_deref()),
        (None, Some("no-store"))
    );
    served.idp.reset();
    assert_eq!(told(&served, DISCOVERY).await, None);

    let okta = "/oauth2/default/v1/keys";
    for (jwks, wanted) in [
        (CacheControl::OfDialect, Some("max-age=3832304, must-revalidate")),
        (CacheControl::Absent, None),
        (says("max-age=1"), Some("max-age=1")),
    ] {
        let caching = Caching { jwks, ..Caching::default() };
        let served = serve(Config { caching, dialect: Dialect::Okta, ..config(ES256) }).await;
        assert_eq!(told(&served, okta).await.as_deref(), wanted);
    }
    assert_eq!(CacheControl::says(""), Ok(CacheControl::Absent));
    let error = CacheControl::says("a\nb").expect_err("two lines").to_string();
    assert_eq!(error, r#"`Cache-Control` cannot say "a\nb": write one line of ASCII, as in `max-age=300`"#);
}

#[test]
fn a_file_says_how_long_documents_may_be_kept() {
    let text = "dialect: okta\ncaching: { jwks: max-age=60, discovery: '' }\n";
    let caching = Settings::parse(text, "idp.yaml").expect("a good file").idp().caching();
    assert_eq!(caching.jwks, CacheControl::says("max-age=60").expect("a header"));
    assert_eq!(caching.discovery, CacheControl::Absent);
    assert_eq!(Settings::parse("caching: {}\n", "idp.yaml").expect("a good file").idp().caching(), Caching::default());
    let errors = Settings::parse("caching: { jwks: \"a\\nb\" }\n", "idp.yaml").expect_err("two lines");
    assert!(errors[0].to_string().starts_with("idp.yaml:1:18: `Cache-Control` cannot say"), "{}", errors[0]);
}
