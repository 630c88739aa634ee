//! Whom a token of an exchange speaks for: its subject or its actor (RFC 8693 §2.1).

use jsonwebtoken::jwk::JwkSet;
use serde_json::Value;

use super::super::Context;
use super::{ACCESS_TOKEN, ID_TOKEN, JWT, REFRESH_TOKEN, malformed};
use crate::assertion::{AssertionRules, Flaw, Jwt, Place};
use crate::error::{Cause, OAuthError};
use crate::holder::Binding;
use crate::token::{TokenFacts, TokenKind};

/// What a token says.
pub(super) struct Party {
    pub(super) subject: String,
    pub(super) issuer: Option<String>,
    pub(super) client: Option<String>,
    /// `None` if the token says nothing of scopes.
    pub(super) scopes: Option<Vec<String>>,
    pub(super) act: Option<Value>,
    pub(super) may_act: Option<Value>,
    /// What whoever presents it must prove.
    pub(super) binding: Binding,
}

impl Party {
    /// The party of `subject_token` or `actor_token`; `None` if there is none.
    pub(super) fn read(context: &Context<'_>, name: &str) -> Result<Option<Self>, OAuthError> {
        let type_name = format!("{name}_type");
        let (text, kind) = match (context.form.get(name), context.form.get(&type_name)) {
            (None, None) => return Ok(None),
            (Some(text), Some(kind)) => (text, kind),
            _ => return Err(malformed(&format!("{name} and {type_name} stand together or not at all"))),
        };
        let party = match kind {
            ACCESS_TOKEN => ours(context, text, TokenKind::Access),
            REFRESH_TOKEN => ours(context, text, TokenKind::Refresh),
            // An access token may be a JWT, and may be called so (RFC 8693 §3).
            JWT if context.store.find(text).is_some() => ours(context, text, TokenKind::Access),
            JWT => signed(context, text, false),
            ID_TOKEN => signed(context, text, true),
            _ => Err("its type is not supported".into()),
        };
        // RFC 8693 §2.2.2: whatever is wrong with the token is `invalid_request`.
        let refused = |flaw: Flaw| OAuthError::new(Cause::BadExchangedToken, format!("{name} is refused: {flaw}"));
        party.map(Some).map_err(refused)
    }
}

/// One of our own tokens, by its value.
fn ours(context: &Context<'_>, text: &str, kind: TokenKind) -> Result<Party, Flaw> {
    let token = context.store.find(text).filter(|token| token.kind == kind).ok_or("it is unknown")?;
    if !token.is_live(context.now_ms) {
        return Err("it is dead".into());
    }
    // A refresh token is its client's own (RFC 6749 §6); an access token is shown to others by its nature.
    if kind == TokenKind::Refresh && token.client != context.client.id {
        return Err("it was issued to another client".into());
    }
    Ok(Party::from(&token))
}

impl From<&TokenFacts> for Party {
    fn from(token: &TokenFacts) -> Self {
        let holder = token.holder.as_deref();
        Self {
            subject: token.subject.clone(),
            issuer: Some(token.issuer.clone()),
            client: Some(token.client.clone()),
            scopes: Some(token.scopes.clone()),
            act: holder.and_then(|holder| holder.actor.clone()),
            may_act: holder.and_then(|holder| holder.may_act.clone()),
            binding: holder.map(|holder| holder.binding.clone()).unwrap_or_default(),
        }
    }
}

/// A JWT of a trusted issuer, or an ID token of our own.
fn signed(context: &Context<'_>, text: &str, id_token: bool) -> Result<Party, Flaw> {
    let proofs = &context.store.proofs;
    let jwt = Jwt::parse(text)?;
    let place = Place::of(context.call, context.listener);
    let name = jwt.text("iss").ok_or("iss is missing")?;
    // It may be exchanged several times, so that nothing must make it unique.
    let rules = AssertionRules { jti_required: false, ..proofs.grant_rules.clone() };
    let subject = jwt.text("sub").ok_or("sub is missing")?;
    if id_token && name == place.issuer {
        // Of our own JWTs only ID tokens: what is an access token is known by its value.
        if jwt.header("typ").is_some_and(|typ| typ != "JWT") {
            return Err("it is no ID token".into());
        }
        jwt.verify(&JwkSet { keys: context.store.public_keys() })?;
        rules.only_audience(&context.client.id).check(&jwt, &place, context.now_ms)?;
    } else {
        let issuer = proofs.issuer(name).ok_or("its issuer is not trusted")?;
        jwt.verify(&*issuer.keys.keys(&context.call.keys)?)?;
        rules.and_audiences(&issuer.audiences).check(&jwt, &place, context.now_ms)?;
        if !issuer.subjects.include(subject) {
            return Err("its issuer may not speak for this subject".into());
        }
    }
    // RFC 7800 §3.1.
    let binding = jwt.claims().get("cnf").map_or_else(|| Some(Binding::default()), Binding::of_claim);
    let binding = binding.ok_or("it asks in `cnf` for another proof than those of `jkt` and `x5t#S256`")?;
    let claim = |name: &str| jwt.claims().get(name).filter(|value| value.is_object()).cloned();
    Ok(Party {
        subject: subject.to_owned(),
        issuer: Some(name.to_owned()),
        client: jwt.text("client_id").map(str::to_owned),
        scopes: jwt.text("scope").map(|scopes| scopes.split(' ').map(str::to_owned).collect()),
        act: claim("act"),
        may_act: claim("may_act"),
        binding,
    })
}
