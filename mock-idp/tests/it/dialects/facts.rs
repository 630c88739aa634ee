//! Each line of the table of facts, on the wire.

use std::collections::BTreeSet;

use mock_idp::{Dialect, Endpoint};
use serde_json::Value;

use super::{Provider, header, part, quoted};

#[tokio::test]
async fn the_issuer_is_where_it_is_said_to_be() {
    for dialect in Dialect::ALL.iter().copied() {
        let provider = Provider::of(dialect).await;
        let says = provider.fact("issuer").expect("said");
        let path = if says.starts_with('`') { quoted(&says)[0] } else { "" };
        let issuer = provider.served.idp.issuer(&provider.served.listener);
        assert_eq!(issuer, format!("{}{path}", provider.served.listener.origin), "{dialect}");
        // OpenID Connect Discovery 1.0 §4: from the issuer without its last slash.
        let well_known = format!("{}/.well-known/openid-configuration", path.trim_end_matches('/'));
        let document = provider.served.get(&well_known).await;
        assert_eq!((document.status, document.text("issuer")), (200, issuer), "{dialect}");
    }
}

#[tokio::test]
async fn every_address_that_is_named_is_served_and_metadata_name_the_first() {
    for dialect in Dialect::ALL.iter().copied() {
        let provider = Provider::of(dialect).await;
        let (none, addresses): (Vec<_>, Vec<_>) =
            provider.facts("address").into_iter().partition(|fact| fact.says.contains(": none"));
        assert!(addresses.len() > 3, "{dialect}");
        for fact in &addresses {
            let (method, path) = quoted(&fact.says)[0].split_once(' ').expect("method and path");
            let path = path.replace("{sa}", "default");
            let reply = match method {
                "GET" => provider.served.get(&path).await,
                _ => provider.served.post(&path, "", "").await,
            };
            assert_ne!(reply.status, 404, "{dialect}: {path}");
        }
        for fact in &none {
            let absent = Endpoint::ALL
                .iter()
                .find(|endpoint| fact.says.starts_with(&format!("{endpoint}: ")))
                .expect("its name");
            assert_eq!(provider.path(*absent), None, "{dialect}: {}", fact.says);
        }
        let discovery = provider.served.get(&provider.path(Endpoint::Discovery).expect("served")).await;
        for (member, endpoint) in [
            ("token_endpoint", Endpoint::Token),
            ("jwks_uri", Endpoint::Jwks),
            ("introspection_endpoint", Endpoint::Introspect),
            ("revocation_endpoint", Endpoint::Revoke),
            ("authorization_endpoint", Endpoint::Authorize),
            ("device_authorization_endpoint", Endpoint::DeviceAuthorization),
        ] {
            let url = provider.served.idp.url(endpoint, &provider.served.listener);
            assert_eq!(discovery.field(member).as_str(), url.as_deref(), "{dialect}: {member}");
            let named = addresses.iter().find(|fact| fact.says.starts_with(&format!("{endpoint}: ")));
            let named = named.map(|fact| quoted(&fact.says)[0].split_once(' ').expect("method and path").1.to_owned());
            assert_eq!(provider.path(endpoint), named, "{dialect}: {member}");
        }
    }
}

#[tokio::test]
async fn tokens_live_as_long_as_is_said_and_say_so_in_the_form_that_is_said() {
    for dialect in Dialect::ALL.iter().copied() {
        let provider = Provider::of(dialect).await;
        let seconds = |topic: &str| -> i64 {
            let says = provider.fact(topic).expect("said");
            says.split(' ').next().and_then(|number| number.parse().ok()).expect("seconds")
        };
        let reply = provider.token(&provider.credentials_form()).await;
        let says = provider.fact("`expires_in`").expect("said");
        assert!(says.starts_with("a number"), "{dialect}: {says}");
        assert_eq!(reply.field("expires_in"), seconds("access token lifetime"), "{dialect}");
        let refresh = provider.consented();
        let lives = (refresh.expires_at_ms - refresh.issued_at_ms) / 1000;
        assert_eq!(lives, seconds("refresh token lifetime"), "{dialect}");
    }
}

#[tokio::test]
async fn access_tokens_have_the_form_and_the_claims_that_are_said() {
    for dialect in Dialect::ALL.iter().copied() {
        let provider = Provider::of(dialect).await;
        let token = provider.access_token().await;
        let form = provider.fact("access token").expect("said");
        let Some(typ) = provider.fact("`typ` of the access token") else {
            let prefix = quoted(&form)[0].trim_end_matches('…');
            assert!(token.starts_with(prefix) && !token[prefix.len()..].contains('.'), "{dialect}: {form}");
            continue;
        };
        let head = part(&token, 0);
        assert_eq!(head["typ"], quoted(&typ)[0], "{dialect}");
        assert!(form.contains(head["alg"].as_str().expect("text")), "{dialect}: {form}");
        let claims = part(&token, 1);
        let names: BTreeSet<&str> = claims.as_object().expect("claims").keys().map(String::as_str).collect();
        let said = provider.fact("claims without a user").expect("said");
        let said = said.split(';').next().expect("at least the names");
        assert_eq!(names, quoted(said).into_iter().collect(), "{dialect}");
        assert_eq!(claims["iss"], provider.served.idp.issuer(&provider.served.listener), "{dialect}");
        assert_eq!(claims["exp"], provider.served.idp.facts(&token).expect("known").expires_at_ms / 1000, "{dialect}");
    }
}

#[tokio::test]
async fn a_refresh_answers_with_a_new_refresh_token_where_that_is_said() {
    for dialect in Dialect::ALL.iter().copied() {
        let provider = Provider::of(dialect).await;
        let token = provider.consented();
        let reply = provider.refresh(token.value.expose()).await;
        let says = provider.fact("refresh tokens").expect("said");
        let fresh = reply.field("refresh_token").is_string();
        assert_eq!(fresh, says.starts_with("a new one with each use"), "{dialect}: {}", reply.body);
        assert_eq!(provider.refresh(token.value.expose()).await.status, 200, "{dialect}: the old one stays good");
        if fresh {
            assert_eq!(
                provider.refresh(&reply.text("refresh_token")).await.status,
                200,
                "{dialect}: so is the new one"
            );
        }
    }
}

#[tokio::test]
async fn further_members_of_a_success_are_those_that_are_said() {
    for dialect in Dialect::ALL.iter().copied() {
        let provider = Provider::of(dialect).await;
        let says = provider.fact("further members of a success").expect("said");
        let said: BTreeSet<String> =
            quoted(says.split(';').next().expect("names")).into_iter().map(str::to_owned).collect();
        let standard = ["access_token", "token_type", "expires_in", "refresh_token", "scope"];
        let mut seen = BTreeSet::new();
        let token = provider.consented();
        let mut replies =
            vec![provider.token(&provider.credentials_form()).await, provider.refresh(token.value.expose()).await];
        let former = provider
            .facts("address")
            .into_iter()
            .find(|fact| fact.says.starts_with("token") && fact.says.ends_with("(former generation)"));
        if let Some(fact) = former {
            let path = quoted(&fact.says)[0].split_once(' ').expect("method and path").1;
            let form = "grant_type=client_credentials&resource=https%3A%2F%2Fapi.example";
            replies.push(provider.served.post(path, &super::basic("worker", "secret"), form).await);
        }
        for reply in replies {
            assert_eq!(reply.status, 200, "{dialect}: {}", reply.body);
            let body: Value = serde_json::from_str(&reply.body).expect("JSON");
            let names = body.as_object().expect("an object").keys().cloned();
            seen.extend(names.filter(|name| !standard.contains(&name.as_str())));
        }
        assert_eq!(seen, said, "{dialect}");
    }
}

#[tokio::test]
async fn the_key_set_has_the_headers_that_are_said() {
    for dialect in Dialect::ALL.iter().copied() {
        let provider = Provider::of(dialect).await;
        let reply = provider.served.get(&provider.path(Endpoint::Jwks).expect("served")).await;
        assert_eq!(reply.status, 200, "{dialect}");
        let says = provider.fact("headers of the key set").expect("said");
        for field in quoted(&says) {
            let (name, value) = field.split_once(": ").expect("a field");
            assert_eq!(header(&reply, name), Some(value), "{dialect}");
        }
        assert_eq!(header(&reply, "cache-control").is_some(), says.contains("cache-control"), "{dialect}");
    }
}

#[test]
fn a_throttled_answer_says_what_the_table_says() {
    for dialect in Dialect::ALL.iter().copied() {
        let throttled = dialect.throttled();
        let fact = dialect.facts().into_iter().find(|fact| fact.topic == "one request too many").expect("said");
        assert!(fact.says.starts_with(&throttled.status.to_string()), "{dialect}");
        assert_eq!(fact.says.contains("`Retry-After`"), throttled.retry_after, "{dialect}");
    }
    assert_eq!(Dialect::Entra.throttled().body, Some(("text/plain", "Too Many Requests")));
    let okta = ["X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset"];
    assert_eq!(Dialect::Okta.throttled().counters, Some(okta));
    let auth0 = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];
    assert_eq!(Dialect::Auth0.throttled().counters, Some(auth0));
}
