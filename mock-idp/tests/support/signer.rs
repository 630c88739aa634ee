//! Somebody who signs JWTs.

use aws_lc_rs::signature::Ed25519KeyPair;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mock_idp::KeySource;
use serde_json::{Value, json};

/// A key pair.
pub struct Signer {
    pub jwk: Jwk,
    key: EncodingKey,
    algorithm: Algorithm,
}

impl Signer {
    /// A fresh key pair, with `kid`.
    pub fn new(algorithm: Algorithm, kid: &str) -> Self {
        let pem = |pair: Result<rcgen::KeyPair, rcgen::Error>| pair.expect("a key pair").serialize_pem();
        let key = match algorithm {
            Algorithm::ES256 => {
                EncodingKey::from_ec_pem(pem(rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)).as_bytes())
            }
            Algorithm::ES384 => {
                EncodingKey::from_ec_pem(pem(rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384)).as_bytes())
            }
            Algorithm::EdDSA => {
                let random = aws_lc_rs::rand::SystemRandom::new();
                Ok(EncodingKey::from_ed_der(Ed25519KeyPair::generate_pkcs8v1(&random).expect("a key pair").as_ref()))
            }
            _ => EncodingKey::from_rsa_pem(
                pem(rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)).as_bytes(),
            ),
        };
        let key = key.expect("a key");
        let mut jwk = Jwk::from_encoding_key(&key, algorithm).expect("a public key");
        jwk.common.key_id = Some(kid.to_owned());
        Self { jwk, key, algorithm }
    }

    /// A signer by a shared secret.
    pub fn shared(algorithm: Algorithm, secret: &str) -> Self {
        let key = EncodingKey::from_secret(secret.as_bytes());
        Self { jwk: Jwk::from_encoding_key(&key, algorithm).expect("a key"), key, algorithm }
    }

    /// Its key set.
    pub fn keys(&self) -> KeySource {
        KeySource::inline(json!({"keys": [self.jwk]})).expect("a key set")
    }

    /// A JWT with its `kid`.
    pub fn jwt(&self, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid.clone_from(&self.jwk.common.key_id);
        self.sign(&header, claims)
    }

    /// A JWT with this header.
    pub fn sign(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).expect("a JWT")
    }

    /// A DPoP proof (RFC 9449 §4.2).
    pub fn proof(&self, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.typ = Some("dpop+jwt".into());
        let mut jwk = self.jwk.clone();
        jwk.common = jsonwebtoken::jwk::CommonParameters::default();
        header.jwk = Some(jwk);
        self.sign(&header, claims)
    }

    /// Thumbprint of its key (RFC 7638).
    pub fn jkt(&self) -> String {
        self.jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).expect("a thumbprint")
    }
}

/// The same claims with these changed; `null` removes one.
pub fn with(claims: &Value, changes: Value) -> Value {
    let mut claims = claims.clone();
    let fields = claims.as_object_mut().expect("claims");
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    for (name, value) in changes {
        match value {
            Value::Null => fields.remove(&name),
            value => fields.insert(name, value),
        };
    }
    claims
}
