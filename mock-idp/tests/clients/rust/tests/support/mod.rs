//! An identity provider on a port, and an HTTP client that follows no redirect.

#![allow(unreachable_pub, dead_code, reason = "shared by several test crates, each of which uses a part")]

use mock_idp::{Config, Idp, Listener};
use oauth2::{HttpRequest, HttpResponse};
use tokio::net::TcpListener;

/// Serves on a free port for as long as it lives.
pub struct Served {
    /// Its state.
    pub idp: Idp,
    /// Its address.
    pub listener: Listener,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves on a free port.
pub async fn serve(config: Config) -> Served {
    let idp = Idp::new(config);
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = socket.local_addr().expect("an address");
    let listener = Listener::new("w1", format!("http://{address}"));
    let task = tokio::spawn({
        let (idp, listener) = (idp.clone(), listener.clone());
        async move { idp.serve(socket, listener).await }
    });
    Served { idp, listener, task }
}

/// What both crates advise, as a redirect would take the credentials along.
pub fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

/// The HTTP client in the form that both crates take.
pub async fn send(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let (head, body) = request.into_parts();
    let sent = http.request(head.method, head.uri.to_string()).headers(head.headers).body(body).send().await?;
    let mut response = HttpResponse::new(Vec::new());
    (*response.status_mut(), *response.headers_mut()) = (sent.status(), sent.headers().clone());
    *response.body_mut() = sent.bytes().await?.to_vec();
    Ok(response)
}
