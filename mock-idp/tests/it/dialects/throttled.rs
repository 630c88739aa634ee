//! One request too many, as each vendor refuses it.

use std::time::Duration;

use mock_idp::fault::Change;
use mock_idp::misbehave::{Allowance, Body, LimitHeaders, RateLimit, Wait};
use mock_idp::{Dialect, Endpoint, Rule};

use super::{Provider, START_MS, header};
use crate::support::Reply;

/// Once a minute.
fn minutely() -> RateLimit {
    RateLimit::new(Allowance::FixedWindow { requests: 1, period: Duration::from_secs(60) })
}

/// Every header field that says something of a limit, in any dialect: its name and value, in the order of names.
fn limits(reply: &Reply) -> Vec<(&str, &str)> {
    let fields = reply.head.lines().filter_map(|line| line.split_once(": "));
    let mut limits: Vec<_> = fields.filter(|(name, _)| *name == "retry-after" || name.contains("rate")).collect();
    limits.sort_unstable();
    limits
}

#[tokio::test]
async fn each_dialect_refuses_one_request_too_many_in_its_own_shape() {
    const DESCRIBED: &str = r#"{"error":"too_many_requests","error_description":"the rate limit is exceeded"}"#;
    const RETRY: &[(&str, &str)] = &[("retry-after", "60")];
    const JSON: &str = "application/json";
    let reset = (START_MS / 1000 + 60).to_string();
    let okta = [("x-rate-limit-limit", "1"), ("x-rate-limit-remaining", "0"), ("x-rate-limit-reset", reset.as_str())];
    let auth0 = [("x-ratelimit-limit", "1"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset.as_str())];
    for dialect in Dialect::ALL.iter().copied() {
        let (before, after, content_type, body): (&[_], &[_], _, _) = match dialect {
            Dialect::Generic | Dialect::Google | Dialect::Keycloak => (&[], RETRY, JSON, DESCRIBED),
            Dialect::Okta => (&okta, &okta, JSON, DESCRIBED),
            Dialect::Auth0 => (&auth0, &auth0, JSON, DESCRIBED),
            Dialect::Entra => (&[], RETRY, "text/plain", "Too Many Requests"),
            Dialect::Cognito => (&[], RETRY, JSON, r#"{"error":"too_many_requests"}"#),
        };
        let provider = Provider::of(dialect).await;
        provider.served.idp.rules().add(Rule::on(Endpoint::Token).limit(minutely()));
        let served = provider.token(&provider.credentials_form()).await;
        assert_eq!((served.status, limits(&served)), (200, before.to_vec()), "{dialect}");
        let refused = provider.token(&provider.credentials_form()).await;
        assert_eq!((refused.status, limits(&refused)), (429, after.to_vec()), "{dialect}");
        assert_eq!((header(&refused, "content-type"), refused.body.as_str()), (Some(content_type), body), "{dialect}");
        let throttled = dialect.throttled();
        assert_eq!(
            (refused.status, header(&refused, "retry-after").is_some()),
            (throttled.status, throttled.retry_after)
        );
        provider.pass(Duration::from_secs(60));
        assert_eq!(provider.token(&provider.credentials_form()).await.status, 200, "{dialect}");
    }
}

#[tokio::test]
async fn what_a_rule_says_itself_is_as_it_says_in_each_dialect() {
    for dialect in Dialect::ALL.iter().copied() {
        let provider = Provider::of(dialect).await;
        let limit = RateLimit {
            status: Some(503),
            body: Body::Text("slow".into()),
            retry_after: Wait::Seconds,
            headers: Some(LimitHeaders { limit: "rate".into(), ..LimitHeaders::default() }),
            ..minutely()
        };
        let hidden = ["X-Rate-Limit-Remaining", "X-Rate-Limit-Reset"].map(str::to_owned).to_vec();
        let rule = Rule::on(Endpoint::Token).limit(limit).change(Change::OmitHeaders(hidden));
        provider.served.idp.rules().add(rule);
        assert_eq!(provider.token(&provider.credentials_form()).await.status, 200, "{dialect}");
        let refused = provider.token(&provider.credentials_form()).await;
        assert_eq!((refused.status, refused.body.as_str()), (503, "slow"), "{dialect}");
        assert_eq!(header(&refused, "content-type"), Some("text/plain"), "{dialect}");
        assert_eq!(limits(&refused), [("rate", "1"), ("retry-after", "60")], "{dialect}");
    }
}
