//! The refresh token grant (RFC 6749 §6).

use super::{Context, scopes};
use crate::error::{Cause, OAuthError};
use crate::store::Granted;
use crate::token::{Death, TokenKind};

pub(super) fn run(mut context: Context<'_>) -> Result<Granted, OAuthError> {
    let value = context
        .form
        .get("refresh_token")
        .ok_or_else(|| OAuthError::new(Cause::RefreshTokenMissing, "refresh_token is missing"))?;
    let token = context
        .store
        .find(value)
        .filter(|token| token.kind == TokenKind::Refresh)
        .ok_or_else(|| OAuthError::new(Cause::RefreshTokenUnknown, "the refresh token is unknown"))?;
    if token.client != context.client.id {
        return Err(OAuthError::new(Cause::RefreshTokenForeign, "the refresh token was issued to another client"));
    }
    if let Some(Death::Revoked(reason)) = &token.death {
        let text = format!("the refresh token was revoked: {reason}");
        return Err(OAuthError::new(Cause::RefreshTokenRevoked, text));
    }
    if context.now_ms >= token.expires_at_ms {
        return Err(OAuthError::new(Cause::RefreshTokenExpired, "the refresh token has expired"));
    }
    context.store.check_subject(&token.subject)?;
    context.store.check_consent(token.family)?;
    let bound = token.holder.as_deref().cloned().unwrap_or_default();
    // Reuse is reuse, whatever else is wrong with the request.
    context.store.detect_reuse(&token, context.now_ms)?;
    if !context.prove(&bound.binding) {
        let text = "the refresh token is bound to a key that the request does not prove";
        return Err(OAuthError::new(Cause::RefreshTokenOtherKey, text));
    }
    let scopes = scopes(context.form, &token.scopes)?;
    let place = (context.listener, context.call.number);
    Ok(context.store.redeem(&token, scopes, context.holder(bound.actor), place, context.now_ms))
}
