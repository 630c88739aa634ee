//! Signing keys. Making an RSA key is slow, so that a process makes each key once and all instances share the pool.
//!
//! They sign by themselves and not through a JWT library, which would parse the private key for each signature: that
//! takes longer than to sign on P-256.

mod algorithm;
mod settings;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub use algorithm::Algorithm;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, ParsedPublicKey, RsaEncoding};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{CommonParameters, Jwk, PublicKeyUse};
use serde::Serialize;
pub use settings::{KeyCount, KeySettings, NoKeyCount, Signing};

/// A key with a name. Several names may be given to one key, and one name to several, one after the other.
pub(crate) struct SigningKey {
    pub(crate) kid: String,
    material: Arc<Material>,
}

/// A private key with its public form. Both are made by whoever asks first for what is in them, unless a thread of the
/// pool was faster: an RSA key takes some hundred milliseconds, which nobody shall wait for who asks for something else.
struct Material {
    algorithm: Algorithm,
    halves: OnceLock<Halves>,
}

struct Halves {
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
    /// The `number`th key (from 0) of the process for an algorithm, named by that.
    pub(crate) fn numbered(algorithm: Algorithm, number: usize) -> Arc<Self> {
        let kid = format!("{}-{}", algorithm.name(), number + 1).to_lowercase();
        Arc::new(Self { kid, material: from_pool(algorithm, number) })
    }

    /// The `number`th key of its algorithm, by this one's name.
    pub(crate) fn successor(&self, number: usize) -> Arc<Self> {
        Arc::new(Self { kid: self.kid.clone(), material: from_pool(self.algorithm(), number) })
    }

    /// Its algorithm.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.material.algorithm
    }

    /// Whether it is made: otherwise asking for more than its name waits.
    pub(crate) fn is_made(&self) -> bool {
        self.material.halves.get().is_some()
    }

    /// Makes it, or waits until it is made.
    pub(crate) fn make(&self) {
        self.material.halves();
    }

    /// Its public form (RFC 7517 §4).
    pub(crate) fn public(&self) -> Jwk {
        Jwk {
            common: CommonParameters {
                // Several validators take no other keys.
                public_key_use: Some(PublicKeyUse::Signature),
                key_algorithm: Some(self.algorithm().jwa()),
                key_id: Some(self.kid.clone()),
                ..CommonParameters::default()
            },
            algorithm: self.material.halves().pair.parameters(),
        }
    }

    /// Whether this is its signature of a message.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.material.halves().verifying.verify_sig(message, signature).is_ok()
    }

    /// A signed JWT of type `typ` (RFC 7515 §3.1).
    pub(crate) fn sign(&self, typ: &str, claims: &impl Serialize) -> String {
        let header = Header { typ, alg: self.algorithm().name(), kid: &self.kid };
        let header = serde_json::to_vec(&header).expect("a header is plain JSON");
        let claims = serde_json::to_vec(claims).expect("claims are plain JSON");
        // Header, claims and a signature of at most 256 bytes, in base64.
        let mut jwt = String::with_capacity((header.len() + claims.len() + 256) / 3 * 4 + 8);
        URL_SAFE_NO_PAD.encode_string(header, &mut jwt);
        jwt.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut jwt);
        let signature = self.material.halves().pair.sign(jwt.as_bytes());
        jwt.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut jwt);
        jwt
    }
}

impl Material {
    fn halves(&self) -> &Halves {
        self.halves.get_or_init(|| {
            let pair = self.algorithm.generate();
            let verifying = ParsedPublicKey::new(self.algorithm.verification(), pair.public_half())
                .expect("the public half of a fresh key is understood");
            Halves { pair, verifying }
        })
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

/// The `number`th key (from 0) of the process for an algorithm. One that is slow to make may still be in the making.
fn from_pool(algorithm: Algorithm, number: usize) -> Arc<Material> {
    static POOL: Mutex<BTreeMap<Algorithm, Vec<Arc<Material>>>> = Mutex::new(BTreeMap::new());
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let keys = pool.entry(algorithm).or_default();
    while keys.len() <= number {
        let key = Arc::new(Material { algorithm, halves: OnceLock::new() });
        keys.push(Arc::clone(&key));
        // Where there is no thread to be had, whoever needs it makes it.
        let _ = std::thread::Builder::new().name("signing-key".into()).spawn(move || {
            key.halves();
        });
    }
    Arc::clone(&keys[number])
}
