//! An identity provider with a fixed clock and seed, and a connection that it serves.

use mock_idp::misbehave::{CLIENT, Example, Misbehaviour, SUBJECT};
use mock_idp::{Algorithm, Client, Config, Listener, Rule, RuleId, TimeSource, TokenFormat, TokenKind};
use serde_json::Value;

use crate::support::wire::{End, Seen, Wire};
use crate::support::{Served, basic, serve};

/// What the provider's clock shows, until somebody moves it: Mon, 12 Jan 1970 13:46:40 GMT and a half second.
pub(super) const NOW_MS: i64 = 1_000_000_500;
pub(super) const NOW_S: i64 = NOW_MS / 1000;

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    Token,
    Refresh,
    Jwks,
    Discovery,
}

pub(super) fn ask_of(entry: &Misbehaviour) -> Ask {
    match (entry.id.split('-').next(), entry.example) {
        (Some("jwks"), _) => Ask::Jwks,
        (Some("discovery"), _) => Ask::Discovery,
        (_, Example::Rule(_)) => Ask::Token,
        (_, Example::Control { .. }) => Ask::Refresh,
    }
}

/// An identity provider and a connection to it that has served a request already.
pub(super) struct Lab {
    pub(super) served: Served,
    pub(super) ask: Ask,
    pub(super) wire: Wire,
    pub(super) usual: Seen,
    pub(super) rule: Option<RuleId>,
}

impl Lab {
    pub(super) async fn open(ask: Ask) -> Self {
        // Values of opaque tokens come from the seed: replies of two providers can be compared byte by byte.
        let format = if ask == Ask::Jwks { TokenFormat::Jwt(Algorithm::Es256) } else { TokenFormat::Opaque };
        let clients = vec![Client::new(CLIENT, "secret").scopes(["orders.read"])];
        let time = TimeSource::new(|| NOW_MS);
        let served = serve(Config { clients, format, time, seed: Some(7), ..Config::default() }).await;
        let issuer = Listener::new("minted", served.listener.origin.clone());
        served.idp.mint_refresh_token(CLIENT, SUBJECT, &issuer).expect("the client is known");
        let mut wire = Wire::open(served.address).await;
        wire.send(&request(&served, ask, (CLIENT, "secret"))).await;
        let usual = wire.reply().await.without_date();
        assert_eq!((usual.status, usual.end), (200, End::Open));
        Self { served, ask, wire, usual, rule: None }
    }

    pub(super) async fn send(&mut self) {
        let request = request(&self.served, self.ask, (CLIENT, "secret"));
        self.wire.send(&request).await;
    }

    pub(super) async fn ask(&mut self) -> Seen {
        self.send().await;
        self.wire.reply().await
    }

    /// Asks on the open connection as another client, or with another secret.
    pub(super) async fn ask_as(&mut self, ask: Ask, client: &str, secret: &str) -> Seen {
        self.wire.send(&request(&self.served, ask, (client, secret))).await;
        self.wire.reply().await
    }

    pub(super) fn add(&mut self, rule: Rule) {
        self.rule = Some(self.served.idp.rules().add(rule));
    }

    pub(super) fn remove(&mut self) {
        let rule = self.rule.take().expect("one was added");
        assert!(self.served.idp.rules().remove(rule), "it holds until it is removed");
    }

    /// The number of access tokens: how many grants were processed.
    pub(super) fn granted(&self) -> usize {
        self.served.idp.tokens().iter().filter(|token| token.kind == TokenKind::Access).count()
    }

    /// Tells in what a reply differs from the usual one of another moment: everything but the values in its body.
    pub(super) fn assert_usual(&self, reply: &Seen) {
        let form = |seen: &Seen| {
            let keys: Vec<String> = seen.json().as_object().expect("an object").keys().cloned().collect();
            let headers = seen.headers.iter().filter(|(name, _)| name != "content-length").cloned();
            (seen.status, headers.collect::<Vec<_>>(), keys, seen.end, seen.body.len() == seen.promised)
        };
        assert_eq!(form(reply), form(&self.usual));
    }

    /// The newest access token, as introspection tells of it.
    pub(super) async fn introspected(&self, reply: &Seen) -> Value {
        let token = reply.json()["access_token"].as_str().expect("a token").to_owned();
        let told = self.served.post("/oauth2/introspect", &basic(CLIENT, "secret"), &format!("token={token}")).await;
        serde_json::from_str(&told.body).expect("JSON")
    }

    pub(super) fn kid(reply: &Seen) -> Vec<Value> {
        let keys = reply.json()["keys"].as_array().expect("keys").clone();
        keys.into_iter().map(|key| key["kid"].clone()).collect()
    }
}

pub(super) fn request(served: &Served, ask: Ask, (client, secret): (&str, &str)) -> String {
    let form = match ask {
        Ask::Jwks => return "GET /oauth2/jwks HTTP/1.1\r\nHost: idp\r\n\r\n".to_owned(),
        Ask::Discovery => return "GET /.well-known/openid-configuration HTTP/1.1\r\nHost: idp\r\n\r\n".to_owned(),
        Ask::Token => "grant_type=client_credentials".to_owned(),
        Ask::Refresh => {
            let tokens = served.idp.tokens();
            let newest = tokens.iter().rev().find(|token| token.kind == TokenKind::Refresh).expect("one");
            format!("grant_type=refresh_token&refresh_token={}", newest.value.expose())
        }
    };
    format!(
        "POST /oauth2/token HTTP/1.1\r\nHost: idp\r\nContent-Length: {}\r\n{}\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
        form.len(),
        basic(client, secret)
    )
}

/// A reply but for what differs between two machines: the date, and the port in addresses.
pub(super) fn form(reply: Seen, lab: &Lab) -> (Seen, String) {
    let text = reply.text().replace(&lab.served.address.to_string(), "address");
    (Seen { body: Vec::new(), ..reply.without_date() }, text)
}
