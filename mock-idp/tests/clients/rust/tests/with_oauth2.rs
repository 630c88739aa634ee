//! The crate `oauth2` as a worker uses it: a token for itself, a refresh token that rotates, introspection.
//! Revocation it sends over HTTPS only.

mod support;

use std::time::Duration;

use mock_idp::{Client, Config, Reuse, Rotation, TokenFormat};
use oauth2::basic::{BasicClient, BasicErrorResponseType};
use oauth2::{
    AuthType, ClientId, ClientSecret, HttpRequest, IntrospectionUrl, RefreshToken, RequestTokenError, Scope,
    TokenIntrospectionResponse as _, TokenResponse as _, TokenUrl,
};
use support::{http, send, serve};

/// What RFC 6749 §2.3.1 has encoded in a header.
const AWKWARD: &str = "a secret: +%&=";

#[tokio::test]
async fn asks_for_itself_refreshes_and_introspects() {
    let served = serve(Config {
        clients: vec![Client::new("worker", AWKWARD).scopes(["orders.read", "orders.write"])],
        format: TokenFormat::Opaque,
        rotation: Rotation::On { reuse: Reuse::RevokeFamily, grace: Duration::ZERO },
        ..Config::default()
    })
    .await;
    let http = http();
    let ask = |request: HttpRequest| send(http.clone(), request);
    let at = |path: &str| format!("{}{path}", served.listener.origin);

    for how in [AuthType::BasicAuth, AuthType::RequestBody] {
        let minted = served.idp.mint_refresh_token("worker", "user-1", &served.listener).expect("a client");
        let with_secret = |secret: &str| {
            BasicClient::new(ClientId::new("worker".into()))
                .set_client_secret(ClientSecret::new(secret.into()))
                .set_auth_type(how.clone())
                .set_token_uri(TokenUrl::new(at("/oauth2/token")).expect("a URL"))
                .set_introspection_url(IntrospectionUrl::new(at("/oauth2/introspect")).expect("a URL"))
        };
        let client = with_secret(AWKWARD);

        let scope = || Scope::new("orders.read".into());
        let granted = client.exchange_client_credentials().add_scope(scope()).request_async(&ask).await;
        let granted = granted.expect("a token");
        assert_eq!(granted.expires_in(), Some(Duration::from_secs(300)));
        assert_eq!(granted.scopes(), Some(&vec![scope()]));
        let impostor = with_secret("another").exchange_client_credentials().request_async(&ask).await;
        let Err(RequestTokenError::ServerResponse(refused)) = impostor else { panic!("{impostor:?}") };
        assert_eq!(refused.error(), &BasicErrorResponseType::InvalidClient);

        let first = RefreshToken::new(minted.value.expose().to_owned());
        let renewed = client.exchange_refresh_token(&first).request_async(&ask).await.expect("tokens");
        let second = renewed.refresh_token().expect("it rotates");
        assert_ne!(first.secret(), second.secret());
        let told = client.introspect(renewed.access_token()).request_async(&ask).await.expect("an answer");
        assert_eq!((told.active(), told.sub()), (true, Some("user-1")));

        let reused = client.exchange_refresh_token(&first).request_async(&ask).await;
        let Err(RequestTokenError::ServerResponse(refused)) = reused else { panic!("{reused:?}") };
        assert_eq!(refused.error(), &BasicErrorResponseType::InvalidGrant);
        let told = client.introspect(renewed.access_token()).request_async(&ask).await.expect("an answer");
        assert!(!told.active(), "the family died with the reuse");
    }
}
