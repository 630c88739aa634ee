//! Grants: one file each.

mod answer;
mod authorization_code;
mod client_credentials;
mod device_code;
mod jwt_bearer;
mod refresh_token;
mod token_exchange;

use std::collections::BTreeSet;
use std::sync::Arc;

pub(crate) use answer::Answer;
pub use token_exchange::ExchangePolicy;

use crate::config::{Client, GrantType, Listener};
use crate::endpoint::{Call, Form};
use crate::error::{Cause, OAuthError};
use crate::holder::{Binding, Holder};
use crate::login::{Authentication, Consent, RefreshGrant};
use crate::store::{Granted, Grantee, Store};

/// What a grant works with.
pub(crate) struct Context<'a> {
    pub(crate) store: &'a mut Store,
    pub(crate) listener: &'a Listener,
    pub(crate) client: &'a Client,
    pub(crate) form: &'a Form,
    pub(crate) call: &'a Call,
    /// What the request proved that it has.
    pub(crate) proved: Binding,
    /// Whether the client keeps no secret.
    pub(crate) public: bool,
    pub(crate) now_ms: i64,
}

impl Context<'_> {
    /// Whether the request proves what a token that it presents is bound to. If so, what it is given is bound to that, too.
    fn prove(&mut self, bound: &Binding) -> bool {
        // Also by a client whose own tokens are not bound to its certificate.
        if bound.x5t_s256.is_some() {
            self.proved.x5t_s256 = self.call.peer.as_ref().and_then(|peer| peer.thumbprint());
        }
        bound.is_met_by(&self.proved)
    }

    /// Who may present the access token of this request, with this one acting.
    fn holder(&self, actor: Option<serde_json::Value>) -> Option<Arc<Holder>> {
        Holder { binding: self.proved.clone(), actor, may_act: self.client.may_act.clone() }.shared()
    }

    /// The same for its refresh token. Of a client that proves itself only that client can use it (RFC 6749 §10.4), of
    /// another one whoever has the key (RFC 9449 §5, RFC 8705 §4).
    fn refresh_holder(&self, actor: Option<serde_json::Value>) -> Option<Arc<Holder>> {
        let binding = if self.public { self.proved.clone() } else { Binding::default() };
        Holder { binding, actor, may_act: self.client.may_act.clone() }.shared()
    }
}

type Run = fn(Context<'_>) -> Result<Answer, OAuthError>;

/// Every grant, by its `grant_type`.
pub(crate) const ALL: &[(&str, GrantType, Run)] = &[
    ("client_credentials", GrantType::ClientCredentials, |context| client_credentials::run(context).map(Answer::from)),
    ("refresh_token", GrantType::RefreshToken, |context| refresh_token::run(context).map(Answer::from)),
    ("authorization_code", GrantType::AuthorizationCode, |context| authorization_code::run(context).map(Answer::from)),
    ("urn:ietf:params:oauth:grant-type:device_code", GrantType::DeviceCode, |context| {
        device_code::run(context).map(Answer::from)
    }),
    ("urn:ietf:params:oauth:grant-type:jwt-bearer", GrantType::JwtBearer, jwt_bearer::run),
    ("urn:ietf:params:oauth:grant-type:token-exchange", GrantType::TokenExchange, token_exchange::run),
];

/// What a user allowed a client.
struct Allowed {
    family: u64,
    scopes: Vec<String>,
    nonce: Option<String>,
    authentication: Authentication,
}

/// The first tokens of a user's consent.
fn for_user(context: &mut Context<'_>, allowed: Allowed) -> Granted {
    let (holder, refresh_holder) = (context.holder(None), context.refresh_holder(None));
    let Context { store, listener, client, now_ms, .. } = context;
    let now_ms = *now_ms;
    let Allowed { family, scopes, nonce, authentication } = allowed;
    let offline = scopes.iter().any(|scope| scope == "offline_access");
    let renewable = client.grants.contains(&GrantType::RefreshToken)
        && match client.refresh_grant {
            RefreshGrant::Always => true,
            RefreshGrant::OfflineAccess => offline,
            RefreshGrant::Never => false,
        };
    let to = Grantee {
        listener,
        client: client.id.clone(),
        subject: authentication.subject.clone(),
        scopes,
        audience: client.audience.clone(),
        family,
        holder,
    };
    let access = store.access_token(&to, now_ms);
    let refresh = renewable.then(|| store.refresh_token(&Grantee { holder: refresh_holder, ..to }, now_ms));
    let consent = Consent { client: client.id.clone(), authentication, offline, nonce };
    // Longer, if the tokens are: `id_token` sees to that.
    store.logins.consented(family, consent, now_ms);
    Granted { access, refresh }
}

/// The scopes that a request asks for: all of `allowed` if it names none.
///
/// # Errors
///
/// `invalid_scope` if it asks for more.
pub(crate) fn scopes(form: &Form, allowed: &[String]) -> Result<Vec<String>, OAuthError> {
    form.get("scope").map_or_else(|| Ok(allowed.to_vec()), |asked| scopes_in(asked, allowed))
}

/// The scopes in a text: all of `allowed` if it names none.
fn scopes_in(asked: &str, allowed: &[String]) -> Result<Vec<String>, OAuthError> {
    let mut asked: Vec<String> = asked.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    let mut seen = BTreeSet::new();
    asked.retain(|scope| seen.insert(scope.clone()));
    match asked.iter().find(|scope| !allowed.contains(scope)) {
        Some(_) => {
            Err(OAuthError::new(Cause::ScopeNotAllowed, "a scope was asked for that is not granted to this client"))
        }
        None if asked.is_empty() => Ok(allowed.to_vec()),
        None => Ok(asked),
    }
}
