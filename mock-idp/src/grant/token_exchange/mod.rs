//! Token exchange (RFC 8693): a token for somebody is given in return for another one, elsewhere or with an actor.

mod party;
mod policy;

pub use policy::ExchangePolicy;

use serde_json::{Value, json};
use url::Url;

use super::{Answer, Context, scopes};
use crate::error::{Cause, OAuthError};
use crate::holder::Binding;
use crate::store::Grantee;
use crate::token::TokenKind;
use party::Party;

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const REFRESH_TOKEN: &str = "urn:ietf:params:oauth:token-type:refresh_token";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

pub(super) fn run(mut context: Context<'_>) -> Result<Answer, OAuthError> {
    let policy = context.client.exchange.clone();
    let subject = Party::read(&context, "subject_token")?.ok_or_else(|| malformed("subject_token is missing"))?;
    let actor = Party::read(&context, "actor_token")?;
    prove(&mut context, "subject_token", &subject.binding)?;
    if let Some(actor) = &actor {
        prove(&mut context, "actor_token", &actor.binding)?;
    }
    let wanted = requested(&context)?;
    permit(&context, &policy, &subject, actor.as_ref())?;
    let audience = target(&context, &policy)?;
    let allowed: Vec<String> = match &subject.scopes {
        Some(scopes) => scopes.iter().filter(|scope| context.client.scopes.contains(scope)).cloned().collect(),
        None => context.client.scopes.clone(),
    };
    // Never more than the subject's token allows.
    let scopes = scopes(context.form, &allowed)?;
    let family = context.store.new_family();
    let acting = act(&subject, actor.as_ref());
    let to = Grantee {
        listener: context.listener,
        client: context.client.id.clone(),
        subject: subject.subject.clone(),
        scopes,
        audience,
        family,
        holder: match wanted {
            TokenKind::Access => context.holder(acting),
            // Or else what is renewed with it would be for any bearer.
            TokenKind::Refresh if !subject.binding.is_none() => context.holder(acting),
            TokenKind::Refresh => context.refresh_holder(acting),
        },
    };
    let token = match wanted {
        TokenKind::Refresh => context.store.refresh_token(&to, context.now_ms),
        TokenKind::Access => context.store.access_token(&to, context.now_ms),
    };
    let issued_token_type = match (wanted, context.form.get("requested_token_type")) {
        (TokenKind::Refresh, _) => REFRESH_TOKEN,
        (TokenKind::Access, Some(JWT)) => JWT,
        (TokenKind::Access, _) => ACCESS_TOKEN,
    };
    // A JWT that was asked for as such is still an access token, and used like one.
    Ok(Answer::Exchanged { token: Box::new(token), issued_token_type, is_access_token: wanted == TokenKind::Access })
}

/// Whoever has a bound token exchanged must prove its key, and what is given for it is bound to that key in turn. No RFC
/// says who may exchange a token that another one's key is for: here nobody may, as wherever else such a token is
/// presented (RFC 9449 §7.1, RFC 8705 §3). To a thief it is worth nothing, and must not become worth something here.
///
/// # Errors
///
/// `invalid_request` (RFC 8693 §2.2.2) if the request does not prove it.
fn prove(context: &mut Context<'_>, name: &str, binding: &Binding) -> Result<(), OAuthError> {
    if context.prove(binding) {
        return Ok(());
    }
    let by_key = binding.jkt.is_some() && binding.jkt != context.proved.jkt;
    let what_to_do =
        if by_key { "send a DPoP proof that is signed by it" } else { "connect with the certificate that it is in" };
    let text = format!("{name} is bound to a key that the request does not prove: {what_to_do}");
    Err(OAuthError::new(Cause::ExchangedTokenOtherKey, text))
}

/// What is to be given (RFC 8693 §2.1, `requested_token_type`).
fn requested(context: &Context<'_>) -> Result<TokenKind, OAuthError> {
    match context.form.get("requested_token_type") {
        None | Some(ACCESS_TOKEN) => Ok(TokenKind::Access),
        Some(JWT) if context.store.issues_jwts() => Ok(TokenKind::Access),
        Some(REFRESH_TOKEN) if context.client.grants.contains(&crate::config::GrantType::RefreshToken) => {
            Ok(TokenKind::Refresh)
        }
        Some(_) => Err(malformed("requested_token_type is not offered to this client")),
    }
}

/// Whether this may be: the client may do so, and the subject's token lets this actor act (RFC 8693 §4.4).
fn permit(
    context: &Context<'_>,
    policy: &ExchangePolicy,
    subject: &Party,
    actor: Option<&Party>,
) -> Result<(), OAuthError> {
    let refused = |text: &str| Err(OAuthError::new(Cause::ExchangeNotAllowed, text));
    match actor {
        None if !policy.impersonation => return refused("the client may not exchange tokens without an actor_token"),
        Some(_) if !policy.delegation => return refused("the client may not exchange tokens with an actor_token"),
        _ => {}
    }
    let Some(Value::Object(may_act)) = &subject.may_act else { return Ok(()) };
    // Without a token of its own, who acts is the client.
    let issuer = context.call.vendor.issuer(&context.listener.origin);
    let acting = actor.map_or_else(
        || json!({"sub": context.client.id, "client_id": context.client.id, "iss": issuer}),
        |actor| json!({"sub": actor.subject, "client_id": actor.client, "iss": actor.issuer}),
    );
    match may_act.iter().all(|(member, wanted)| acting.get(member) == Some(wanted)) {
        true => Ok(()),
        false => refused("the subject's token names another one who may act"),
    }
}

/// `aud` of the new token: the one target that is asked for, or the client's own.
fn target(context: &Context<'_>, policy: &ExchangePolicy) -> Result<String, OAuthError> {
    let refused = |text: &str| Err(OAuthError::new(Cause::TargetNotAllowed, text));
    for resource in context.form.resources() {
        // RFC 8707 §2: an absolute URI without a fragment.
        if !Url::parse(resource).is_ok_and(|url| url.fragment().is_none()) {
            return refused("resource is no absolute address without a fragment");
        }
    }
    let mut targets: Vec<&String> = context.form.resources().iter().chain(context.form.audiences()).collect();
    targets.sort();
    targets.dedup();
    match targets[..] {
        [] => Ok(context.client.audience.clone()),
        [target] if *target == context.client.audience || policy.audiences.contains(target) => Ok(target.clone()),
        [_] => refused("the client may not exchange tokens for this target"),
        [..] => refused("a token is for one target: ask for each one by itself"),
    }
}

/// `act`: who acts now, and who did before (RFC 8693 §4.1).
fn act(subject: &Party, actor: Option<&Party>) -> Option<Value> {
    let Some(actor) = actor else { return subject.act.clone() };
    let mut act = json!({"sub": actor.subject});
    if let Some(issuer) = &actor.issuer {
        act["iss"] = issuer.clone().into();
    }
    if let Some(before) = &subject.act {
        act["act"] = before.clone();
    }
    Some(act)
}

fn malformed(text: &str) -> OAuthError {
    OAuthError::new(Cause::MalformedRequest, text)
}
