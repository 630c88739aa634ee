//! The client credentials grant (RFC 6749 §4.4).

use super::{Context, scopes};
use crate::error::OAuthError;
use crate::store::{Granted, Grantee};

pub(super) fn run(context: Context<'_>) -> Result<Granted, OAuthError> {
    context.store.check_subject(&context.client.id)?;
    let scopes = scopes(context.form, &context.client.scopes)?;
    let family = context.store.new_family();
    let to = Grantee {
        listener: context.listener,
        client: context.client.id.clone(),
        // RFC 9068 §2.2: without a user the client speaks for itself.
        subject: context.client.id.clone(),
        scopes,
        audience: context.client.audience.clone(),
        family,
        holder: context.holder(None),
    };
    // RFC 6749 §4.4.3: no refresh token.
    Ok(Granted { access: context.store.access_token(&to, context.now_ms), refresh: None })
}
