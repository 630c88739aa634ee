//! HTTPS of a configuration file.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use crate::file::{At, Complaint, Problems};
use crate::tls::ClientAuthorities;

/// HTTPS instead of HTTP, with a certificate of an authority that is made anew at each start.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HttpsSettings {
    /// Where the authority's certificate is written, in PEM, for clients to trust; from the folder of the configuration
    /// file. Default: a temporary file, which is told, and removed at the end.
    pub ca_file: Option<At<PathBuf>>,
    /// Who vouches for the certificates of clients with `tls_client_auth` (RFC 8705 §2.1): their certificates in PEM, one
    /// behind the other.
    pub client_authorities: Option<At<String>>,
}

impl HttpsSettings {
    /// What the model cannot say.
    pub(super) fn check(&self, problems: &mut Problems) {
        if let Some(path) = self.ca_file.as_ref().filter(|path| path.file_name().is_none()) {
            let complaint = Complaint::new(format!("`{}` is no name of a file", path.display()));
            problems.add(path.at, complaint.hint("give a path such as `ca.pem`"));
        }
        if let Some(pem) = &self.client_authorities
            && let Err(error) = ClientAuthorities::in_pem(pem)
        {
            let complaint = Complaint::new(error.to_string());
            problems
                .add(pem.at, complaint.hint("give certificates of authorities, from -----BEGIN CERTIFICATE----- on"));
        }
    }

    /// Who vouches for clients, if anybody is named.
    pub(super) fn authorities(&self) -> Option<ClientAuthorities> {
        ClientAuthorities::in_pem(self.client_authorities.as_ref()?).ok()
    }
}

/// A key that stands there asks for HTTPS, though nothing follows it: YAML reads that as no value.
pub(super) fn wanted<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<HttpsSettings>, D::Error> {
    let settings = Option::<HttpsSettings>::deserialize(deserializer)?;
    Ok(Some(settings.unwrap_or_default()))
}
