//! UserInfo (OpenID Connect Core §5.3): a resource that is protected by access tokens (RFC 6750).

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::{Call, Form, Reply};
use crate::error::{Cause, OAuthError};
use crate::fault::HttpReply;
use crate::store::Store;
use crate::token::TokenKind;

pub(super) fn run(call: &Call, store: &Store, now_ms: i64) -> Reply {
    match claims(call, store, now_ms) {
        Ok(claims) => Reply::json(StatusCode::OK, &claims).uncached(),
        Err(error) => refusal(&error),
    }
}

fn claims(call: &Call, store: &Store, now_ms: i64) -> Result<Value, OAuthError> {
    let form = call.form.as_ref().map_err(Clone::clone)?.once()?;
    let missing = || OAuthError::new(Cause::BearerMissing, "no access token was sent");
    let value = bearer(&call.headers, form)?.ok_or_else(missing)?;
    let dead = || OAuthError::new(Cause::BearerInvalid, "the access token is unknown or dead");
    let token = store.find(value).filter(|token| token.kind == TokenKind::Access && token.is_live(now_ms));
    let token = token.ok_or_else(dead)?;
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

/// The access token of a request: in the header or in the form (RFC 6750 §2).
///
/// # Errors
///
/// `invalid_request` if it stands in both, or in a header that cannot be read.
pub(crate) fn bearer<'a>(headers: &'a HeaderMap, form: &'a Form) -> Result<Option<&'a str>, OAuthError> {
    let malformed = |text: &str| Err(OAuthError::new(Cause::MalformedRequest, text));
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let in_header = match (values.next(), values.next()) {
        (_, Some(_)) => return malformed("the Authorization header stands twice"),
        (None, _) => None,
        (Some(value), None) => match value.to_str().ok().and_then(|value| value.split_once(' ')) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Some(token.trim()),
            // Another scheme: nothing that this resource knows was sent.
            _ => None,
        },
    };
    match (in_header, form.get("access_token")) {
        (Some(_), Some(_)) => malformed("the access token stands in the header and in the form"),
        (in_header, in_form) => Ok(in_header.or(in_form)),
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
