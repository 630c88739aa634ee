//! Refresh tokens of clients that keep no secret.

use mock_idp::{Client, Dialect, Endpoint};

use super::Provider;

#[tokio::test]
async fn rfc9700_4_14_2_a_public_clients_refresh_token_is_replaced_where_the_vendor_can() {
    let mut kept = Vec::new();
    for dialect in Dialect::ALL.iter().copied() {
        let app = Client { audience: "https://api.example".into(), ..Client::public("app").scopes(["orders.read"]) };
        let provider = Provider::with(dialect, |config| config.clients.push(app)).await;
        let idp = &provider.served.idp;
        let first = idp.mint_refresh_token("app", "user-1", &provider.served.listener).expect("a client");
        let form = format!("grant_type=refresh_token&client_id=app&refresh_token={}", first.value.expose());
        let path = provider.path(Endpoint::Token).expect("served");
        let refresh = async || provider.served.post(&path, "", &form).await;
        let reply = refresh().await;
        assert_eq!(reply.status, 200, "{dialect}: {}", reply.body);
        let again = refresh().await.status == 200;
        // Entra gives another one and keeps the old one; Google gives none.
        let another = !reply.field("refresh_token").is_null();
        match dialect {
            Dialect::Entra => assert!(again && another, "{dialect}"),
            Dialect::Google => assert!(again && !another, "{dialect}"),
            _ => assert!(!again && another, "{dialect}: it is good once"),
        }
        let says = provider.fact("refresh tokens").expect("said");
        assert_eq!(says.contains("for public clients neither"), again, "{dialect}: {says}");
        kept.extend(again.then_some(dialect));
    }
    assert_eq!(kept, [Dialect::Entra, Dialect::Google], "no other vendor is known to replace none");
}
