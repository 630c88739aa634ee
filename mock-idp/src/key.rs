//! Signing keys. Making an RSA key is slow, so that a process makes each key once and all instances share the pool.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{EncodingKey, Header};
use serde::Serialize;

/// Signature algorithm of JWTs (RFC 7518 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048 bits.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

/// A private key with its public form.
pub(crate) struct SigningKey {
    pub(crate) kid: String,
    pub(crate) public: Jwk,
    algorithm: jsonwebtoken::Algorithm,
    private: EncodingKey,
}

impl SigningKey {
    fn make(algorithm: Algorithm, number: usize) -> Self {
        let (algorithm, private) = match algorithm {
            Algorithm::Es256 => {
                let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                    .expect("P-256 keys can always be made");
                (jsonwebtoken::Algorithm::ES256, EncodingKey::from_ec_der(key.as_ref()))
            }
            Algorithm::Rs256 => {
                let key = KeyPair::generate(KeySize::Rsa2048).expect("RSA keys can always be made");
                let der = key.as_der().expect("a fresh key can be encoded");
                let private = EncodingKey::from_rsa_pem(pem(der.as_ref()).as_bytes()).expect("PKCS#8 is understood");
                (jsonwebtoken::Algorithm::RS256, private)
            }
        };
        let kid = format!("{algorithm:?}-{number}").to_lowercase();
        let mut public = Jwk::from_encoding_key(&private, algorithm).expect("a signing key has a public form");
        public.common.key_id = Some(kid.clone());
        // Several validators take no other keys.
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Self { kid, public, algorithm, private }
    }

    /// Its algorithm, as in `alg` (RFC 7518 §3.1).
    pub(crate) fn algorithm_name(&self) -> &'static str {
        match self.algorithm {
            jsonwebtoken::Algorithm::RS256 => "RS256",
            _ => "ES256",
        }
    }

    /// A signed JWT of type `typ`.
    pub(crate) fn sign(&self, typ: &str, claims: &impl Serialize) -> String {
        let mut header = Header::new(self.algorithm);
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.private).expect("claims are plain JSON and the key fits")
    }
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

/// The `number`th key (from 0) of the process for an algorithm.
pub(crate) fn from_pool(algorithm: Algorithm, number: usize) -> Arc<SigningKey> {
    static POOLS: LazyLock<[Mutex<Vec<Arc<SigningKey>>>; 2]> = LazyLock::new(Default::default);
    let pool = match algorithm {
        Algorithm::Rs256 => &POOLS[0],
        Algorithm::Es256 => &POOLS[1],
    };
    let mut pool = pool.lock().unwrap_or_else(PoisonError::into_inner);
    while pool.len() <= number {
        let next = pool.len();
        pool.push(Arc::new(SigningKey::make(algorithm, next + 1)));
    }
    Arc::clone(&pool[number])
}
