//! What a grant gives to the client.

use serde_json::{Map, Value};

use crate::holder::Holder;
use crate::id_token::Unsigned;
use crate::secret::Secret;
use crate::store::Granted;
use crate::token::{TokenFacts, TokenId};

/// What a grant gives to the client.
pub(crate) enum Answer {
    /// An access token, and a refresh token where there is one (RFC 6749 §5.1).
    Tokens {
        /// The tokens.
        granted: Box<Granted>,
        /// The ID token that goes with them (OpenID Connect Core §3.1.3.3).
        id_token: Option<Box<Unsigned>>,
    },
    /// One token of a named type (RFC 8693 §2.2.1).
    Exchanged {
        /// The token. It may be no access token, whatever the field in the answer is called.
        token: Box<TokenFacts>,
        /// Its type, a URN of RFC 8693 §3.
        issued_token_type: &'static str,
        /// Whether it is used like an access token; otherwise its `token_type` is `N_A`.
        is_access_token: bool,
    },
    /// An ID token and nothing else, as Google gives it to service accounts.
    IdToken(Secret),
}

impl From<Granted> for Answer {
    fn from(granted: Granted) -> Self {
        Self::Tokens { granted: Box::new(granted), id_token: None }
    }
}

impl Answer {
    /// The tokens of the store in it.
    pub(crate) fn issued(&self) -> Vec<TokenId> {
        match self {
            Self::Tokens { granted, .. } => {
                [Some(&granted.access), granted.refresh.as_ref()].into_iter().flatten().map(|token| token.id).collect()
            }
            Self::Exchanged { token, .. } => vec![token.id],
            Self::IdToken(_) => Vec::new(),
        }
    }

    /// The access token with its refresh token, where that is what was given.
    pub(crate) fn granted(&self) -> Option<&Granted> {
        match self {
            Self::Tokens { granted, .. } => Some(granted),
            Self::Exchanged { .. } | Self::IdToken(_) => None,
        }
    }

    /// The same with the ID token that `prepare` gives for tokens of a user's consent.
    pub(crate) fn with_id_token(self, prepare: impl FnOnce(&Granted) -> Option<Unsigned>) -> Self {
        match self {
            Self::Tokens { granted, .. } => {
                let id_token = prepare(&granted).map(Box::new);
                Self::Tokens { granted, id_token }
            }
            other => other,
        }
    }

    /// The body of the reply. `lifetime` says what `expires_in` says of a token.
    pub(crate) fn body(&mut self, lifetime: impl Fn(&TokenFacts) -> i64) -> Map<String, Value> {
        match self {
            Self::Tokens { granted, id_token } => {
                let mut body = access(&granted.access, &lifetime);
                if let Some(id_token) = id_token.take() {
                    body.insert("id_token".into(), id_token.sign(&granted.access.value).into());
                }
                if let Some(refresh) = &granted.refresh {
                    body.insert("refresh_token".into(), refresh.value.expose().into());
                }
                body
            }
            Self::Exchanged { token, issued_token_type, is_access_token } => {
                let mut body = access(token, &lifetime);
                body.insert("issued_token_type".into(), (*issued_token_type).into());
                if !*is_access_token {
                    body.insert("token_type".into(), "N_A".into());
                }
                body
            }
            Self::IdToken(token) => Map::from_iter([("id_token".to_owned(), token.expose().into())]),
        }
    }
}

fn access(token: &TokenFacts, lifetime: &impl Fn(&TokenFacts) -> i64) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("access_token".into(), token.value.expose().into());
    body.insert("token_type".into(), Holder::token_type(token.holder.as_deref()).into());
    body.insert("expires_in".into(), lifetime(token).into());
    // RFC 6749 §3.3: a scope has at least one token in it.
    if !token.scopes.is_empty() {
        body.insert("scope".into(), token.scopes.join(" ").into());
    }
    body
}
