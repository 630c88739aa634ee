//! Clients.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{Body, Path};
use super::problem::Problem;
use super::tokens::TokenView;
use super::{Context, done};
use crate::config::{AuthMethod, Client, GrantType};
use crate::file::At;
use crate::idp::ClientFacts;
use crate::secret::Secret;
use crate::settings::{ClientSettings, Keys, extra_claims, words};

pub(super) fn routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show, change, remove))
        .routes(routes!(rotate_secret))
        .routes(routes!(consent))
}

/// A client.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ClientView {
    /// `client_id`.
    id: String,
    /// Fingerprints of its secrets.
    secrets: Vec<String>,
    /// Whether it is turned away.
    disabled: bool,
    /// How it may authenticate.
    methods: Vec<AuthMethod>,
    /// What it may ask for.
    grants: Vec<GrantType>,
    /// Scopes that it may have.
    scopes: Vec<String>,
    /// `aud` of its access tokens.
    audience: String,
    /// What its access tokens say besides.
    claims: Map<String, Value>,
    /// Whether its tokens are bound by DPoP in any case.
    dpop_bound_access_tokens: bool,
    /// Whether its tokens are bound to its certificate.
    tls_client_certificate_bound_access_tokens: bool,
    /// Whether it may introspect every token.
    resource_server: bool,
}

impl From<ClientFacts> for ClientView {
    fn from(ClientFacts { client, disabled }: ClientFacts) -> Self {
        Self {
            secrets: client.secrets.iter().map(|secret| secret.value.fingerprint()).collect(),
            disabled,
            id: client.id,
            methods: client.methods,
            grants: client.grants,
            scopes: client.scopes,
            audience: client.audience,
            claims: client.claims.as_map().clone(),
            dpop_bound_access_tokens: client.dpop_bound,
            tls_client_certificate_bound_access_tokens: client.certificate_bound,
            resource_server: client.resource_server,
        }
    }
}

/// What changes of a client. What is left out stays.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ClientChange {
    /// Whether it is turned away; what it holds dies then, and stays dead.
    disabled: Option<bool>,
    /// How it may authenticate.
    methods: Option<Vec<AuthMethod>>,
    /// What it may ask for.
    grants: Option<Vec<GrantType>>,
    /// Scopes that it may have.
    scopes: Option<Vec<String>>,
    /// `aud` of its access tokens from now on.
    audience: Option<String>,
    /// What its access tokens say besides from now on; 64 KiB at most, as JSON.
    #[schema(value_type = Option<Object>)]
    claims: Option<At<Map<String, Value>>>,
    /// The public keys that it signs its assertions with from now on (RFC 7517 §5).
    #[schema(value_type = Option<Object>)]
    jwks: Option<At<Map<String, Value>>>,
    /// Where those keys are fetched from, on this machine.
    #[schema(value_type = Option<String>)]
    jwks_uri: Option<At<String>>,
    /// Its own certificates, in PEM, instead of such keys.
    #[schema(value_type = Option<String>)]
    certificates: Option<At<String>>,
    /// Whether its tokens are bound by DPoP in any case.
    dpop_bound_access_tokens: Option<bool>,
    /// Whether its tokens are bound to its certificate.
    tls_client_certificate_bound_access_tokens: Option<bool>,
    /// Whether it may introspect every token.
    resource_server: Option<bool>,
}

impl ClientChange {
    /// What it does to a client, of what can be.
    fn checked(self) -> Result<impl FnOnce(&mut Client), Problem> {
        let keys = Keys {
            jwks: self.jwks.as_ref(),
            jwks_uri: self.jwks_uri.as_ref(),
            certificates: self.certificates.as_ref(),
        };
        let keys = keys.source().map_err(|(_, complaint)| Problem::complaint(&complaint))?;
        if let Some(complaint) = self.scopes.iter().flatten().find_map(|scope| words::no_scope(scope)) {
            return Err(Problem::complaint(&complaint));
        }
        let claims = self.claims.as_ref().map(extra_claims).transpose();
        let claims = claims.map_err(|(_, complaint)| Problem::complaint(&complaint))?;
        Ok(move |client: &mut Client| {
            fn set<T>(place: &mut T, value: Option<T>) {
                if let Some(value) = value {
                    *place = value;
                }
            }
            set(&mut client.methods, self.methods);
            set(&mut client.grants, self.grants);
            set(&mut client.scopes, self.scopes);
            set(&mut client.audience, self.audience);
            set(&mut client.claims, claims);
            set(&mut client.dpop_bound, self.dpop_bound_access_tokens);
            set(&mut client.certificate_bound, self.tls_client_certificate_bound_access_tokens);
            set(&mut client.resource_server, self.resource_server);
            if keys.is_some() {
                client.keys = keys;
            }
        })
    }
}

/// Another secret.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSecret {
    /// The secret from now on; the old one is refused at once.
    #[schema(value_type = String, min_length = 1)]
    secret: Secret,
}

/// Who consents.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Consent {
    /// `sub` of what is issued.
    #[schema(min_length = 1)]
    subject: String,
}

/// A refresh token that nobody has yet.
#[derive(Serialize, utoipa::ToSchema)]
struct Minted {
    /// The token itself: the only secret that the control ever tells.
    refresh_token: String,
    /// What is known of it.
    token: TokenView,
}

/// The registered clients
#[utoipa::path(get, path = "/clients", tag = "clients", responses((status = 200, body = Vec<ClientView>)))]
async fn list(State(context): State<Context>) -> Json<Vec<ClientView>> {
    let ids = context.idp.clients();
    Json(ids.iter().filter_map(|id| context.idp.client(id)).map(ClientView::from).collect())
}

/// Registers a client
#[utoipa::path(post, path = "/clients", tag = "clients", request_body = ClientSettings,
    responses((status = 201, body = ClientView)))]
async fn add(
    State(context): State<Context>,
    Body(settings): Body<ClientSettings>,
) -> Result<impl IntoResponse, Problem> {
    if let Some((_, complaint)) = settings.complaints().first() {
        return Err(Problem::complaint(complaint));
    }
    let client = settings.client();
    // Not what is registered now: it may take its time until a client is known.
    let added = ClientView::from(ClientFacts { client: client.clone(), disabled: false });
    if !context.idp.add_client(client) {
        let why = format!("a client `{}` is registered already; PATCH changes it", added.id);
        return Err(Problem::conflict(why));
    }
    Ok((StatusCode::CREATED, Json(added)))
}

/// A client
#[utoipa::path(get, path = "/clients/{id}", tag = "clients", params(("id" = String, Path, description = "`client_id`")),
    responses((status = 200, body = ClientView)))]
async fn show(State(context): State<Context>, Path(id): Path<String>) -> Result<Json<ClientView>, Problem> {
    found(&context, &id).map(Json)
}

/// Changes a client
#[utoipa::path(patch, path = "/clients/{id}", tag = "clients", request_body = ClientChange,
    params(("id" = String, Path, description = "`client_id`")), responses((status = 200, body = ClientView)))]
async fn change(
    State(context): State<Context>,
    Path(id): Path<String>,
    Body(change): Body<ClientChange>,
) -> Result<Json<ClientView>, Problem> {
    let facts = context.idp.client(&id).ok_or_else(|| Problem::no_client(&id))?;
    let disabled = change.disabled;
    let change = change.checked()?;
    context.idp.change_client(&id, change);
    match disabled {
        Some(true) if !facts.disabled => context.idp.disable_client(&id),
        Some(false) if facts.disabled => context.idp.enable_client(&id),
        _ => {}
    }
    found(&context, &id).map(Json)
}

/// Removes a client; what it holds dies
#[utoipa::path(delete, path = "/clients/{id}", tag = "clients",
    params(("id" = String, Path, description = "`client_id`")),
    responses((status = 204, description = "It is gone")))]
async fn remove(State(context): State<Context>, Path(id): Path<String>) -> Result<impl IntoResponse, Problem> {
    if context.idp.remove_client(&id) { Ok(done()) } else { Err(Problem::no_client(&id)) }
}

/// Gives a client another secret; what it holds stays alive
#[utoipa::path(post, path = "/clients/{id}/rotate-secret", tag = "clients", request_body = NewSecret,
    params(("id" = String, Path, description = "`client_id`")), responses((status = 200, body = ClientView)))]
async fn rotate_secret(
    State(context): State<Context>,
    Path(id): Path<String>,
    Body(new): Body<NewSecret>,
) -> Result<Json<ClientView>, Problem> {
    if new.secret.expose().is_empty() {
        return Err(Problem::bad_request("`secret` is empty (it has one or more printable ASCII characters)"));
    }
    if let Some(complaint) = words::no_secret(new.secret.expose()) {
        return Err(Problem::complaint(&complaint));
    }
    found(&context, &id)?;
    context.idp.rotate_secret(&id, new.secret);
    found(&context, &id).map(Json)
}

/// Mints a refresh token, as if somebody had consented
#[utoipa::path(post, path = "/clients/{id}/refresh-tokens", tag = "clients", request_body = Consent,
    params(("id" = String, Path, description = "`client_id`")), responses((status = 201, body = Minted)))]
async fn consent(
    State(context): State<Context>,
    Path(id): Path<String>,
    Body(Consent { subject }): Body<Consent>,
) -> Result<impl IntoResponse, Problem> {
    if subject.is_empty() {
        return Err(Problem::bad_request("`subject` is empty (name who consents, as in `alice`)"));
    }
    let minted = context.idp.mint_refresh_token(&id, &subject, &context.listener);
    let minted = minted.ok_or_else(|| Problem::no_client(&id))?;
    let refresh_token = minted.value.expose().to_owned();
    let token = TokenView::of(&minted, context.idp.clock().now_ms());
    Ok((StatusCode::CREATED, Json(Minted { refresh_token, token })))
}

/// What is shown of a client, if there is one.
pub(super) fn found(context: &Context, id: &str) -> Result<ClientView, Problem> {
    context.idp.client(id).map(ClientView::from).ok_or_else(|| Problem::no_client(id))
}
