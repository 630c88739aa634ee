//! The public key of a certificate.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Map, Value, json};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::{TlsError, thumbprint};

/// Curves by their ids (RFC 5480 §2.1.1.1), with their names (RFC 7518 §6.2.1.1).
const CURVES: [(&str, &str); 2] = [("1.2.840.10045.3.1.7", "P-256"), ("1.3.132.0.34", "P-384")];

/// The certificates of a PEM text as a key set (RFC 7517 §5), each with itself in it (`x5c`, `x5t#S256`).
///
/// # Errors
///
/// If there is none, or one with a key of another kind.
pub(crate) fn jwks(pem: &str) -> Result<Value, TlsError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let certificates = certificates.ok().filter(|all| !all.is_empty()).ok_or(TlsError::Pem)?;
    let keys: Result<Vec<Value>, TlsError> = certificates.iter().map(jwk).collect();
    Ok(json!({ "keys": keys? }))
}

fn jwk(certificate: &CertificateDer<'_>) -> Result<Value, TlsError> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| TlsError::Pem)?;
    let mut jwk = parameters(parsed.public_key()).ok_or(TlsError::Key)?;
    jwk.insert("x5c".into(), json!([STANDARD.encode(certificate)]));
    jwk.insert("x5t#S256".into(), thumbprint(certificate).into());
    Ok(Value::Object(jwk))
}

/// RFC 7518 §6.2.1 and §6.3.1.
fn parameters(key: &SubjectPublicKeyInfo<'_>) -> Option<Map<String, Value>> {
    let number = |bytes: &[u8]| Value::from(URL_SAFE_NO_PAD.encode(bytes));
    let parameters = match key.parsed().ok()? {
        PublicKey::RSA(rsa) => {
            // DER has a zero in front of what would be a negative number.
            let modulus = rsa.modulus.strip_prefix(&[0]).unwrap_or(rsa.modulus);
            json!({"kty": "RSA", "n": number(modulus), "e": number(rsa.exponent)})
        }
        PublicKey::EC(point) => {
            let curve = key.algorithm.parameters.as_ref()?.as_oid().ok()?.to_id_string();
            let (_, curve) = CURVES.iter().find(|(id, _)| *id == curve)?;
            // SEC 1 §2.3.3: uncompressed, both coordinates of the same length.
            let coordinates = point.data().strip_prefix(&[4])?;
            let (x, y) = coordinates.split_at(coordinates.len() / 2);
            json!({"kty": "EC", "crv": curve, "x": number(x), "y": number(y)})
        }
        _ => return None,
    };
    parameters.as_object().cloned()
}
