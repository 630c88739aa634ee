//! Signing keys. Making an RSA key is slow, so that a process makes each key once and all instances share the pool.
//!
//! They sign by themselves and not through a JWT library, which would parse the private key for each signature: that
//! takes longer than to sign on P-256.

mod algorithm;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

pub use algorithm::Algorithm;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, ParsedPublicKey, RsaEncoding};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{CommonParameters, Jwk, PublicKeyUse};
use serde::Serialize;

/// A private key with its public form.
pub(crate) struct SigningKey {
    pub(crate) kid: String,
    pub(crate) public: Jwk,
    algorithm: Algorithm,
    pair: Pair,
    verifying: ParsedPublicKey,
}

/// A key pair, parsed.
enum Pair {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

/// The header of a JWT (RFC 7515 §4.1).
#[derive(Serialize)]
struct Header<'a> {
    typ: &'a str,
    alg: &'static str,
    kid: &'a str,
}

impl SigningKey {
    fn make(algorithm: Algorithm, number: usize) -> Self {
        let pair = algorithm.generate();
        let kid = format!("{}-{number}", algorithm.name()).to_lowercase();
        let public = Jwk {
            common: CommonParameters {
                // Several validators take no other keys.
                public_key_use: Some(PublicKeyUse::Signature),
                key_algorithm: Some(algorithm.jwa()),
                key_id: Some(kid.clone()),
                ..CommonParameters::default()
            },
            algorithm: pair.parameters(),
        };
        let verifying = ParsedPublicKey::new(algorithm.verification(), pair.public_half())
            .expect("the public half of a fresh key is understood");
        Self { kid, public, algorithm, pair, verifying }
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether this is its signature of a message.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verifying.verify_sig(message, signature).is_ok()
    }

    /// Its algorithm.
    /// A signed JWT of type `typ` (RFC 7515 §3.1).
    pub(crate) fn sign(&self, typ: &str, claims: &impl Serialize) -> String {
        let header = Header { typ, alg: self.algorithm.name(), kid: &self.kid };
        let header = serde_json::to_vec(&header).expect("a header is plain JSON");
        let claims = serde_json::to_vec(claims).expect("claims are plain JSON");
        // Header, claims and a signature of at most 256 bytes, in base64.
        let mut jwt = String::with_capacity((header.len() + claims.len() + 256) / 3 * 4 + 8);
        URL_SAFE_NO_PAD.encode_string(header, &mut jwt);
        jwt.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut jwt);
        let signature = self.pair.sign(jwt.as_bytes());
        jwt.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut jwt);
        jwt
    }
}

impl Pair {
    fn public_half(&self) -> &[u8] {
        match self {
            Self::Rsa(pair, _) => pair.public_key().as_ref(),
            Self::Ec(pair) => pair.public_key().as_ref(),
            Self::Ed(pair) => pair.public_key().as_ref(),
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature).expect("the key is as long as its padding asks");
                signature
            }
            Self::Ec(pair) => pair.sign(&random, message).expect("a key on a curve always signs").as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

/// The `number`th key (from 0) of the process for an algorithm.
pub(crate) fn from_pool(algorithm: Algorithm, number: usize) -> Arc<SigningKey> {
    static POOL: Mutex<BTreeMap<Algorithm, Vec<Arc<SigningKey>>>> = Mutex::new(BTreeMap::new());
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let keys = pool.entry(algorithm).or_default();
    while keys.len() <= number {
        let next = keys.len() + 1;
        keys.push(Arc::new(SigningKey::make(algorithm, next)));
    }
    Arc::clone(&keys[number])
}
