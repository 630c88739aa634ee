//! The call to the token endpoint, by the `oauth2` crate over this worker's own HTTP client.

use std::fmt;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use http::StatusCode;
use oauth2::basic::{
    BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::{
    AccessToken, AsyncHttpClient, AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, RefreshToken, RequestTokenError, Scope, StandardRevocableToken, TokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;
use url::Url;

use crate::env::{ClientAuth, OAuth, TokenEndpoint};
use crate::failure::{Cause, Failure, Kind, Party};
use crate::http::no_answer;
use crate::retry_after::RetryAfter;
use crate::secret::Secret;

/// What is presented for a new token.
#[derive(Clone, Debug)]
pub enum GrantRequest {
    /// The client itself.
    ClientCredentials,
    /// This refresh token.
    RefreshToken(Secret),
}

/// What came back. `expires_in` is left out on purpose: it may be missing, null, a string or wrong (FM-25), and nobody
/// here looks at the clock.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The access token.
    pub access_token: Secret,
    /// The refresh token to use from now on, if the identity provider sent one.
    pub refresh_token: Option<Secret>,
}

/// One request to the token endpoint.
pub trait Exchange: Send + Sync {
    /// Sends it, once.
    fn exchange(&self, request: GrantRequest) -> BoxFuture<'_, Result<Issued, Failure>>;
}

type Client<HasTokenUrl = EndpointNotSet> = oauth2::Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    HasTokenUrl,
>;

/// The token endpoint of one client.
pub struct Endpoint {
    location: TokenEndpoint,
    client: Client,
    scopes: Vec<Scope>,
    audience: Option<String>,
    wire: Wire,
    ready: OnceCell<Client<EndpointSet>>,
}

impl Endpoint {
    /// The endpoint that `settings` name. Nothing is sent yet, discovery included: a worker must be able to start while
    /// the identity provider is down (FM-50).
    pub fn new(settings: &OAuth, http: reqwest::Client, retry_after: Arc<dyn RetryAfter>) -> Self {
        let client = Client::new(ClientId::new(settings.client_id.clone()))
            .set_client_secret(ClientSecret::new(settings.client_secret.reveal().to_owned()))
            .set_auth_type(match settings.client_auth {
                ClientAuth::Basic => AuthType::BasicAuth,
                ClientAuth::Post => AuthType::RequestBody,
            });
        Self {
            location: settings.endpoint.clone(),
            client,
            scopes: settings.scopes.iter().cloned().map(Scope::new).collect(),
            audience: settings.audience.clone(),
            wire: Wire { http, retry_after },
            ready: OnceCell::new(),
        }
    }

    async fn client(&self) -> Result<&Client<EndpointSet>, Failure> {
        self.ready
            .get_or_try_init(|| async {
                let url = match &self.location {
                    TokenEndpoint::Url(url) => url.clone(),
                    TokenEndpoint::Issuer(issuer) => self.discover(issuer).await?,
                };
                Ok(self.client.clone().set_token_uri(TokenUrl::from_url(url)))
            })
            .await
    }

    /// Reads `token_endpoint` from the issuer's metadata; a document of another issuer is refused (RFC 8414 §3.3).
    async fn discover(&self, issuer: &Url) -> Result<Url, Failure> {
        #[derive(Deserialize)]
        struct Metadata {
            issuer: String,
            token_endpoint: Url,
        }
        let base = issuer.as_str().trim_end_matches('/');
        let reply = self
            .wire
            .http
            .get(format!("{base}/.well-known/openid-configuration"))
            .send()
            .await
            .map_err(|error| Failure::idp(no_answer(&error)))?;
        if reply.status() != StatusCode::OK {
            return Err(refused(&*self.wire.retry_after, &reply));
        }
        let body = reply.bytes().await.map_err(|error| Failure::idp(no_answer(&error)))?;
        let metadata: Metadata = serde_json::from_slice(&body)
            .map_err(|_| Failure::idp(Cause::Text("discovery document cannot be read")))?;
        if metadata.issuer.trim_end_matches('/') != base {
            return Err(Failure::idp(Cause::Text("discovery document is another issuer's")));
        }
        Ok(metadata.token_endpoint)
    }

    async fn redeem(&self, request: GrantRequest) -> Result<Issued, Failure> {
        let client = self.client().await?;
        let answer = match request {
            GrantRequest::ClientCredentials => {
                let mut request = client.exchange_client_credentials().add_scopes(self.scopes.iter().cloned());
                if let Some(audience) = &self.audience {
                    request = request.add_extra_param("audience", audience);
                }
                request.request_async(&self.wire).await
            }
            // Without `scope`, a refresh asks for what was consented to (RFC 6749 §6).
            GrantRequest::RefreshToken(token) => {
                client
                    .exchange_refresh_token(&RefreshToken::new(token.reveal().to_owned()))
                    .request_async(&self.wire)
                    .await
            }
        }
        .map_err(classify)?;
        let sendable = |token: &str| !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        if !sendable(answer.access_token.secret()) {
            return Err(Failure::idp(Cause::Text("access token cannot be sent")));
        }
        Ok(Issued {
            access_token: Secret::new(answer.access_token.secret().as_str()),
            refresh_token: answer
                .refresh_token
                .filter(|token| !token.secret().is_empty())
                .map(|token| Secret::new(token.secret().as_str())),
        })
    }
}

/// The HTTP client as the `oauth2` crate wants it.
struct Wire {
    http: reqwest::Client,
    retry_after: Arc<dyn RetryAfter>,
}

impl Wire {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, NoGrant> {
        let unanswered = |error: reqwest::Error| NoGrant(Failure::idp(no_answer(&error)));
        let request = reqwest::Request::try_from(request).map_err(unanswered)?;
        let reply = self.http.execute(request).await.map_err(unanswered)?;
        // Only these carry an answer of the protocol (RFC 6749 §5.1, §5.2); others come from a proxy or a fault. Auth0
        // refuses a dead refresh token with 403, which is a proxy's favourite, too: that one word is taken from it.
        let (status, headers) = (reply.status(), reply.headers().clone());
        let failure = refused(&*self.retry_after, &reply);
        if !matches!(status.as_u16(), 200 | 400 | 401 | 403) {
            return Err(NoGrant(failure));
        }
        let body = reply.bytes().await.map_err(unanswered)?.to_vec();
        if status == StatusCode::FORBIDDEN && !says_invalid_grant(&body) {
            return Err(NoGrant(failure));
        }
        let mut response = HttpResponse::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

impl<'c> AsyncHttpClient<'c> for Wire {
    type Error = NoGrant;
    type Future = BoxFuture<'c, Result<HttpResponse, NoGrant>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        self.send(request).boxed()
    }
}

fn says_invalid_grant(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    serde_json::from_slice::<Refusal>(body).is_ok_and(|refusal| refusal.error == "invalid_grant")
}

fn refused(retry_after: &dyn RetryAfter, reply: &reqwest::Response) -> Failure {
    let delay = retry_after.delay(reply.headers());
    let cause = Cause::Status(reply.status().as_u16());
    match (reply.status(), delay) {
        (StatusCode::TOO_MANY_REQUESTS, _) | (StatusCode::SERVICE_UNAVAILABLE, Some(_)) => {
            Failure::new(Kind::RateLimited, Party::Idp, cause).after(delay)
        }
        _ => Failure::idp(cause).after(delay),
    }
}

impl Exchange for Endpoint {
    fn exchange(&self, request: GrantRequest) -> BoxFuture<'_, Result<Issued, Failure>> {
        self.redeem(request).boxed()
    }
}

/// Tells "never again" from "not now". Giving up on the second is FM-06, retrying the first is FM-02. No other text of
/// the error is kept: a parse error holds the whole answer, token included.
fn classify(error: RequestTokenError<NoGrant, BasicErrorResponse>) -> Failure {
    match error {
        RequestTokenError::Request(NoGrant(failure)) => failure,
        RequestTokenError::ServerResponse(answer) => refused_by_protocol(answer.error()),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            Failure::idp(Cause::Text("answer cannot be read"))
        }
    }
}

fn refused_by_protocol(error: &BasicErrorResponseType) -> Failure {
    use BasicErrorResponseType as E;
    let (kind, code) = match error {
        E::InvalidGrant => (Kind::TokenRevoked, "invalid_grant"),
        E::InvalidClient => (Kind::TokenRevoked, "invalid_client"),
        E::UnauthorizedClient => (Kind::TokenRevoked, "unauthorized_client"),
        E::InvalidScope => (Kind::InsufficientScope, "invalid_scope"),
        E::InvalidRequest => (Kind::IdpUnavailable, "invalid_request"),
        E::UnsupportedGrantType => (Kind::IdpUnavailable, "unsupported_grant_type"),
        E::Extension(code) => match code.as_str() {
            "access_denied" => (Kind::TokenRevoked, "access_denied"),
            "disabled_client" => (Kind::TokenRevoked, "disabled_client"),
            "deleted_client" => (Kind::TokenRevoked, "deleted_client"),
            "slow_down" => (Kind::RateLimited, "slow_down"),
            "temporarily_unavailable" => (Kind::IdpUnavailable, "temporarily_unavailable"),
            "server_error" => (Kind::IdpUnavailable, "server_error"),
            _ => (Kind::IdpUnavailable, "unknown error code"),
        },
    };
    Failure::new(kind, Party::Idp, Cause::Code(code))
}

/// A [`Failure`] on its way through the `oauth2` crate, which asks for an error.
#[derive(Debug, thiserror::Error)]
#[error("no grant")]
struct NoGrant(Failure);

/// RFC 6749 §5.1, read generously: only the access token must be there.
#[derive(Clone, Deserialize, Serialize)]
struct Answer {
    access_token: AccessToken,
    #[serde(default)]
    refresh_token: Option<RefreshToken>,
    #[serde(skip, default = "bearer")]
    token_type: BasicTokenType,
}

fn bearer() -> BasicTokenType {
    BasicTokenType::Bearer
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}

impl TokenResponse for Answer {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<std::time::Duration> {
        None
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}
