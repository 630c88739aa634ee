//! What a client of a configuration file proves itself by.

use super::ClientSettings;
use crate::config::AuthMethod;
use crate::file::{At, Complaint, Position};
use crate::tls::CertificateSubject;

/// Shortest secret of `client_secret_jwt`, in bytes: HMAC with SHA-256 needs as many (RFC 7518 §3.2).
const SHORTEST_KEY: usize = 32;

impl ClientSettings {
    /// What a method needs and this client does not have.
    pub(super) fn lacks(&self, method: AuthMethod) -> Option<(Position, Complaint)> {
        let (id, secret) = (&self.id.value, self.secret.expose());
        let lacks = |what: &str, hint: &str| {
            let complaint = Complaint::new(format!("`{id}` may authenticate by `{}`, and {what}", method.name()));
            Some((self.methods.at, complaint.hint(hint)))
        };
        let keys = self.keys().source();
        match method {
            AuthMethod::None => None,
            AuthMethod::Basic | AuthMethod::Post | AuthMethod::SecretJwt if secret.is_empty() => {
                let complaint = Complaint::new(format!("the secret of `{id}` is empty"));
                Some((self.id.at, complaint.hint("give it a `secret`, or `methods` that need none, such as `none`")))
            }
            AuthMethod::Basic | AuthMethod::Post => None,
            AuthMethod::SecretJwt if secret.len() < SHORTEST_KEY => {
                lacks("its secret is too short to sign with", "give it a `secret` of 32 bytes or more (RFC 7518 §3.2)")
            }
            AuthMethod::SecretJwt => None,
            AuthMethod::PrivateKeyJwt if matches!(keys, Ok(None)) => {
                lacks("nothing says what it signs with", "give it `jwks` or `jwks_uri`")
            }
            AuthMethod::Tls if matches!(self.subject(), Ok(None)) => lacks(
                "nothing says whose certificate that is",
                "give it `tls_client_auth_subject_dn`, or one of the others",
            ),
            AuthMethod::SelfSignedTls
                if !matches!(&keys, Ok(Some(keys)) if keys.may_have_certificates()) && keys.is_ok() =>
            {
                lacks("no certificate is known", "give it `certificates`, or keys with `x5c` or `x5t#S256`")
            }
            AuthMethod::PrivateKeyJwt | AuthMethod::Tls | AuthMethod::SelfSignedTls => None,
        }
    }

    /// What its certificate must say (RFC 8705 §2.1.2); `None` if nothing is said.
    ///
    /// # Errors
    ///
    /// What is wrong, and where.
    pub(super) fn subject(&self) -> Result<Option<CertificateSubject>, (Position, Complaint)> {
        type Read = fn(&str) -> Option<CertificateSubject>;
        let ways: [(&Option<At<String>>, Read, &str); 5] = [
            (
                &self.tls_client_auth_subject_dn,
                |text| text.parse().ok().map(CertificateSubject::Name),
                "write a distinguished name of RFC 4514, like `CN=worker,O=Example`",
            ),
            (&self.tls_client_auth_san_dns, |text| Some(CertificateSubject::Dns(text.to_owned())), "give a host name"),
            (&self.tls_client_auth_san_uri, |text| Some(CertificateSubject::Uri(text.to_owned())), "give a URI"),
            (
                &self.tls_client_auth_san_ip,
                |text| text.parse().ok().map(CertificateSubject::Ip),
                "give an IP address, such as `127.0.0.1`",
            ),
            (
                &self.tls_client_auth_san_email,
                |text| Some(CertificateSubject::Email(text.to_owned())),
                "give an address of mail",
            ),
        ];
        let mut said = ways.iter().filter_map(|(value, read, hint)| Some((value.as_ref()?, read, hint)));
        let Some((value, read, hint)) = said.next() else { return Ok(None) };
        if let Some((second, ..)) = said.next() {
            let complaint = Complaint::new("a certificate is known by one name, and here are two");
            return Err((second.at, complaint.hint("keep one of the keys `tls_client_auth_…`")));
        }
        match Some(value.as_str()).filter(|text| !text.is_empty()).and_then(read) {
            Some(subject) => Ok(Some(subject)),
            None => Err((value.at, Complaint::new(format!("`{}` is no such name", value.value)).hint(*hint))),
        }
    }
}
