//! An identity provider on a port, and a plain TCP client.

#![allow(unreachable_pub, dead_code, reason = "shared by several test crates, each of which uses a part")]

pub mod deaths;
pub mod signer;
pub mod wire;

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mock_idp::{Config, Idp, Listener};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A served identity provider.
pub struct Served {
    /// Its state.
    pub idp: Idp,
    /// Its address.
    pub listener: Listener,
    /// Where it listens.
    pub address: SocketAddr,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A reply, taken apart.
#[derive(Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Head as text, names in lower case as hyper writes them.
    pub head: String,
    /// Body as text.
    pub body: String,
}

impl Reply {
    /// A field of the JSON body.
    pub fn field(&self, name: &str) -> serde_json::Value {
        serde_json::from_str::<serde_json::Value>(&self.body).expect(&self.body)[name].clone()
    }

    /// A header field, if it is there.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// A parameter of the address that the browser is sent to.
    pub fn sent(&self, name: &str) -> Option<String> {
        let location = url::Url::parse(self.header("location")?).expect("a URL");
        location.query_pairs().find(|(given, _)| given == name).map(|(_, value)| value.into_owned())
    }

    /// What `Set-Cookie` sets, as a request says it.
    pub fn cookies(&self) -> String {
        let set = self.head.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
        set.filter_map(|line| line.split(';').next()).collect::<Vec<_>>().join("; ")
    }

    /// The key in the form of the page.
    pub fn interaction(&self) -> String {
        let (_, rest) = self.body.split_once(r#"name="interaction" value=""#).expect(&self.body);
        rest.split('"').next().expect("a value").to_owned()
    }

    /// A text field of the JSON body.
    pub fn text(&self, name: &str) -> String {
        self.field(name).as_str().unwrap_or_default().to_owned()
    }
}

/// Serves on a free port.
pub async fn serve(config: Config) -> Served {
    serve_idp(Idp::new(config), "w1").await
}

/// Gives another address to an identity provider.
pub async fn serve_idp(idp: Idp, name: &str) -> Served {
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = socket.local_addr().expect("an address");
    let listener = Listener::new(name, format!("http://{address}"));
    let task = tokio::spawn({
        let (idp, listener) = (idp.clone(), listener.clone());
        async move { idp.serve(socket, listener).await }
    });
    Served { idp, listener, address, task }
}

/// Parameters as a query or form has them.
pub fn encoded(parameters: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}

/// The header of `client_secret_basic`.
pub fn basic(id: &str, secret: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("{id}:{secret}")))
}

impl Served {
    /// Sends raw bytes and reads until the connection ends; `None` if it ends without a byte.
    pub async fn raw(&self, request: &str) -> Option<Reply> {
        let mut stream = TcpStream::connect(self.address).await.expect("it listens");
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut text = String::new();
        stream.read_to_string(&mut text).await.expect("text");
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Some(Reply { status, head: head.to_owned(), body: body.to_owned() })
    }

    /// Posts a form with extra header lines.
    pub async fn post(&self, path: &str, headers: &str, form: &str) -> Reply {
        let length = form.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: idp\r\nConnection: close\r\nContent-Length: {length}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n{headers}\r\n{form}"
        );
        self.raw(&request).await.expect("a reply")
    }

    /// Posts to the token endpoint as `worker`.
    pub async fn token(&self, form: &str) -> Reply {
        self.post("/oauth2/token", &basic("worker", "secret"), form).await
    }

    /// The time by its clock, in seconds since the Unix epoch.
    pub fn now_s(&self) -> i64 {
        self.idp.clock().now_ms() / 1000
    }

    /// Gets a path.
    pub async fn get(&self, path: &str) -> Reply {
        self.get_with(path, "").await
    }

    /// Gets a path with extra header lines.
    pub async fn get_with(&self, path: &str, headers: &str) -> Reply {
        let request = format!("GET {path} HTTP/1.1\r\nHost: idp\r\nConnection: close\r\n{headers}\r\n");
        self.raw(&request).await.expect("a reply")
    }

    /// Waits until the oldest rule holds a request.
    pub async fn holds_one(&self) {
        let holds = async {
            while self.idp.rules().list().first().is_none_or(|oldest| oldest.held == 0) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(wire::BOUND, holds).await.expect("a rule holds the request");
    }

    /// Whether introspection calls a token active.
    pub async fn is_active(&self, token: &str) -> bool {
        let reply = self.post("/oauth2/introspect", &basic("worker", "secret"), &format!("token={token}")).await;
        assert_eq!(reply.status, 200);
        if reply.field("active") == false {
            assert_eq!(reply.body, r#"{"active":false}"#, "RFC 7662 §2.2: nothing more is said of a dead token");
        }
        reply.field("active") == true
    }
}
