//! Grants: one file each.

mod answer;
mod client_credentials;
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
use crate::store::Store;

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
    ("urn:ietf:params:oauth:grant-type:jwt-bearer", GrantType::JwtBearer, jwt_bearer::run),
    ("urn:ietf:params:oauth:grant-type:token-exchange", GrantType::TokenExchange, token_exchange::run),
];

/// The scopes that a request asks for: all of `allowed` if it names none.
///
/// # Errors
///
/// `invalid_scope` if it asks for more.
fn scopes(form: &Form, allowed: &[String]) -> Result<Vec<String>, OAuthError> {
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
