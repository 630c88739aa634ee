//! The settings, read through a lookup.

use reference_worker::{Env, EnvError, Secret, TokenEndpoint};

const GOOD: [(&str, &str); 7] = [
    ("TEMPORAL_ADDRESS", "127.0.0.1:7233"),
    ("OAUTH_TOKEN_URL", "http://127.0.0.1:1/token"),
    ("OAUTH_CLIENT_ID", "id"),
    ("OAUTH_CLIENT_SECRET", "s3cr3t-value"),
    ("OAUTH_SCOPES", "orders.read orders.write"),
    ("API_URL", "http://127.0.0.1:2"),
    ("TASK_QUEUE", "orders"),
];

fn read(changes: &[(&str, &str)]) -> Result<Env, EnvError> {
    Env::from_lookup(|key| {
        let find =
            |list: &[(&str, &str)]| list.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned());
        find(changes).or_else(|| find(&GOOD))
    })
}

#[test]
fn reads_all_settings() {
    let env = read(&[]).expect("good settings");
    assert_eq!(env.oauth.scopes, ["orders.read", "orders.write"]);
    assert_eq!(env.temporal_namespace, "default");
    assert_eq!(env.defect, None);
    assert!(env.oauth.refresh_token_file.is_none());
}

#[test]
fn an_empty_value_is_absent() {
    let env = read(&[("DEFECT", ""), ("OAUTH_REFRESH_TOKEN_FILE", "")]).expect("good");
    assert_eq!(env.defect, None);
    assert!(env.oauth.refresh_token_file.is_none());
    assert_eq!(read(&[("TASK_QUEUE", "")]).err(), Some(EnvError::Missing("TASK_QUEUE")));
}

#[test]
fn an_issuer_will_do() {
    let env = read(&[("OAUTH_TOKEN_URL", ""), ("OAUTH_ISSUER", "http://127.0.0.1:3")]);
    assert!(matches!(env.expect("good").oauth.endpoint, TokenEndpoint::Issuer(_)));
    assert_eq!(read(&[("OAUTH_TOKEN_URL", "")]).err(), Some(EnvError::Missing("OAUTH_ISSUER")));
}

#[test]
fn a_key_is_trimmed_and_turns_tls_on_only_away_from_home() {
    let here = read(&[("TEMPORAL_API_KEY", "key\n")]).expect("good");
    assert_eq!(here.temporal_api_key, Some(Secret::new("key")));
    assert!(!here.temporal_tls);
    let away = read(&[("TEMPORAL_API_KEY", "key"), ("TEMPORAL_ADDRESS", "temporal.example:7233")]);
    assert!(away.expect("good").temporal_tls);
    let file = read(&[("TEMPORAL_API_KEY_FILE", "/run/key"), ("TEMPORAL_ADDRESS", "temporal.example:7233")]);
    assert!(file.expect("good").temporal_tls, "a key in a file is a key");
}

#[test]
fn no_secret_is_shown() {
    let env = read(&[("TEMPORAL_API_KEY", "frontend-key")]).expect("good");
    let shown = format!("{env:?}");
    assert!(!shown.contains("s3cr3t-value") && !shown.contains("frontend-key"));
    let error = read(&[("API_URL", "no url s3cr3t-value")]).expect_err("wrong URL");
    assert_eq!(error.to_string(), "API_URL is not a URL");
}
