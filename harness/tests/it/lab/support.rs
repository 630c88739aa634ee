//! A lab with one worker that is an HTTP client of the test, and an API whose upstream says yes to everything.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use mock_idp::{Client as OAuthClient, Config};
use tokenlapse::fault::Plan;
use tokenlapse::journal::{Event, Instance, Journal, Record};
use tokenlapse::lab::api;
use tokenlapse::lab::gate::Authorization;
use tokenlapse::lab::scene::{Addresses, Opening, Scene};
use tokenlapse::lab::tokens::Validation;
use tokenlapse::scenario::{Facts, Route, Scenario, Target, resolve};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// The plan of a scenario file that goes on so after its head; none if nothing goes wrong.
pub(crate) fn plan(rest: &str) -> Plan {
    if rest.is_empty() {
        return Plan::none();
    }
    let target = "target: t\nworker: { command: [./w] }\nworkload: { workflow: W }\npolicy: { refresh: on-retry }\n";
    let target = Target::parse(target, "target.yaml").expect("a target");
    let text = format!("scenario: s\nfamily: f\ntitle: T\n{rest}\n");
    let scenario = Scenario::parse(&text, "s.yaml").unwrap_or_else(|errors| panic!("{errors:?}"));
    Plan::of(&resolve(&target, &scenario, &Facts::default()).expect("nothing is missing"), 1)
}

pub(crate) struct Lab {
    pub(crate) scene: Scene,
    pub(crate) journal: Journal,
    pub(crate) at: Addresses,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Lab {
    /// A lab with these faults, whose workload has started.
    pub(crate) async fn open(rest: &str, validation: Validation, idp: Config) -> Self {
        let journal = Journal::in_memory();
        let clients = vec![OAuthClient::new("c1", "secret").scopes(["read"])];
        let opening = Opening {
            idp: Config { clients, ..idp },
            validation,
            api: api::Config {
                routes: vec![Route::new("GET /a".parse().expect("a route"))],
                correlate: None,
                upstream: format!("http://{}", upstream().await).parse().expect("a URL"),
            },
            operator: None,
            server: None,
            temporal: "127.0.0.1:1".parse().expect("an address"),
            authorization: Authorization::default(),
            worker_clock: None,
            leeway: Duration::ZERO,
            secrets: Vec::new(),
            plan: plan(rest),
        };
        let mut scene = Scene::open(journal.clone(), opening);
        let at = scene.admit(&Instance::of("w1", 1)).expect("ports");
        journal.record(Event::WorkloadStarted { count: 1 }).settled().await;
        Self { scene, journal, at, client: client() }
    }

    /// Status of a reply of the API to this token.
    pub(crate) async fn call(&self, token: &str) -> u16 {
        call(&self.client, &format!("http://{}/a", self.at.api), token).await
    }

    /// The reply of the token endpoint, as JSON.
    pub(crate) async fn ask(&self, form: &str) -> serde_json::Value {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/oauth2/token", self.at.idp.origin))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::from(format!("{form}&client_id=c1&client_secret=secret")))
            .expect("a request");
        let body = self.client.request(request).await.expect("a reply").into_body();
        serde_json::from_slice(&body.collect().await.expect("a body").to_bytes()).expect("JSON")
    }

    /// An access token.
    pub(crate) async fn token(&self) -> String {
        let reply = self.ask("grant_type=client_credentials").await;
        reply["access_token"].as_str().unwrap_or_else(|| panic!("{reply}")).to_owned()
    }

    /// Waits for an event.
    pub(crate) async fn seen(&self, wanted: impl Fn(&Event) -> bool) -> Arc<Record> {
        self.journal.seen(Duration::from_secs(20), |record| wanted(&record.event)).await.expect("it happens")
    }

    pub(crate) fn counts(&self, index: usize) -> (u32, u32) {
        let progress = self.scene.progress();
        (progress[index].fired, progress[index].bit)
    }
}

pub(crate) fn client() -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).build_http()
}

pub(crate) async fn call(client: &Client<HttpConnector, Full<Bytes>>, url: &str, token: &str) -> u16 {
    let request = Request::builder().uri(url).header("authorization", format!("Bearer {token}"));
    let reply = client.request(request.body(Full::default()).expect("a request")).await.expect("a reply");
    let (head, body) = reply.into_parts();
    body.collect().await.expect("a body");
    head.status.as_u16()
}

/// One connection that says the same bytes again and again: a hundred thousand calls are made with it, and a client
/// that knows HTTP would take half of the time.
pub(crate) struct Plain {
    io: BufReader<TcpStream>,
    request: String,
}

impl Plain {
    pub(crate) async fn connect(api: SocketAddr, token: &str) -> Self {
        let io = BufReader::new(TcpStream::connect(api).await.expect("a connection"));
        Self { io, request: format!("GET /a HTTP/1.1\r\nhost: api\r\nauthorization: Bearer {token}\r\n\r\n") }
    }

    /// Status of the reply to the same call once more.
    pub(crate) async fn call(&mut self) -> u16 {
        self.io.write_all(self.request.as_bytes()).await.expect("a request");
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(self.io.read_line(&mut head).await.expect("a head") > 0, "the reply ends in its head: {head}");
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.expect("a length").parse().expect("a number");
        self.io.read_exact(&mut vec![0; length]).await.expect("a body");
        head.split(' ').nth(1).expect("a status").parse().expect("a number")
    }
}

/// Answers 200 to everything, with less ado than a mock server.
async fn upstream() -> SocketAddr {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = socket.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((io, _)) = socket.accept().await {
            let yes = service_fn(|_| async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("{}"))) });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(io), yes));
        }
    });
    address
}
