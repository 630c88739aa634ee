//! The device code grant (RFC 8628 §3.4).

use super::{Allowed, Context, for_user};
use crate::error::{Cause, OAuthError};
use crate::store::Granted;

pub(super) fn run(mut context: Context<'_>) -> Result<Granted, OAuthError> {
    let code = context.form.get("device_code");
    let code = code.ok_or_else(|| OAuthError::new(Cause::MalformedRequest, "device_code is missing"))?;
    let approval = context.store.logins.poll_device(code, &context.client.id, context.now_ms)?;
    let family = context.store.new_family();
    let allowed = Allowed { family, scopes: approval.scopes, nonce: None, authentication: approval.authentication };
    Ok(for_user(&mut context, allowed))
}
