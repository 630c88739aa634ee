//! Public keys in a configuration file: of a client, or of an issuer that is trusted.

use serde_json::{Map, Value};

use crate::assertion::{KeySource, KeySourceError};
use crate::file::{At, Complaint, Position};

/// The three ways to say whose signatures are right, of which one at most may be taken.
pub(crate) struct Keys<'a> {
    pub(crate) jwks: Option<&'a At<Map<String, Value>>>,
    pub(crate) jwks_uri: Option<&'a At<String>>,
    pub(crate) certificates: Option<&'a At<String>>,
}

impl Keys<'_> {
    /// Where the keys come from; `None` if nothing is said.
    ///
    /// # Errors
    ///
    /// What is wrong, and where.
    pub(crate) fn source(&self) -> Result<Option<KeySource>, (Position, Complaint)> {
        let places = [
            self.jwks.map(|jwks| jwks.at),
            self.jwks_uri.map(|uri| uri.at),
            self.certificates.map(|certificates| certificates.at),
        ];
        // RFC 7591 §2: `jwks` and `jwks_uri` must not both be there.
        if let [_, second, ..] = places.into_iter().flatten().collect::<Vec<_>>().as_slice() {
            let complaint = Complaint::new("there is more than one of `jwks`, `jwks_uri` and `certificates`");
            return Err((*second, complaint.hint("keep one of them")));
        }
        let read = if let Some(jwks) = self.jwks {
            (jwks.at, KeySource::inline(Value::Object(jwks.value.clone())))
        } else if let Some(uri) = self.jwks_uri {
            (uri.at, KeySource::url(uri))
        } else if let Some(certificates) = self.certificates {
            (certificates.at, KeySource::certificates(certificates))
        } else {
            return Ok(None);
        };
        match read {
            (at, Ok(keys)) if !keys.may_have_keys() => {
                let complaint = Complaint::new("the key set has no key");
                Err((at, complaint.hint("give at least one public key, as in `keys: [{ kty: EC, … }]`")))
            }
            (_, Ok(keys)) => Ok(Some(keys)),
            (at, Err(error)) => Err((at, complaint(&error))),
        }
    }
}

/// What is wrong before the colon, what to do behind it, as all of these errors have it.
fn complaint(error: &KeySourceError) -> Complaint {
    let text = error.to_string();
    let (message, hint) = text.split_once(": ").unwrap_or((&text, ""));
    let message = match error {
        KeySourceError::NoKeySet(source) => format!("{message}: {source}"),
        _ => message.to_owned(),
    };
    match hint.is_empty() {
        true => Complaint::new(message),
        false => Complaint::new(message).hint(hint),
    }
}
