//! Authorization requests (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1).

use super::pkce::Challenge;
use super::redirect;
use crate::config::{AuthMethod, Client, GrantType};
use crate::endpoint::Form;
use crate::error::{Cause, OAuthError};
use crate::grant;

/// An authorization request of a known client, with nothing wrong in it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) client: String,
    pub(crate) to: Target,
    pub(crate) scopes: Vec<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) prompt: Prompt,
    pub(crate) max_age_s: Option<i64>,
    /// Whom the client expects: `login_hint`, or the subject of `id_token_hint`, which binds.
    pub(crate) hint: Option<String>,
    pub(crate) hint_binds: bool,
}

/// Where the answer goes: an address that is registered for the client.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) uri: String,
    /// Whether the request named it, so that the token request must (RFC 6749 §4.1.3).
    pub(crate) named: bool,
    pub(crate) state: Option<String>,
}

/// `prompt` (OpenID Connect Core §3.1.2.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Prompt {
    pub(crate) none: bool,
    pub(crate) login: bool,
    pub(crate) consent: bool,
    pub(crate) select_account: bool,
}

/// A request that is refused. The client is told only where it is certain that it is the client.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) to: Option<Target>,
    pub(crate) error: OAuthError,
}

impl Refused {
    pub(crate) fn on_page(error: OAuthError) -> Self {
        Self { to: None, error }
    }
}

/// Where answers to a request go.
///
/// # Errors
///
/// If that is not certain: nothing is ever sent to an address that is not registered (RFC 6749 §3.1.2.4).
pub(crate) fn target(form: &Form, client: &Client) -> Result<Target, OAuthError> {
    let wrong = |text: &str| Err(OAuthError::new(Cause::RedirectUriWrong, text));
    // Each repeated: which one is meant?
    if form.repeats("redirect_uri") || form.repeats("client_id") {
        return wrong("client_id or redirect_uri stands twice");
    }
    let uri = match (form.get("redirect_uri"), client.redirect_uris.as_slice()) {
        (Some(given), registered) if registered.iter().any(|one| redirect::is_same(one, given)) => given,
        (Some(_), _) => return wrong("redirect_uri is not registered for this client"),
        (None, [only]) => only,
        (None, _) => return wrong("redirect_uri is missing, and the client has not exactly one"),
    };
    let state = form.get("state").filter(|_| !form.repeats("state"));
    Ok(Target { uri: uri.to_owned(), named: form.get("redirect_uri").is_some(), state: state.map(str::to_owned) })
}

impl Request {
    /// Reads what comes after the target. `hinted` is the subject of the `id_token_hint`, if there is one.
    ///
    /// # Errors
    ///
    /// With the code of RFC 6749 §4.1.2.1 or OpenID Connect Core §3.1.2.6.
    pub(crate) fn read(form: &Form, client: &Client, to: Target, hinted: Option<String>) -> Result<Self, OAuthError> {
        let malformed = |text: &str| Err(OAuthError::new(Cause::MalformedRequest, text));
        form.once()?;
        if form.get("request").is_some() {
            return Err(OAuthError::new(Cause::RequestObject, "request objects are not supported"));
        }
        match form.get("response_type") {
            None => return malformed("response_type is missing"),
            Some("code") => {}
            Some(_) => return Err(OAuthError::new(Cause::ResponseTypeUnknown, "the only response type is code")),
        }
        if !matches!(form.get("response_mode"), None | Some("query")) {
            return malformed("the only response mode is query");
        }
        if !client.grants.contains(&GrantType::AuthorizationCode) {
            let text = "the client may not use the authorization code grant";
            return Err(OAuthError::new(Cause::GrantNotAllowed, text));
        }
        let scopes = grant::scopes(form, &client.scopes)?;
        if !to.named && scopes.iter().any(|scope| scope == "openid") {
            return malformed("OpenID Connect requires redirect_uri");
        }
        let challenge = Challenge::read(form.get("code_challenge"), form.get("code_challenge_method"))?;
        if challenge.is_none() && (client.require_pkce || client.methods.contains(&AuthMethod::None)) {
            return malformed("this client must use PKCE: code_challenge is missing");
        }
        let max_age_s = form.get("max_age").map(str::parse::<u32>).transpose();
        let Ok(max_age_s) = max_age_s else { return malformed("max_age must be a number of seconds") };
        Ok(Self {
            client: client.id.clone(),
            to,
            scopes,
            nonce: form.get("nonce").map(str::to_owned),
            challenge,
            prompt: Prompt::read(form.get("prompt").unwrap_or_default())?,
            max_age_s: max_age_s.map(i64::from),
            hint_binds: hinted.is_some(),
            hint: hinted.or_else(|| form.get("login_hint").map(str::to_owned)),
        })
    }
}

impl Prompt {
    fn read(text: &str) -> Result<Self, OAuthError> {
        let mut prompt = Self::default();
        for value in text.split(' ').filter(|value| !value.is_empty()) {
            match value {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "consent" => prompt.consent = true,
                "select_account" => prompt.select_account = true,
                _ => return Err(OAuthError::new(Cause::MalformedRequest, "prompt has a value that does not exist")),
            }
        }
        if prompt.none && prompt != (Self { none: true, ..Self::default() }) {
            return Err(OAuthError::new(Cause::MalformedRequest, "prompt has none and another value"));
        }
        Ok(prompt)
    }
}
