//! A certificate authority for one test run. Its key never leaves the process.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, LazyLock};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::TlsError;
use crate::secret::Secret;

/// Makes certificates for servers and clients of a test. Its own certificate is what workers must trust.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its private key.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate, and those between it and its authority.
    pub chain: Vec<CertificateDer<'static>>,
    key: Secret,
}

impl Authority {
    /// The authority of this process: made when it is first asked for, different in each process.
    pub fn of_process() -> Arc<Self> {
        static SHARED: LazyLock<Arc<Authority>> = LazyLock::new(|| {
            Arc::new(Authority::new("mock-idp test authority").expect("P-256 keys can always be made"))
        });
        Arc::clone(&SHARED)
    }

    /// Another authority, for whoever must not be trusted.
    ///
    /// # Errors
    ///
    /// If the name is none for a certificate.
    pub fn new(name: &str) -> Result<Self, TlsError> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(TlsError::Make)?;
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(TlsError::Make)?;
        Ok(Self { issuer })
    }

    /// Its certificate, in PEM: what a worker's trust file holds.
    pub fn certificate_pem(&self) -> String {
        self.issuer.pem()
    }

    /// Its certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        self.issuer.der()
    }

    /// Writes its certificate to a file that every user may read. The file is there whole or not at all.
    ///
    /// # Errors
    ///
    /// If the file cannot be written beside `path` or put there.
    pub fn write_certificate(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut aside = tempfile::Builder::new().prefix(".authority-").suffix(".pem").tempfile_in(folder)?;
        aside.write_all(self.certificate_pem().as_bytes())?;
        aside.as_file().sync_all()?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            // A file made aside is the user's own; workers may run as another one.
            aside.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        }
        aside.persist(path)?;
        Ok(())
    }

    /// A certificate for a server with these names and addresses.
    ///
    /// # Errors
    ///
    /// If one of them is neither a host name nor an IP address.
    pub fn server(&self, names: &[&str]) -> Result<Identity, TlsError> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).map_err(TlsError::Make)?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params)
    }

    /// A certificate for a client (RFC 8705 §2.1), with `CN=name`, and that name as its DNS name.
    ///
    /// # Errors
    ///
    /// If the name is no host name.
    pub fn client(&self, name: &str) -> Result<Identity, TlsError> {
        self.sign(client_params(name)?)
    }

    fn sign(&self, mut params: CertificateParams) -> Result<Identity, TlsError> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(TlsError::Make)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(TlsError::Make)?;
        Ok(Identity { chain: vec![certificate.der().clone()], key: Secret::new(key.serialize_pem()) })
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Identity {
    /// A client's certificate that no authority vouches for (RFC 8705 §2.2).
    ///
    /// # Errors
    ///
    /// If the name is no host name.
    pub fn self_signed(name: &str) -> Result<Self, TlsError> {
        let key = KeyPair::generate().map_err(TlsError::Make)?;
        let certificate = client_params(name)?.self_signed(&key).map_err(TlsError::Make)?;
        Ok(Self { chain: vec![certificate.der().clone()], key: Secret::new(key.serialize_pem()) })
    }

    /// The certificates, in PEM, its own first.
    pub fn chain_pem(&self) -> String {
        self.chain.iter().map(|certificate| pem("CERTIFICATE", certificate)).collect()
    }

    /// The private key in PEM (PKCS#8).
    pub fn key_pem(&self) -> &Secret {
        &self.key
    }

    /// The private key as TLS libraries take it.
    ///
    /// # Errors
    ///
    /// Never for what this crate made.
    pub fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        let key = KeyPair::from_pem(self.key.expose()).map_err(TlsError::Make)?;
        Ok(PrivatePkcs8KeyDer::from(key.serialize_der()).into())
    }
}

fn client_params(name: &str) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::new(vec![name.to_owned()]).map_err(TlsError::Make)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.subject_alt_names.push(SanType::URI(format!("urn:client:{name}").try_into().map_err(TlsError::Make)?));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Trust in these authorities.
pub(super) fn roots<'a>(
    certificates: impl IntoIterator<Item = &'a CertificateDer<'static>>,
) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate.clone()).map_err(TlsError::Use)?;
    }
    Ok(roots)
}
