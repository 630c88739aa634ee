//! The JWT bearer grant (RFC 7523 §2.1): somebody trusted says for whom the token shall be.

use serde::Serialize;

use super::{Answer, Context, scopes, scopes_in};
use crate::assertion::{Flaw, Jwt, Place, TrustedIssuer};
use crate::error::{Cause, OAuthError};
use crate::secret::Secret;
use crate::store::{Granted, Grantee};

pub(super) fn run(context: Context<'_>) -> Result<Answer, OAuthError> {
    let text = context
        .form
        .get("assertion")
        .ok_or_else(|| OAuthError::new(Cause::MalformedRequest, "assertion is missing"))?;
    let (jwt, issuer, subject, until_ms) = examine(&context, text).map_err(|flaw| refused(&flaw))?;
    if let Some(jti) = jwt.text("jti")
        && !context.store.proofs.replays.first_use(&["grant", &issuer.issuer, jti], until_ms, context.now_ms)
    {
        return Err(OAuthError::new(Cause::AssertionReplayed, "the assertion was used before"));
    }
    let in_assertion = issuer.service_account.is_some();
    if let Some(audience) = jwt.text("target_audience").filter(|_| in_assertion) {
        return Ok(id_token(&context, &subject, audience));
    }
    let scopes = match jwt.text("scope").filter(|_| in_assertion) {
        Some(asked) => scopes_in(asked, &context.client.scopes)?,
        None => scopes(context.form, &context.client.scopes)?,
    };
    let family = context.store.new_family();
    let to = Grantee {
        listener: context.listener,
        client: context.client.id.clone(),
        subject,
        scopes,
        audience: context.client.audience.clone(),
        family,
        holder: context.holder(None),
    };
    // RFC 7521 §4.1: no refresh token, as the assertion can be had again.
    Ok(Granted { access: context.store.access_token(&to, context.now_ms), refresh: None }.into())
}

/// RFC 7523 §3. Gives whose assertion it is, whom it is for, and until when it could be presented again.
fn examine(context: &Context<'_>, text: &str) -> Result<(Jwt, TrustedIssuer, String, i64), Flaw> {
    let proofs = &context.store.proofs;
    proofs.grant_rules.check_length(text.len())?;
    let jwt = Jwt::parse(text)?;
    let issuer = proofs.issuer(jwt.text("iss").ok_or("iss is missing")?).ok_or("its issuer is not trusted")?;
    jwt.verify(&*issuer.keys.keys(&context.call.keys)?)?;
    let place = Place::of(context.call, context.listener);
    let until_ms = proofs.grant_rules.and_audiences(&issuer.audiences).check(&jwt, &place, context.now_ms)?;
    if issuer.service_account.as_ref().is_some_and(|account| *account != context.client.id) {
        return Err("its issuer is another client's account".into());
    }
    let subject = match (jwt.text("sub"), &issuer.service_account) {
        (Some(subject), _) => subject,
        // Google's way: without `sub` the account speaks for itself.
        (None, Some(account)) => account,
        (None, None) => return Err("sub is missing".into()),
    };
    if !issuer.subjects.include(subject) {
        return Err("its issuer may not speak for this subject".into());
    }
    Ok((jwt.clone(), issuer.clone(), subject.to_owned(), until_ms))
}

fn refused(flaw: &Flaw) -> OAuthError {
    OAuthError::new(Cause::BadAssertion, format!("the assertion is refused: {flaw}"))
}

/// Claims of an ID token for a service account.
#[derive(Serialize)]
struct IdClaims {
    iss: String,
    sub: String,
    aud: String,
    azp: String,
    iat: i64,
    exp: i64,
}

fn id_token(context: &Context<'_>, subject: &str, audience: &str) -> Answer {
    let iat = context.now_ms.div_euclid(1000);
    let lifetime = i64::try_from(context.store.access_token_lifetime.as_secs()).unwrap_or(i64::MAX / 2000);
    let claims = IdClaims {
        iss: context.call.vendor.issuer(&context.listener.origin),
        sub: subject.to_owned(),
        aud: audience.to_owned(),
        azp: context.client.id.clone(),
        iat,
        exp: iat + lifetime,
    };
    let key = context.store.id_token_key();
    Answer::IdToken(Secret::deferred(move || key.sign("JWT", &claims)))
}
