//! Signature algorithms of JWTs.

use aws_lc_rs::digest;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaEncoding, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, EllipticCurveKeyParameters, EllipticCurveKeyType, OctetKeyPairParameters,
    OctetKeyPairType, RSAKeyParameters, RSAKeyType,
};
use serde::Deserialize;

use super::Pair;

/// Signature algorithm of JWTs (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[cfg_attr(feature = "file", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048 bits.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384, 2048 bits.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512, 2048 bits.
    Rs512,
    /// RSASSA-PSS with SHA-256, 2048 bits.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Rs256, Self::Rs384, Self::Rs512, Self::Ps256, Self::Es256, Self::Es384, Self::EdDsa];

    /// `alg`, as in `ES256`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The hash that goes with it, for `at_hash` (OpenID Connect Core §3.1.3.6). Ed25519 has SHA-512 inside.
    pub(crate) fn hash(self) -> &'static digest::Algorithm {
        match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 => &digest::SHA256,
            Self::Rs384 | Self::Es384 => &digest::SHA384,
            Self::Rs512 | Self::EdDsa => &digest::SHA512,
        }
    }

    pub(super) fn jwa(self) -> jsonwebtoken::jwk::KeyAlgorithm {
        use jsonwebtoken::jwk::KeyAlgorithm;
        match self {
            Self::Rs256 => KeyAlgorithm::RS256,
            Self::Rs384 => KeyAlgorithm::RS384,
            Self::Rs512 => KeyAlgorithm::RS512,
            Self::Ps256 => KeyAlgorithm::PS256,
            Self::Es256 => KeyAlgorithm::ES256,
            Self::Es384 => KeyAlgorithm::ES384,
            Self::EdDsa => KeyAlgorithm::EdDSA,
        }
    }

    pub(super) fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            Self::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            Self::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
            Self::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
            Self::EdDsa => &signature::ED25519,
        }
    }

    /// A fresh key pair.
    pub(super) fn generate(self) -> Pair {
        match self {
            Self::Rs256 => rsa(&signature::RSA_PKCS1_SHA256),
            Self::Rs384 => rsa(&signature::RSA_PKCS1_SHA384),
            Self::Rs512 => rsa(&signature::RSA_PKCS1_SHA512),
            Self::Ps256 => rsa(&signature::RSA_PSS_SHA256),
            Self::Es256 => ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            Self::Es384 => ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            Self::EdDsa => Pair::Ed(Ed25519KeyPair::generate().expect("Ed25519 keys can always be made")),
        }
    }
}

fn rsa(encoding: &'static dyn RsaEncoding) -> Pair {
    Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("RSA keys can always be made"), encoding)
}

fn ec(curve: &'static EcdsaSigningAlgorithm) -> Pair {
    Pair::Ec(EcdsaKeyPair::generate(curve).expect("keys on a curve can always be made"))
}

impl Pair {
    /// The parameters of its public half (RFC 7518 §6, RFC 8037 §2).
    pub(super) fn parameters(&self) -> AlgorithmParameters {
        let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Rsa(pair, _) => {
                let public = pair.public_key();
                AlgorithmParameters::RSA(RSAKeyParameters {
                    key_type: RSAKeyType::RSA,
                    n: encoded(public.modulus().big_endian_without_leading_zero()),
                    e: encoded(public.exponent().big_endian_without_leading_zero()),
                })
            }
            Self::Ec(pair) => {
                // Uncompressed (SEC 1 §2.3.3): a byte 4, then both coordinates, each as long as the field.
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = if x.len() == 32 { EllipticCurve::P256 } else { EllipticCurve::P384 };
                AlgorithmParameters::EllipticCurve(EllipticCurveKeyParameters {
                    key_type: EllipticCurveKeyType::EC,
                    curve,
                    x: encoded(x),
                    y: encoded(y),
                })
            }
            Self::Ed(pair) => AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
                key_type: OctetKeyPairType::OctetKeyPair,
                curve: EllipticCurve::Ed25519,
                x: encoded(pair.public_key().as_ref()),
            }),
        }
    }
}
