//! What a client's certificate says.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::x509::X509Name;

use super::TlsError;

/// The certificates that the client of a connection has shown, its own first. They stand in the extensions of each
/// request on it. Whoever ends TLS elsewhere may put them there.
#[derive(Debug, Clone)]
pub struct PeerCertificates(pub Arc<[CertificateDer<'static>]>);

impl PeerCertificates {
    /// `x5t#S256` of the client's own certificate (RFC 8705 §3.1).
    pub fn thumbprint(&self) -> Option<String> {
        Some(thumbprint(self.0.first()?))
    }
}

pub(crate) fn thumbprint(der: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der))
}

/// What the certificate of a client with `tls_client_auth` must say; exactly one of these (RFC 8705 §2.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateSubject {
    /// `tls_client_auth_subject_dn`.
    Name(SubjectName),
    /// `tls_client_auth_san_dns`.
    Dns(String),
    /// `tls_client_auth_san_uri`.
    Uri(String),
    /// `tls_client_auth_san_ip`.
    Ip(IpAddr),
    /// `tls_client_auth_san_email`.
    Email(String),
}

/// A distinguished name (RFC 4514): attributes with their values, the last one of the certificate first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectName(Vec<(String, String)>);

/// Short names of attributes (RFC 4514 §3).
const ATTRIBUTES: &[(&str, &str)] = &[
    ("CN", "2.5.4.3"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("C", "2.5.4.6"),
    ("STREET", "2.5.4.9"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("UID", "0.9.2342.19200300.100.1.1"),
];

impl FromStr for SubjectName {
    type Err = TlsError;

    /// Reads `CN=worker,O=Example`; a comma or plus sign within a value is written with a backslash before it.
    fn from_str(text: &str) -> Result<Self, TlsError> {
        let mut attributes = Vec::new();
        let (mut name, mut value, mut in_value) = (String::new(), String::new(), false);
        let mut letters = text.chars();
        let finish = |name: &mut String, value: &mut String| -> Result<(String, String), TlsError> {
            let (name, value) = (std::mem::take(name), std::mem::take(value));
            let name = name.trim();
            let known = ATTRIBUTES.iter().find(|(short, _)| short.eq_ignore_ascii_case(name)).map(|(_, oid)| *oid);
            let dotted = name.contains('.') && name.split('.').all(|arc| arc.parse::<u64>().is_ok());
            let oid = known.or(dotted.then_some(name)).ok_or(TlsError::Name)?;
            match value.is_empty() {
                true => Err(TlsError::Name),
                false => Ok((oid.to_owned(), value)),
            }
        };
        while let Some(letter) = letters.next() {
            match letter {
                '\\' if in_value => value.push(letters.next().ok_or(TlsError::Name)?),
                ',' | '+' if in_value => {
                    attributes.push(finish(&mut name, &mut value)?);
                    in_value = false;
                }
                '=' if !in_value => in_value = true,
                letter if in_value => value.push(letter),
                letter => name.push(letter),
            }
        }
        attributes.push(finish(&mut name, &mut value)?);
        Ok(Self(attributes))
    }
}

impl SubjectName {
    fn is(&self, name: &X509Name<'_>) -> bool {
        let mut given: Vec<(String, String)> = Vec::new();
        for attribute in name.iter_attributes() {
            let Ok(value) = attribute.as_str() else { return false };
            given.push((attribute.attr_type().to_id_string(), value.to_owned()));
        }
        // A certificate has the widest part first, the text the narrowest (RFC 4514 §2.1).
        given.reverse();
        given == self.0
    }
}

impl CertificateSubject {
    /// Whether a certificate says this.
    pub(crate) fn is_in(&self, certificate: &CertificateDer<'_>) -> bool {
        let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return false };
        if let Self::Name(name) = self {
            return name.is(certificate.subject());
        }
        let Ok(Some(names)) = certificate.subject_alternative_name() else { return false };
        names.value.general_names.iter().any(|name| match (self, name) {
            (Self::Dns(wanted), GeneralName::DNSName(given)) => wanted.eq_ignore_ascii_case(given),
            (Self::Uri(wanted), GeneralName::URI(given)) => wanted == given,
            (Self::Email(wanted), GeneralName::RFC822Name(given)) => wanted == given,
            (Self::Ip(IpAddr::V4(wanted)), GeneralName::IPAddress(given)) => wanted.octets() == *given,
            (Self::Ip(IpAddr::V6(wanted)), GeneralName::IPAddress(given)) => wanted.octets() == *given,
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tls::Identity;

    fn name(text: &str) -> Result<SubjectName, TlsError> {
        text.parse()
    }

    #[test]
    fn a_name_is_read_as_rfc_4514_writes_it() {
        let attribute = |oid: &str, value: &str| (oid.to_owned(), value.to_owned());
        assert_eq!(
            name(r"CN=a\,b,o=Example+2.5.4.11=x").expect("a name").0,
            [attribute("2.5.4.3", "a,b"), attribute("2.5.4.10", "Example"), attribute("2.5.4.11", "x")]
        );
        for bad in ["", "worker", "CN=", "CN=a,", "XX=a", "CN=a\\"] {
            assert!(name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_certificate_is_known_by_each_of_its_names() {
        let certificate = &Identity::self_signed("worker.example").expect("a certificate").chain[0];
        for (right, subject) in [
            (true, CertificateSubject::Name(name("CN=worker.example").expect("a name"))),
            (false, CertificateSubject::Name(name("CN=worker.example,O=Example").expect("a name"))),
            (false, CertificateSubject::Name(name("CN=other").expect("a name"))),
            (true, CertificateSubject::Dns("Worker.example".into())),
            (false, CertificateSubject::Dns("example".into())),
            (true, CertificateSubject::Uri("urn:client:worker.example".into())),
            (false, CertificateSubject::Uri("worker.example".into())),
            (false, CertificateSubject::Ip(IpAddr::from([127, 0, 0, 1]))),
            (false, CertificateSubject::Email("worker.example".into())),
        ] {
            assert_eq!(subject.is_in(certificate), right, "{subject:?}");
        }
        assert!(!CertificateSubject::Dns("x".into()).is_in(&CertificateDer::from(vec![0x30, 0x80])));
    }

    proptest! {
        #[test]
        fn no_name_and_no_certificate_panics(text in ".{0,40}", der in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = name(&text);
            prop_assert!(!CertificateSubject::Dns(text).is_in(&CertificateDer::from(der)));
        }
    }
}
