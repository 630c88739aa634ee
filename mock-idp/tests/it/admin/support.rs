//! An identity provider and its control, each on a port.

use std::net::SocketAddr;

use mock_idp::admin::Admin;
use mock_idp::{Client, Config, Idp, Listener, Secret, TokenFormat};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) struct Lab {
    pub(crate) idp: Idp,
    pub(crate) listener: Listener,
    pub(crate) admin: SocketAddr,
    http: reqwest::Client,
    tasks: Vec<JoinHandle<std::io::Result<()>>>,
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

pub(crate) fn config() -> Config {
    let worker = Client::new("worker", "hush-worker").scopes(["orders.read"]);
    Config { clients: vec![worker], format: TokenFormat::Opaque, ..Config::default() }
}

impl Lab {
    pub(crate) async fn new() -> Self {
        Self::with(config(), None).await
    }

    pub(crate) async fn with(config: Config, token: Option<&str>) -> Self {
        let sockets = [TcpListener::bind("127.0.0.1:0").await, TcpListener::bind("127.0.0.1:0").await];
        let [socket, control] = sockets.map(|socket| socket.expect("a port"));
        let listener = Listener::new("w1", format!("http://{}", socket.local_addr().expect("an address")));
        let admin = control.local_addr().expect("an address");
        let idp = Idp::new(config);
        let serving = tokio::spawn({
            let (idp, listener) = (idp.clone(), listener.clone());
            async move { idp.serve(socket, listener).await }
        });
        let service = Admin::new(idp.clone(), listener.clone()).token(token.map(Secret::new));
        let tasks = vec![serving, tokio::spawn(service.serve(control))];
        Self { idp, listener, admin, http: reqwest::Client::new(), tasks }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        self.http.request(method, format!("http://{}/admin{path}", self.admin))
    }

    /// Status and JSON of an answer; null if it has no body.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("an answer");
        let status = response.status();
        let kind = response.headers().get("content-type").cloned();
        let text = response.text().await.expect("text");
        if status.is_client_error() {
            assert_eq!(kind.expect("a type"), "application/problem+json", "RFC 9457 §3: {text}");
        } else {
            assert_eq!(status == StatusCode::NO_CONTENT, text.is_empty(), "{text}");
        }
        (status.as_u16(), serde_json::from_str(&text).unwrap_or_default())
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", path, None).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Asks the identity provider for a token as `worker`.
    pub(crate) async fn token(&self, secret: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let url = self.idp.url(mock_idp::Endpoint::Token, &self.listener).expect("it is served");
        let response =
            self.http.post(url).basic_auth("worker", Some(secret)).form(form).send().await.expect("an answer");
        (response.status().as_u16(), response.json().await.expect("JSON"))
    }

    /// Posts a form to an endpoint of the identity provider.
    pub(crate) async fn ask(&self, endpoint: mock_idp::Endpoint, form: &[(&str, &str)]) -> Value {
        let url = self.idp.url(endpoint, &self.listener).expect("it is served");
        self.http.post(url).form(form).send().await.expect("an answer").json().await.expect("JSON")
    }

    pub(crate) async fn granted(&self) -> String {
        let (status, body) = self.token("hush-worker", &[("grant_type", "client_credentials")]).await;
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().expect("a token").to_owned()
    }
}
