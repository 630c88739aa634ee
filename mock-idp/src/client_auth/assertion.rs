//! `client_secret_jwt` and `private_key_jwt` (OpenID Connect Core 1.0 §9, RFC 7521 §4.2, RFC 7523 §2.2).

use jsonwebtoken::AlgorithmFamily;

use super::{Credentials, Proof, Visit};
use crate::assertion::{Flaw, Jwt};
use crate::config::{AuthMethod, Client};
use crate::endpoint::Form;
use crate::error::{Cause, OAuthError};
use crate::store::Store;

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Fewer bytes of secret than of hash make the MAC worth less than it looks (RFC 7518 §3.2).
fn shortest_secret(algorithm: jsonwebtoken::Algorithm) -> usize {
    match algorithm {
        jsonwebtoken::Algorithm::HS512 => 64,
        jsonwebtoken::Algorithm::HS384 => 48,
        _ => 32,
    }
}

pub(super) fn read(form: &Form) -> Result<Option<Credentials>, OAuthError> {
    match (form.get("client_assertion_type"), form.get("client_assertion")) {
        (None, None) => Ok(None),
        (Some(TYPE), Some(text)) => {
            let jwt = Jwt::parse(text).map_err(|flaw| refused(&flaw))?;
            let id = jwt.text("sub").ok_or_else(|| refused(&"sub is missing".into()))?.to_owned();
            Ok(Some(Credentials { id, proof: Proof::Assertion(Box::new(jwt), text.len()) }))
        }
        (Some(_), Some(_)) => Err(refused(&"client_assertion_type is not that of a JWT".into())),
        _ => {
            let text = "client_assertion and client_assertion_type stand together or not at all";
            Err(OAuthError::new(Cause::MalformedRequest, text))
        }
    }
}

/// Whether the assertion is the client's own, meant for this server, and new. Gives the method that it belongs to.
pub(super) fn check(
    client: &Client,
    jwt: &Jwt,
    length: usize,
    visit: &Visit<'_>,
    store: &mut Store,
) -> Result<AuthMethod, OAuthError> {
    let until_ms = examine(client, jwt, length, visit, store).map_err(|flaw| refused(&flaw))?;
    if let Some(jti) = jwt.text("jti")
        && !store.proofs.replays.first_use(&["client", &client.id, jti], until_ms, visit.now_ms)
    {
        let error = OAuthError::client(Cause::ClientAssertionReplayed);
        return Err(error.because("the client assertion was used before"));
    }
    match jwt.algorithm.family() {
        AlgorithmFamily::Hmac => Ok(AuthMethod::SecretJwt),
        _ => Ok(AuthMethod::PrivateKeyJwt),
    }
}

fn examine(client: &Client, jwt: &Jwt, length: usize, visit: &Visit<'_>, store: &Store) -> Result<i64, Flaw> {
    let rules = &store.proofs.client_rules;
    rules.check_length(length)?;
    if jwt.algorithm.family() == AlgorithmFamily::Hmac {
        let live = client.secrets.iter().filter(|one| one.has_begun(visit.now_ms) && !one.is_over(visit.now_ms));
        let long = live.filter(|one| one.value.expose().len() >= shortest_secret(jwt.algorithm));
        // All are tried, for the time that it takes.
        if long.filter(|one| jwt.verify_secret(&one.value)).count() == 0 {
            return Err("none of the client's secrets that are long enough for its algorithm has signed it".into());
        }
    } else {
        let keys = client.keys.as_ref().ok_or("the client has no keys")?;
        jwt.verify(&*keys.keys(&visit.call.keys)?)?;
    }
    // RFC 7523 §3: the client speaks for itself, and nobody else does.
    if jwt.text("iss") != Some(&client.id) {
        return Err("iss is not the client".into());
    }
    rules.check(jwt, &visit.place(), visit.now_ms)
}

fn refused(flaw: &Flaw) -> OAuthError {
    OAuthError::client(Cause::BadClientAssertion).because(format!("the client assertion is refused: {flaw}"))
}
