//! What each dialect says of itself is what it does, and what is true is true in all of them.

mod facts;
mod machine;
mod public;
mod refusals;
mod requests;
mod shapes;
mod table;
mod throttled;
mod truth;
mod users;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mock_idp::{Client, Config, Dialect, Endpoint, Fact, Idp, Reuse, Rotation, TimeSource, TokenFacts};
use serde_json::Value;

use crate::support::{Reply, Served, basic, serve_idp};

/// A second on which everything begins, so that what is snapshotted is the same each time.
const START_MS: i64 = 1_780_000_000_000;

/// A provider of one kind.
struct Provider {
    dialect: Dialect,
    served: Served,
    worker: Client,
    now: Arc<AtomicI64>,
}

impl Provider {
    /// As its vendor sets it.
    async fn of(dialect: Dialect) -> Self {
        Self::with(dialect, |_| ()).await
    }

    /// Refresh tokens good for one use; `None` where the vendor has no such thing.
    async fn single_use(dialect: Dialect) -> Option<Self> {
        dialect.single_use().ok()?;
        let rotation = Rotation::On { reuse: Reuse::RevokeFamily, grace: Duration::ZERO };
        Some(Self::with(dialect, |config| config.rotation = rotation).await)
    }

    async fn with(dialect: Dialect, change: impl FnOnce(&mut Config)) -> Self {
        let now = Arc::new(AtomicI64::new(START_MS));
        let client = |id: &str| {
            let client = Client::new(id, "secret").scopes(["orders.read", "orders.write"]);
            Client { audience: "https://api.example".into(), ..client }
        };
        let worker = client("worker");
        let refreshes_only = Client { grants: vec![mock_idp::GrantType::RefreshToken], ..client("refreshes-only") };
        let tv = Client { grants: vec![mock_idp::GrantType::DeviceCode], ..client("tv") };
        let posts = Client { methods: vec![mock_idp::AuthMethod::Post], ..client("posts") };
        let mut config = Config {
            clients: vec![worker.clone(), client("somebody-else"), refreshes_only, posts, tv],
            seed: Some(7),
            time: TimeSource::new({
                let now = Arc::clone(&now);
                move || now.load(Ordering::Relaxed)
            }),
            ..Config::of(dialect)
        };
        change(&mut config);
        let served = serve_idp(Idp::new(config), "w1").await;
        Self { dialect, served, worker, now }
    }

    fn pass(&self, time: Duration) {
        self.now.fetch_add(i64::try_from(time.as_millis()).expect("short"), Ordering::Relaxed);
    }

    fn now_s(&self) -> i64 {
        self.now.load(Ordering::Relaxed) / 1000
    }

    fn path(&self, endpoint: Endpoint) -> Option<String> {
        let url = self.served.idp.url(endpoint, &self.served.listener)?;
        Some(url.strip_prefix(&self.served.listener.origin).expect("its own address").to_owned())
    }

    /// Client credentials as the vendor wants them asked for.
    fn credentials_form(&self) -> String {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        form.append_pair("scope", &self.dialect.scope_parameter(&self.worker));
        if let Some(audience) = self.dialect.audience_parameter(&self.worker) {
            form.append_pair("audience", &audience);
        }
        form.finish()
    }

    /// Posts to an endpoint as a client.
    async fn post_as(&self, client: &str, endpoint: Endpoint, form: &str) -> Reply {
        self.served.post(&self.path(endpoint).expect("it has one"), &basic(client, "secret"), form).await
    }

    async fn token(&self, form: &str) -> Reply {
        self.post_as("worker", Endpoint::Token, form).await
    }

    async fn access_token(&self) -> String {
        let reply = self.token(&self.credentials_form()).await;
        assert_eq!(reply.status, 200, "{}: {}", self.dialect, reply.body);
        reply.text("access_token")
    }

    /// A refresh token of somebody who consented.
    fn consented(&self) -> TokenFacts {
        self.served.idp.mint_refresh_token("worker", "user-1", &self.served.listener).expect("a client")
    }

    async fn refresh(&self, token: &str) -> Reply {
        self.token(&format!("grant_type=refresh_token&refresh_token={token}")).await
    }

    /// What the dialect says of a topic.
    fn facts(&self, topic: &str) -> Vec<Fact> {
        self.dialect.facts().into_iter().filter(|fact| fact.topic == topic).collect()
    }

    /// The one thing that it says of a topic.
    fn fact(&self, topic: &str) -> Option<String> {
        let mut facts = self.facts(topic);
        assert!(facts.len() < 2, "{topic} is one thing");
        facts.pop().map(|fact| fact.says)
    }
}

/// Everything between backquotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Part of a JWT.
fn part(token: &str, nth: usize) -> Value {
    let part = token.split('.').nth(nth).expect("a JWT");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

/// A field of a head, as sent.
fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    reply.head.lines().filter_map(|line| line.split_once(": ")).find(|(it, _)| *it == name).map(|(_, value)| value)
}
