//! Refusals: each that a dialect says something of is brought about, and compared with what is said.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mock_idp::{Dialect, Endpoint, Reuse, Rotation, Which};

use super::{Provider, header, quoted};
use crate::support::{Reply, basic};

type All = BTreeMap<String, Reply>;

const SINGLE_USE: Rotation = Rotation::On { reuse: Reuse::RevokeFamily, grace: Duration::ZERO };

const FORM: &str = "grant_type=client_credentials";

/// Every refusal that can be brought about, by the name of its cause.
async fn refusals(dialect: Dialect) -> All {
    let mut all = All::new();
    let provider = Provider::of(dialect).await;
    let idp = provider.served.idp.clone();
    let form = provider.credentials_form();

    all.insert("malformed request".into(), provider.token(&format!("{FORM}&{FORM}")).await);
    turned_away(&mut all, &provider, Endpoint::Token, "", &form).await;
    let both = format!("{form}&client_id=worker&client_secret=secret");
    all.insert("several authentications".into(), provider.token(&both).await);
    all.insert("grant not allowed".into(), provider.post_as("refreshes-only", Endpoint::Token, &form).await);
    all.insert("unknown grant".into(), provider.token("grant_type=password").await);
    let audience =
        dialect.audience_parameter(&provider.worker).map_or_else(String::new, |it| format!("&audience={it}"));
    all.insert("scope not allowed".into(), provider.token(&format!("{FORM}&scope=admin{audience}")).await);
    if !audience.is_empty() {
        all.insert("audience not allowed".into(), provider.token(&format!("{FORM}&audience=other")).await);
    }
    if dialect == Dialect::Entra {
        let form = format!("{form}&resource=https%3A%2F%2Fapi.example");
        all.insert("resource parameter".into(), provider.token(&form).await);
    }

    all.insert("refresh token missing".into(), provider.token("grant_type=refresh_token").await);
    all.insert("refresh token unknown".into(), provider.refresh("tlrt_unknown").await);
    let token = provider.consented();
    let refresh = format!("grant_type=refresh_token&refresh_token={}", token.value.expose());
    all.insert("refresh token foreign".into(), provider.post_as("somebody-else", Endpoint::Token, &refresh).await);
    idp.revoke(&Which::Token(token.id), "test");
    all.insert("refresh token revoked".into(), provider.refresh(token.value.expose()).await);
    let token = provider.consented();
    idp.expire(token.id);
    all.insert("refresh token expired".into(), provider.refresh(token.value.expose()).await);
    // Where the vendor has no such thing, too: its words must not be those of something else.
    let single = Provider::with(dialect, |config| config.rotation = SINGLE_USE).await;
    let token = single.consented();
    single.refresh(token.value.expose()).await;
    all.insert("refresh token reused".into(), single.refresh(token.value.expose()).await);

    if provider.path(Endpoint::Revoke).is_some() {
        all.insert(
            "revocation unknown".into(),
            provider.post_as("worker", Endpoint::Revoke, "token=tlrt_unknown").await,
        );
        let form = format!("token={}", provider.consented().value.expose());
        all.insert("revocation foreign".into(), provider.post_as("somebody-else", Endpoint::Revoke, &form).await);
        let form = format!("token={}", provider.access_token().await);
        all.insert("revocation unsupported".into(), provider.post_as("worker", Endpoint::Revoke, &form).await);
        turned_away(&mut all, &provider, Endpoint::Revoke, " at the revoke endpoint", &form).await;
    }
    device_refused(&mut all, &provider).await;
    idp.disable_client("worker");
    all.insert("client disabled".into(), provider.token(&form).await);
    if provider.path(Endpoint::Revoke).is_some() {
        let reply = provider.post_as("worker", Endpoint::Revoke, "token=tlrt_unknown").await;
        all.insert("client disabled at the revoke endpoint".into(), reply);
    }
    all
}

/// What a device is told that gets nothing.
async fn device_refused(all: &mut All, provider: &Provider) {
    let poll = async |code: &str| {
        let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code";
        provider.post_as("tv", Endpoint::Token, &format!("grant_type={grant}&device_code={code}")).await
    };
    all.insert("device code unknown".into(), poll("tldc_unknown").await);
    if provider.path(Endpoint::DeviceAuthorization).is_some() {
        let asked = provider.post_as("tv", Endpoint::DeviceAuthorization, "").await;
        assert!(provider.served.idp.deny_device(&asked.text("user_code")), "{}", asked.body);
        all.insert("access denied".into(), poll(&asked.text("device_code")).await);
    }
}

/// The ways in which a client does not prove itself.
async fn turned_away(all: &mut All, provider: &Provider, endpoint: Endpoint, at: &str, form: &str) {
    let path = provider.path(endpoint).expect("served");
    for (cause, header) in [
        ("no authentication", String::new()),
        ("unreadable authentication", "Authorization: Basic ???\r\n".to_owned()),
        ("unknown client", basic("nobody", "secret")),
        ("wrong secret", basic("worker", "guess")),
        ("wrong authentication method", basic("posts", "secret")),
    ] {
        all.insert(format!("{cause}{at}"), provider.served.post(&path, &header, form).await);
    }
}

#[tokio::test]
async fn each_refusal_is_said_as_the_table_has_it() {
    for dialect in Dialect::ALL.iter().copied() {
        let all = refusals(dialect).await;
        for fact in dialect.facts().into_iter().filter(|fact| fact.topic == "refusal") {
            let (causes, says) = fact.says.split_once(": ").expect("causes and what is said");
            let (causes, place) = causes.split_once(" at the ").map_or((causes, None), |(it, place)| (it, Some(place)));
            for cause in causes.split(", ") {
                let name = place.map_or_else(|| cause.to_owned(), |place| format!("{cause} at the {place}"));
                let reply = all.get(&name).unwrap_or_else(|| panic!("{dialect}: {name} is not tried"));
                let told = format!("{dialect}, {name}: {} {}", reply.status, reply.body);
                assert!(says.starts_with(&reply.status.to_string()), "{told}; said: {says}");
                if says.contains("without a body") {
                    assert_eq!(reply.body, "", "{told}");
                } else {
                    assert_eq!(reply.text("error"), quoted(says)[0], "{told}");
                }
                if let Some(number) = says.split("AADSTS").nth(1).and_then(|rest| rest.split(' ').next()) {
                    assert_eq!(
                        reply.field("error_codes"),
                        serde_json::json!([number.parse::<u32>().unwrap()]),
                        "{told}"
                    );
                    assert!(reply.text("error_description").starts_with(&format!("AADSTS{number}: ")), "{told}");
                }
                if let Some(text) = says.split('“').nth(1).and_then(|rest| rest.split('”').next()) {
                    assert_eq!(reply.text("error_description"), text, "{told}");
                }
                for (_, rest) in says.match_indices("header `").map(|(at, found)| (at, &says[at + found.len()..])) {
                    let name = rest.split('`').next().expect("a name");
                    assert!(header(reply, name).is_some(), "{told}: no {name}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_body_of_a_refusal_has_the_members_that_are_said() {
    for dialect in Dialect::ALL.iter().copied() {
        let provider = Provider::of(dialect).await;
        let says = provider.fact("body of a refusal").expect("said");
        let reply = provider.refresh("tlrt_unknown").await;
        let body: serde_json::Value = serde_json::from_str(&reply.body).expect("JSON");
        let names: BTreeSet<&str> = body.as_object().expect("an object").keys().map(String::as_str).collect();
        let said = quoted(says.split(';').next().expect("names"));
        assert_eq!(names, said.into_iter().collect(), "{dialect}");
    }
}

#[tokio::test]
async fn a_refusal_tells_the_time_and_an_id_of_its_own_where_the_vendor_does() {
    let provider = Provider::of(Dialect::Entra).await;
    let first = provider.refresh("tlrt_unknown").await;
    provider.pass(Duration::from_secs(61));
    let second = provider.refresh("tlrt_unknown").await;
    assert_eq!(first.text("timestamp"), "2026-05-28 20:26:40Z");
    assert_eq!(second.text("timestamp"), "2026-05-28 20:27:41Z");
    for name in ["trace_id", "correlation_id"] {
        assert_eq!(first.text(name).len(), 36, "a GUID");
        assert_ne!(first.text(name), second.text(name));
        assert!(first.text("error_description").contains(&first.text(name)));
    }
}

#[tokio::test]
async fn refusals_look_as_they_did() {
    for dialect in Dialect::ALL.iter().copied() {
        let mut text = String::new();
        for (name, reply) in refusals(dialect).await {
            text += &format!("{name}\n  {} {}\n", reply.status, reply.body);
            for field in ["content-type", "cache-control", "www-authenticate"] {
                if let Some(value) = header(&reply, field) {
                    text += &format!("  {field}: {value}\n");
                }
            }
        }
        insta::with_settings!({ description => dialect.doc(), omit_expression => true }, {
            insta::assert_snapshot!(format!("refusals-{dialect}"), text);
        });
    }
}
