//! Tokens for whoever runs on a machine.

use std::time::Duration;

use mock_idp::{Dialect, Which};

use super::{Provider, header};
use crate::support::Reply;

const GOOGLE: &str = "/computeMetadata/v1/instance/service-accounts";
const AZURE: &str = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fapi.example";

async fn get(provider: &Provider, path: &str, headers: &str) -> Reply {
    let request = format!("GET {path} HTTP/1.1\r\nHost: idp\r\nConnection: close\r\n{headers}\r\n");
    provider.served.raw(&request).await.expect("a reply")
}

async fn google(provider: &Provider, account: &str) -> Reply {
    get(provider, &format!("{GOOGLE}/{account}/token"), "Metadata-Flavor: Google\r\n").await
}

#[tokio::test]
async fn the_metadata_server_gives_the_same_token_until_its_last_minutes() {
    let provider = Provider::of(Dialect::Google).await;
    let first = google(&provider, "worker").await;
    assert_eq!((first.status, header(&first, "metadata-flavor")), (200, Some("Google")), "{}", first.body);
    assert_eq!((first.field("expires_in"), first.text("token_type")), (3600.into(), "Bearer".into()));
    assert!(first.field("refresh_token").is_null());
    provider.pass(Duration::from_secs(3299));
    let same = google(&provider, "worker").await;
    assert_eq!(same.text("access_token"), first.text("access_token"));
    assert_eq!(same.field("expires_in"), 301, "what is left of it");
    provider.pass(Duration::from_secs(1));
    let next = google(&provider, "worker").await;
    assert_ne!(next.text("access_token"), first.text("access_token"));
    assert_eq!(next.field("expires_in"), 3600);
}

#[tokio::test]
async fn a_revoked_token_is_not_given_again() {
    let provider = Provider::of(Dialect::Google).await;
    let first = google(&provider, "worker").await.text("access_token");
    let id = provider.served.idp.facts(&first).expect("ours").id;
    provider.served.idp.revoke(&Which::Token(id), "test");
    assert_ne!(google(&provider, "worker").await.text("access_token"), first);
}

#[tokio::test]
async fn accounts_are_clients_and_each_has_tokens_of_its_own() {
    let provider = Provider::of(Dialect::Google).await;
    let token = |reply: Reply| provider.served.idp.facts(&reply.text("access_token")).expect("ours");
    assert_eq!(token(google(&provider, "worker").await).client, "worker");
    let first = token(google(&provider, "default").await);
    assert_eq!(first.client, "posts", "the first by id that may ask for itself");
    let narrow =
        get(&provider, &format!("{GOOGLE}/worker/token?scopes=orders.read"), "Metadata-Flavor: Google\r\n").await;
    assert_eq!(token(narrow).scopes, ["orders.read"]);
    assert_eq!(token(google(&provider, "worker").await).scopes.len(), 2, "a token of other scopes is another");
    for account in ["nobody", "refreshes-only"] {
        let reply = google(&provider, account).await;
        assert_eq!((reply.status, reply.text("error")), (400, "invalid_request".into()), "{account}");
    }
    provider.served.idp.disable_client("worker");
    assert_eq!(google(&provider, "worker").await.status, 400, "not even one that was given before");
}

#[tokio::test]
async fn the_header_that_no_browser_sends_is_needed() {
    for (dialect, path, good) in [
        (Dialect::Google, format!("{GOOGLE}/worker/token"), "Metadata-Flavor: Google\r\n"),
        (Dialect::Entra, AZURE.to_owned(), "Metadata: true\r\n"),
    ] {
        let provider = Provider::of(dialect).await;
        let name = good.split(':').next().expect("a name");
        for bad in [String::new(), format!("{name}: other\r\n")] {
            let reply = get(&provider, &path, &bad).await;
            assert_eq!((reply.status, reply.text("error")), (400, "invalid_request".into()), "{dialect}: {bad}");
        }
        assert_eq!(get(&provider, &path, good).await.status, 200, "{dialect}");
    }
}

#[tokio::test]
async fn an_azure_machine_has_numbers_as_text_and_needs_a_resource() {
    let provider = Provider::of(Dialect::Entra).await;
    let azure = async |rest: &str| get(&provider, &format!("{AZURE}{rest}"), "Metadata: true\r\n").await;
    let reply = azure("&client_id=worker").await;
    let exp = (provider.now_s() + 4500).to_string();
    assert_eq!((reply.field("expires_in"), reply.field("expires_on")), ("4500".into(), exp.into()), "{}", reply.body);
    assert_eq!(reply.text("resource"), "https://api.example");
    let path = AZURE.split("&resource").next().expect("a path");
    let reply = get(&provider, path, "Metadata: true\r\n").await;
    assert_eq!((reply.status, reply.text("error")), (400, "invalid_request".into()), "{}", reply.body);
    let reply = get(&provider, &format!("{path}&resource=other"), "Metadata: true\r\n").await;
    assert_eq!((reply.status, reply.text("error")), (400, "invalid_target".into()));
}
