//! The crate `openidconnect` signs a user in.

mod support;

use mock_idp::{Algorithm, Client, Config, TokenFormat, User};
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata, CoreUserInfoClaims};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, IssuerUrl, Nonce, OAuth2TokenResponse as _,
    PkceCodeChallenge, RedirectUrl, Scope, TokenResponse as _,
};
use support::{http, send, serve};

const BACK: &str = "https://app.example/cb";

fn config(algorithm: Algorithm) -> Config {
    let scopes = ["openid", "profile", "email", "offline_access"];
    Config {
        clients: vec![Client::new("web", "secret").scopes(scopes).redirect_uris([BACK])],
        users: vec![User::new("alice").name("Alice Example").email("alice@example.com")],
        format: TokenFormat::Jwt(algorithm),
        ..Config::default()
    }
}

#[tokio::test]
async fn discovers_signs_in_verifies_asks_who_it_is_and_refreshes() {
    for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
        let served = serve(config(algorithm)).await;
        let http = http();
        let ask = |request| send(http.clone(), request);
        let issuer = IssuerUrl::new(served.listener.origin.clone()).expect("a URL");
        let metadata = CoreProviderMetadata::discover_async(issuer, &ask).await.expect("metadata");
        let secret = Some(ClientSecret::new("secret".into()));
        let client = CoreClient::from_provider_metadata(metadata, ClientId::new("web".into()), secret)
            .set_redirect_uri(RedirectUrl::new(BACK.into()).expect("a URL"));

        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let (url, state, nonce) = client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(["profile", "email"].map(|scope| Scope::new(scope.into())))
            .set_pkce_challenge(challenge)
            .url();
        let back = http.get(url).send().await.expect("a reply");
        let back = url::Url::parse(back.headers()["location"].to_str().expect("ASCII")).expect("a URL");
        let sent = |name: &str| back.query_pairs().find(|(given, _)| given == name).expect("sent").1.into_owned();
        assert_eq!(&sent("state"), state.secret());

        let code = AuthorizationCode::new(sent("code"));
        let exchange = client.exchange_code(code).expect("an endpoint").set_pkce_verifier(verifier);
        let granted = exchange.request_async(&ask).await.expect("tokens");
        let id_token = granted.id_token().expect("an ID token");
        let claims = id_token.claims(&client.id_token_verifier(), &nonce).expect("it verifies").clone();
        assert_eq!(claims.subject().as_str(), "alice");
        let other = id_token.claims(&client.id_token_verifier(), &Nonce::new_random());
        assert!(other.is_err(), "another sign-in's ID token");

        let access = granted.access_token().clone();
        let asked = client.user_info(access, Some(claims.subject().clone())).expect("an endpoint");
        let told: CoreUserInfoClaims = asked.request_async(&ask).await.expect("claims");
        assert_eq!(told.email().map(|email| email.as_str()), Some("alice@example.com"));

        let refresh = granted.refresh_token().expect("a refresh token");
        let renewed = client.exchange_refresh_token(refresh).expect("an endpoint").request_async(&ask).await;
        let renewed = renewed.expect("tokens");
        let without_nonce = |nonce: Option<&Nonce>| match nonce {
            None => Ok(()),
            Some(_) => Err("a refreshed ID token has no nonce".to_owned()),
        };
        let id_token = renewed.id_token().expect("an ID token");
        let again = id_token.claims(&client.id_token_verifier(), without_nonce).expect("it verifies");
        assert_eq!((again.subject(), again.auth_time()), (claims.subject(), claims.auth_time()));
    }
}
