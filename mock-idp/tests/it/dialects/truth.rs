//! A dialect changes shape, never what is true.

use std::time::Duration;

use mock_idp::{Dialect, TokenId, Which};

use super::Provider;
use crate::support::Reply;

fn refused(dialect: Dialect, what: &str, reply: &Reply) {
    assert!((400..500).contains(&reply.status), "{dialect}, {what}: {} {}", reply.status, reply.body);
    assert!(!reply.body.contains("access_token"), "{dialect}, {what}: {}", reply.body);
}

#[tokio::test]
async fn a_dead_refresh_token_is_dead_in_every_dialect() {
    for dialect in Dialect::ALL.iter().copied() {
        let provider = Provider::of(dialect).await;
        let idp = &provider.served.idp;
        let token = provider.consented();
        assert_eq!(provider.refresh(token.value.expose()).await.status, 200, "{dialect}: a live one is good");
        idp.revoke(&Which::Token(token.id), "test");
        refused(dialect, "revoked", &provider.refresh(token.value.expose()).await);

        let token = provider.consented();
        idp.expire(token.id);
        refused(dialect, "expired by hand", &provider.refresh(token.value.expose()).await);

        let token = provider.consented();
        provider.pass(Duration::from_millis(u64::try_from(token.expires_at_ms - token.issued_at_ms).expect("later")));
        refused(dialect, "expired", &provider.refresh(token.value.expose()).await);

        refused(dialect, "never issued", &provider.refresh("tlrt_0123456789").await);
    }
}

#[tokio::test]
async fn a_redeemed_refresh_token_is_dead_wherever_one_use_can_be_asked_for() {
    let mut judged = 0;
    for dialect in Dialect::ALL.iter().copied() {
        let Some(provider) = Provider::single_use(dialect).await else { continue };
        judged += 1;
        let token = provider.consented();
        let first = provider.refresh(token.value.expose()).await;
        assert_eq!(first.status, 200, "{dialect}: {}", first.body);
        let successor = first.text("refresh_token");
        assert_ne!(successor, token.value.expose(), "{dialect}");
        refused(dialect, "reused", &provider.refresh(token.value.expose()).await);
        refused(dialect, "its successor", &provider.refresh(&successor).await);
    }
    assert_eq!(judged, Dialect::ALL.len() - 2, "all but Entra and Google");
}

#[tokio::test]
async fn a_disabled_client_is_turned_away_in_every_dialect() {
    for dialect in Dialect::ALL.iter().copied() {
        let provider = Provider::of(dialect).await;
        let token = provider.consented();
        provider.served.idp.disable_client("worker");
        refused(dialect, "credentials", &provider.token(&provider.credentials_form()).await);
        refused(dialect, "refresh", &provider.refresh(token.value.expose()).await);
    }
}

#[tokio::test]
async fn a_revoked_access_token_is_dead_whatever_the_answer_to_its_revocation() {
    for dialect in Dialect::ALL.iter().copied() {
        let provider = Provider::of(dialect).await;
        let value = provider.access_token().await;
        let id: TokenId = provider.served.idp.facts(&value).expect("known").id;
        provider.served.idp.revoke(&Which::Token(id), "test");
        let facts = provider.served.idp.facts(&value).expect("known");
        assert!(!facts.is_live(provider.served.idp.clock().now_ms()), "{dialect}");
    }
}

#[tokio::test]
async fn two_access_tokens_of_one_second_are_never_one() {
    for dialect in Dialect::ALL.iter().copied() {
        // Its clock stands still.
        let provider = Provider::of(dialect).await;
        assert_ne!(provider.access_token().await, provider.access_token().await, "{dialect}");
    }
}

#[tokio::test]
async fn nobody_gets_more_than_was_consented_to() {
    for dialect in Dialect::ALL.iter().copied() {
        let provider = Provider::of(dialect).await;
        let token = provider.consented();
        let form =
            |scope: &str| format!("grant_type=refresh_token&refresh_token={}&scope={scope}", token.value.expose());
        let reply = provider.token(&form("admin")).await;
        refused(dialect, "a foreign scope alone", &reply);
        let reply = provider.token(&form("orders.read+admin")).await;
        if reply.status == 200 {
            let facts = provider.served.idp.facts(&reply.text("access_token")).expect("known");
            assert_eq!(facts.scopes, ["orders.read"], "{dialect}");
        }
    }
}
