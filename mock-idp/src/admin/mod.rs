//! Control and observation over HTTP, under `/admin`, with an OpenAPI document made from the code and a page to look at.
//!
//! It is for a port of its own: the identity provider's addresses are the system under test's. Whoever reaches it can do
//! everything, so it is for loopback, wants a bearer token if it is given one, and refuses what a browser sends for
//! another site. Secrets are shown as fingerprints, with two exceptions: the refresh token that it mints, and the codes
//! by which waiting devices are approved.
//!
//! ```no_run
//! # use mock_idp::{Config, Idp, Listener, admin::Admin};
//! # async fn serve(socket: tokio::net::TcpListener) -> std::io::Result<()> {
//! let idp = Idp::new(Config::default());
//! Admin::new(idp, Listener::new("idp", "http://127.0.0.1:9000")).serve(socket).await
//! # }
//! ```

mod body;
mod caching;
mod clients;
mod clock;
mod consents;
mod devices;
mod events;
mod guard;
mod keys;
mod page;
mod problem;
mod propagation;
mod requests;
mod rules;
mod snapshots;
mod state;
mod subjects;
mod tokens;

use std::sync::{Arc, Mutex};

use axum::extract::DefaultBodyLimit;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Router, middleware};
use tokio::net::TcpListener;
use utoipa::OpenApi;
use utoipa::openapi::path::PathItem;
use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;

use crate::config::Listener;
use crate::idp::Idp;
use crate::secret::Secret;
use problem::{PROBLEM_JSON, Problem};
use snapshots::Snapshots;

/// Larger bodies are refused. A client with more claims than it may have is told so in words.
const BODY_LIMIT: usize = 256 * 1024;

/// What every handler works with.
#[derive(Clone)]
struct Context {
    idp: Idp,
    listener: Arc<Listener>,
    snapshots: Arc<Mutex<Snapshots>>,
}

/// The control of an identity provider.
pub struct Admin {
    context: Context,
    token: Option<Secret>,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "mock-idp control",
        description = "Control and observation of a mock identity provider. For tests; for loopback. Secrets are shown \
                       as fingerprints.",
    ),
    components(schemas(Problem, crate::Endpoint, crate::Stage, crate::TokenKind))
)]
struct Document;

impl Admin {
    /// The control of `idp`; new refresh tokens are issued at `listener`.
    pub fn new(idp: Idp, listener: Listener) -> Self {
        let context = Context { idp, listener: Arc::new(listener), snapshots: Arc::default() };
        Self { context, token: None }
    }

    /// Wants this as bearer token (RFC 6750 §2.1), or as password of HTTP Basic, for browsers.
    #[must_use]
    pub fn token(self, token: Option<Secret>) -> Self {
        Self { token, ..self }
    }

    /// The service, with everything under `/admin`.
    pub fn router(self) -> Router {
        let (router, document) = routes().with_state(self.context.clone()).split_for_parts();
        let document: Arc<str> = documented(document).to_json().expect("a document is plain JSON").into();
        let openapi = get(async move || ([(CONTENT_TYPE, "application/json")], document.to_string()));
        let guard = Arc::new(guard::Guard::new(self.token));
        router
            .merge(page::router().with_state(self.context))
            .route("/admin/openapi.json", openapi)
            .fallback(async || Problem::not_found("nothing is served at this path; /admin/openapi.json says what is"))
            .method_not_allowed_fallback(async || Problem::method_not_allowed())
            .layer(DefaultBodyLimit::max(BODY_LIMIT))
            .layer(middleware::from_fn_with_state(guard, guard::check))
    }

    /// Serves until the future is dropped.
    ///
    /// # Errors
    ///
    /// If the socket fails.
    pub async fn serve(self, socket: TcpListener) -> std::io::Result<()> {
        axum::serve(socket, self.router()).await
    }
}

/// The OpenAPI 3.1 document that is served, as JSON.
pub fn openapi() -> String {
    let (_, document) = routes().split_for_parts();
    documented(document).to_pretty_json().expect("a document is plain JSON")
}

fn routes() -> OpenApiRouter<Context> {
    let resources = OpenApiRouter::new()
        .merge(state::routes())
        .merge(clients::routes())
        .merge(consents::routes())
        .merge(devices::routes())
        .merge(subjects::routes())
        .merge(tokens::routes())
        .merge(keys::routes())
        .merge(caching::routes())
        .merge(clock::routes())
        .merge(propagation::routes())
        .merge(rules::routes())
        .merge(requests::routes())
        .merge(events::routes())
        .merge(snapshots::routes());
    OpenApiRouter::with_openapi(Document::openapi()).nest("/admin", resources)
}

/// Every operation can be refused with a problem, and has a name of its own.
fn documented(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let refusal = ResponseBuilder::new().description("It is refused").content(PROBLEM_JSON, content).build();
    let operations = |item: &mut PathItem| {
        let all = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        all.into_iter().flatten().for_each(|operation| {
            operation.responses.responses.insert("default".to_owned(), refusal.clone().into());
            // Handlers have short names within their resource.
            let resource = operation.tags.as_ref().and_then(|tags| tags.first()).cloned().unwrap_or_default();
            operation.operation_id = operation.operation_id.take().map(|name| format!("{resource}_{name}"));
        });
    };
    document.paths.paths.values_mut().for_each(operations);
    document
}

/// A change was made; there is nothing to say.
fn done() -> impl IntoResponse {
    axum::http::StatusCode::NO_CONTENT
}
