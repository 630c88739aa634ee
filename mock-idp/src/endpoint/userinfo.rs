//! UserInfo (OpenID Connect Core §5.3): a resource that is protected by access tokens (RFC 6750), bound ones too
//! (RFC 9449 §7, RFC 8705 §3).

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::{Call, Form, Reply};
use crate::config::Listener;
use crate::dpop::Presented;
use crate::error::{Cause, OAuthError};
use crate::fault::HttpReply;
use crate::holder::Binding;
use crate::store::Store;
use crate::token::TokenKind;

pub(super) fn run(call: &Call, listener: &Listener, store: &Store, now_ms: i64) -> Reply {
    match claims(call, listener, store, now_ms) {
        Ok(claims) => Reply::json(StatusCode::OK, &claims).uncached(),
        Err(error) => refusal(&error),
    }
}

fn claims(call: &Call, listener: &Listener, store: &Store, now_ms: i64) -> Result<Value, OAuthError> {
    let form = call.form.as_ref().map_err(Clone::clone)?.once()?;
    let missing = || OAuthError::new(Cause::BearerMissing, "no access token was sent");
    let presented = presented(&call.headers, form)?.ok_or_else(missing)?;
    let dead = || OAuthError::new(Cause::BearerInvalid, "the access token is unknown or dead");
    let token = store.find(presented.token).filter(|token| token.kind == TokenKind::Access && token.is_live(now_ms));
    let token = token.ok_or_else(dead)?;
    let binding = token.holder.as_ref().map(|holder| holder.binding.clone()).unwrap_or_default();
    prove(call, listener, store, &presented, &binding, now_ms)?;
    let refused = |text| OAuthError::new(Cause::BearerScope, text);
    if !token.scopes.iter().any(|scope| scope == "openid") {
        return Err(refused("the access token has not the scope openid"));
    }
    // A token that no user stands behind has nothing to tell.
    let consent = store.logins.consent(token.family, now_ms);
    let consent = consent.ok_or_else(|| refused("the access token speaks for no user"))?;
    let subject = &consent.authentication.subject;
    let told = store.logins.user(subject).map(|user| Value::Object(user.told(&token.scopes)));
    Ok(told.unwrap_or_else(|| json!({"sub": subject})))
}

/// Whoever presents a bound token must prove that it is its (RFC 9449 §7.1, RFC 8705 §3).
fn prove(
    call: &Call,
    listener: &Listener,
    store: &Store,
    presented: &AccessToken<'_>,
    binding: &Binding,
    now_ms: i64,
) -> Result<(), OAuthError> {
    let refused = |text: String| OAuthError::new(Cause::BearerInvalid, text);
    let to_key = binding.jkt.is_some();
    if to_key != (presented.scheme == Scheme::Dpop) {
        let scheme = if to_key { "DPoP" } else { "Bearer" };
        return Err(refused(format!("the access token is one for the scheme {scheme}")));
    }
    if to_key {
        let url = format!("{}{}", listener.origin, call.path);
        let method = call.method.as_str();
        let proof = Presented { headers: &call.headers, method, url: &url, access_token: Some(presented.token) };
        store.proofs.dpop.verify_presented(&proof, binding, now_ms).map_err(|error| refused(error.to_string()))?;
    }
    let shown = call.peer.as_ref().and_then(|peer| peer.thumbprint());
    if binding.x5t_s256.is_some() && binding.x5t_s256 != shown {
        return Err(refused("the access token is bound to another certificate than that of the connection".into()));
    }
    Ok(())
}

/// How an access token is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// RFC 6750, in the form as well.
    Bearer,
    /// RFC 9449 §7.1.
    Dpop,
}

/// An access token that a request presents.
pub(crate) struct AccessToken<'a> {
    pub(crate) token: &'a str,
    pub(crate) scheme: Scheme,
}

/// The access token of a request: in the header or in the form (RFC 6750 §2).
///
/// # Errors
///
/// `invalid_request` if it stands in both, or in a header that cannot be read.
pub(crate) fn presented<'a>(headers: &'a HeaderMap, form: &'a Form) -> Result<Option<AccessToken<'a>>, OAuthError> {
    let malformed = |text: &str| Err(OAuthError::new(Cause::MalformedRequest, text));
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let header = match (values.next(), values.next()) {
        (_, Some(_)) => return malformed("the Authorization header stands twice"),
        (value, None) => value.and_then(|value| value.to_str().ok()).and_then(|value| value.split_once(' ')),
    };
    // Another scheme: nothing that this resource knows was sent.
    let schemes = [("bearer", Scheme::Bearer), ("dpop", Scheme::Dpop)];
    let in_header = header.and_then(|(name, token)| {
        let (_, scheme) = schemes.into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known))?;
        Some(AccessToken { token: token.trim(), scheme })
    });
    match (in_header, form.get("access_token")) {
        (Some(_), Some(_)) => malformed("the access token stands in the header and in the form"),
        (None, in_form) => Ok(in_form.map(|token| AccessToken { token, scheme: Scheme::Bearer })),
        (in_header, None) => Ok(in_header),
    }
}

/// RFC 6750 §3: the challenge says what is wrong, but nothing if no token was sent.
fn refusal(error: &OAuthError) -> Reply {
    let status = StatusCode::from_u16(error.cause.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let (code, said) = (error.cause.code(), &error.description);
    let silent = error.cause == Cause::BearerMissing;
    let challenge = match (silent, error.cause) {
        (true, _) => r#"Bearer realm="mock-idp""#.to_owned(),
        (_, Cause::BearerScope) => {
            format!(r#"Bearer realm="mock-idp", error="{code}", error_description="{said}", scope="openid""#)
        }
        _ => format!(r#"Bearer realm="mock-idp", error="{code}", error_description="{said}""#),
    };
    let mut http = match silent {
        true => HttpReply::new(status).uncached(),
        false => HttpReply::json(status, &json!({"error": code, "error_description": said})).uncached(),
    };
    // A description has no quotation mark, no backslash, and nothing but ASCII.
    http.headers.insert(WWW_AUTHENTICATE, HeaderValue::try_from(challenge).expect("printable ASCII"));
    let error_code = (!silent).then(|| code.to_owned());
    Reply { error: error_code, reason: Some(said.clone()), ..Reply::new(http) }
}
