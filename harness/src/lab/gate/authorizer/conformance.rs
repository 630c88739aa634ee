//! The authorizer beside what a real server said: `scenarios/conformance`.

use std::collections::BTreeMap;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use regex::Regex;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Authorizer, Body, Settings, namespace};

const CASES: &str = include_str!("../../../../../scenarios/conformance/cases.json");
const VERDICTS: &str = include_str!("../../../../../scenarios/conformance/verdicts.json");
const WORKFLOW_SERVICE: &str = "/temporal.api.workflowservice.v1.WorkflowService/";
const NOW_S: i64 = 1_800_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    #[serde(rename = "about")]
    _about: String,
    rpcs: Vec<String>,
    groups: Vec<Group<Shape>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verdicts {
    server: String,
    refusal: Refused,
    groups: Vec<Group<Row>>,
}

#[derive(Deserialize)]
struct Refused {
    code: i32,
    message: String,
    detail: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group<T> {
    authorizer: Operator,
    tokens: Vec<T>,
}

#[derive(Deserialize, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
struct Operator {
    audience: Option<String>,
    permissions_claim: Option<String>,
    permissions_regex: Option<String>,
    header: Option<String>,
}

impl Operator {
    fn settings(&self) -> Settings {
        Settings {
            audience: self.audience.clone(),
            permissions_claim: self.permissions_claim.clone(),
            permissions_regex: self.permissions_regex.as_deref().map(|regex| Regex::new(regex).unwrap()),
            header: self.header.clone(),
            ..Settings::default()
        }
    }
}

#[derive(Deserialize)]
struct Row {
    name: String,
    allowed: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    name: String,
    #[serde(default, deserialize_with = "said")]
    header: Option<Value>,
    header_name: Option<String>,
    alg: Option<String>,
    key: Option<String>,
    #[serde(default, deserialize_with = "said")]
    kid: Option<Value>,
    #[serde(default, deserialize_with = "said")]
    typ: Option<Value>,
    crit: Option<Vec<String>>,
    #[serde(default)]
    claims: serde_json::Map<String, Value>,
}

/// `null` is said, too.
fn said<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
}

struct Keys {
    signing: BTreeMap<&'static str, EncodingKey>,
    jwks: Vec<u8>,
}

impl Keys {
    fn new() -> Self {
        let rsa = || {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
            let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
            let pem =
                format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der.as_ref()));
            EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap()
        };
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let signing = BTreeMap::from([
            ("rsa", rsa()),
            ("rsa-2", rsa()),
            ("unknown", rsa()),
            ("ec", EncodingKey::from_ec_der(der.as_ref())),
        ]);
        let known = signing.iter().filter(|(name, _)| **name != "unknown").map(|(name, key)| {
            let algorithm = if *name == "ec" { Algorithm::ES256 } else { Algorithm::RS256 };
            let mut jwk = Jwk::from_encoding_key(key, algorithm).unwrap();
            jwk.common.key_id = Some((*name).to_owned());
            jwk
        });
        let jwks = json!({ "keys": known.collect::<Vec<_>>() }).to_string().into_bytes();
        Self { signing, jwks }
    }
}

impl Shape {
    fn headers(&self, keys: &Keys) -> HeaderMap {
        let template = match &self.header {
            None => "Bearer {token}",
            Some(Value::Null) => return HeaderMap::new(),
            Some(text) => text.as_str().unwrap(),
        };
        let mut value = template.to_owned();
        if template.contains("{token") {
            let token = self.token(keys);
            value = value.replace("{token}", &token);
            value = value.replace("{token:cut}", &token[..token.len() - 86]);
        }
        let name = self.header_name.as_deref().unwrap_or("authorization").parse::<HeaderName>().unwrap();
        HeaderMap::from_iter([(name, HeaderValue::from_str(&value).unwrap())])
    }

    fn token(&self, keys: &Keys) -> String {
        let algorithm = self.alg.as_deref().unwrap_or("RS256");
        let key = self.key.as_deref().unwrap_or("rsa");
        let mut head = json!({ "alg": algorithm, "typ": "JWT", "kid": key });
        for (name, value) in [("kid", &self.kid), ("typ", &self.typ)] {
            match value {
                None => {}
                Some(Value::Null) => drop(head.as_object_mut().unwrap().remove(name)),
                Some(value) => head[name] = value.clone(),
            }
        }
        if let Some(crit) = &self.crit {
            head["crit"] = json!(crit);
        }
        let claims = self.claims.iter().map(|(name, value)| (name.clone(), at(value)));
        let claims: serde_json::Map<String, Value> = claims.collect();
        let part = |value: String| URL_SAFE_NO_PAD.encode(value);
        let message = format!("{}.{}", part(head.to_string()), part(Value::Object(claims).to_string()));
        let signature = match algorithm {
            "none" => String::new(),
            "HS256" => {
                let secret = EncodingKey::from_secret(b"a secret that nobody has set");
                crypto::sign(message.as_bytes(), &secret, Algorithm::HS256).unwrap()
            }
            name => crypto::sign(message.as_bytes(), &keys.signing[key], name.parse().unwrap()).unwrap(),
        };
        format!("{message}.{signature}")
    }
}

fn at(value: &Value) -> Value {
    match value.get("$now") {
        Some(later) if later.is_i64() => json!(NOW_S + later.as_i64().unwrap()),
        Some(later) => json!(NOW_S as f64 + later.as_f64().unwrap()),
        None => value.clone(),
    }
}

/// An empty request but for the namespace `default`.
fn message(path: &str) -> Vec<u8> {
    let field = super::Method::at(path).namespace_field;
    let mut message = Vec::new();
    if let Some(field) = field {
        prost::encoding::string::encode(field, &"default".to_owned(), &mut message);
    }
    message
}

/// The type of the only detail of a refusal, as `google.protobuf.Any` names it.
fn detail_of(reply: &Response<Body>) -> String {
    let details = STANDARD_NO_PAD.decode(&reply.headers()["grpc-status-details-bin"]).unwrap();
    let any = namespace::bytes_in(&details, 3).unwrap();
    namespace::named_in(&any, 1).unwrap()
}

#[test]
fn a_refusal_is_worded_as_by_the_real_server() {
    let verdicts: Verdicts = serde_json::from_str(VERDICTS).unwrap();
    let authorizer = Authorizer::new(Settings::default());
    let path = format!("{WORKFLOW_SERVICE}PollActivityTaskQueue");
    let refused = authorizer.judge(&path, &HeaderMap::new(), &message(&path), NOW_S).unwrap_err();
    let reply = refused.reply();
    let said = |name: &str| reply.headers()[name].to_str().unwrap();
    assert_eq!(said("grpc-status"), verdicts.refusal.code.to_string());
    assert_eq!(said("grpc-message"), verdicts.refusal.message);
    assert_eq!(detail_of(&reply), format!("type.googleapis.com/{}", verdicts.refusal.detail));
    assert_eq!(refused.reason, "no_token");
}

#[test]
#[expect(clippy::print_stdout, reason = "how many rows were compared is part of what the test tells")]
fn every_verdict_is_that_of_the_real_server() {
    let cases: Cases = serde_json::from_str(CASES).unwrap();
    let verdicts: Verdicts = serde_json::from_str(VERDICTS).unwrap();
    assert_eq!(cases.groups.len(), verdicts.groups.len(), "record the verdicts anew");
    let keys = Keys::new();
    let (mut rows, mut wrong) = (0, Vec::new());
    for (group, said) in cases.groups.iter().zip(&verdicts.groups) {
        assert_eq!(group.authorizer, said.authorizer, "record the verdicts anew");
        let authorizer = Authorizer::new(group.authorizer.settings());
        authorizer.keys().replace(&keys.jwks).unwrap();
        assert_eq!(group.tokens.len(), said.tokens.len(), "record the verdicts anew");
        for (shape, row) in group.tokens.iter().zip(&said.tokens) {
            assert_eq!(shape.name, row.name, "record the verdicts anew");
            let headers = shape.headers(&keys);
            for rpc in &cases.rpcs {
                let path = if rpc.contains('/') { format!("/{rpc}") } else { format!("{WORKFLOW_SERVICE}{rpc}") };
                let ours = authorizer.judge(&path, &headers, &message(&path), NOW_S);
                let theirs = row.allowed.contains(rpc);
                rows += 1;
                if ours.is_ok() != theirs {
                    wrong.push(format!("{} · {rpc}: {ours:?}, the server {theirs}", shape.name));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {rows} differ:\n{}", wrong.len(), wrong.join("\n"));
    println!("{rows} verdicts of Temporal server {} agree", verdicts.server);
    assert!(rows >= 60 * 16, "{rows}");
}
