//! The authorization code grant (RFC 6749 §4.1).

use super::{Allowed, Context, for_user};
use crate::error::{Cause, OAuthError};
use crate::observe::{AuthorizationEvent, AuthorizationStep};
use crate::store::{Granted, Which};

pub(super) fn run(mut context: Context<'_>) -> Result<Granted, OAuthError> {
    let (form, now_ms) = (context.form, context.now_ms);
    let value = form.get("code").ok_or_else(|| OAuthError::new(Cause::MalformedRequest, "code is missing"))?;
    let logins = &context.store.logins;
    if logins.code_client(value, now_ms).is_some_and(|client| client != context.client.id) {
        return Err(OAuthError::new(Cause::CodeForeign, "the authorization code was issued to another client"));
    }
    // Reuse is reuse, whatever else is wrong with the request (RFC 6749 §4.1.2).
    if let Some(family) = logins.redeemed(value, now_ms) {
        let reason = "the authorization code was redeemed twice";
        context.store.revoke(&Which::Family(family), reason, now_ms);
        tell(context, AuthorizationStep::CodeReused, None, "what it gave is revoked");
        return Err(OAuthError::new(Cause::CodeReused, "the authorization code was redeemed before"));
    }
    let code = logins.code(value, form.get("redirect_uri"), form.get("code_verifier"), now_ms)?.clone();
    let (request, authentication) = (code.request, code.authentication);
    let family = context.store.new_family();
    context.store.logins.code_redeemed(value, family, now_ms);
    let allowed =
        Allowed { family, scopes: request.scopes, nonce: request.nonce, authentication: authentication.clone() };
    let granted = for_user(&mut context, allowed);
    tell(context, AuthorizationStep::CodeRedeemed, Some(authentication.subject), "by its client");
    Ok(granted)
}

fn tell(context: Context<'_>, step: AuthorizationStep, subject: Option<String>, reason: &str) {
    let client = Some(context.client.id.clone());
    context.store.tell(AuthorizationEvent { step, client, subject, reason: reason.to_owned() });
}
