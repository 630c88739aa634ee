//! Replies that are cut off or reset, over a real socket.

use std::io::ErrorKind;
use std::sync::{Arc, Mutex};

use mock_idp::fault::{Act, Directive, Sent};
use mock_idp::{Client, Config, Observer, Outcome, ReplySeen, RequestSeen, TokenFormat};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::support::{Served, basic, serve};

/// Breaks each reply so, and tells whether it was delivered.
struct Breaks(Mutex<Act>, UnboundedSender<bool>);

impl Observer for Breaks {
    fn reply(&self, _: &RequestSeen, _: &ReplySeen) -> Outcome {
        let act = self.0.lock().expect("no panic").clone();
        Outcome { directive: Directive { act, ..Directive::proceed() }, before: None }
    }

    fn done(&self, _: &RequestSeen, sent: Sent) {
        let _ = self.1.send(sent.delivered);
    }
}

struct Lab {
    served: Served,
    breaks: Arc<Breaks>,
    done: UnboundedReceiver<bool>,
}

async fn lab(act: Act) -> Lab {
    let (sender, done) = unbounded_channel();
    let breaks = Arc::new(Breaks(Mutex::new(act), sender));
    let config = Config {
        clients: vec![Client::new("worker", "secret")],
        format: TokenFormat::Opaque,
        observer: Arc::clone(&breaks) as Arc<dyn Observer>,
        ..Config::default()
    };
    Lab { served: serve(config).await, breaks, done }
}

impl Lab {
    /// Sends a token request on a connection that is kept alive; gives what came and how the connection ended.
    async fn exchange(&self, path: &str) -> (String, Result<(), ErrorKind>) {
        let form = "grant_type=client_credentials";
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: idp\r\nContent-Length: {}\r\n{}\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
            form.len(),
            basic("worker", "secret")
        );
        let address = self.served.listener.origin.strip_prefix("http://").expect("an address");
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut bytes = Vec::new();
        let end = stream.read_to_end(&mut bytes).await.map(drop).map_err(|error| error.kind());
        (String::from_utf8(bytes).expect("text"), end)
    }
}

fn promised(head: &str) -> usize {
    let (_, rest) = head.split_once("content-length: ").expect("a length");
    rest.split("\r\n").next().and_then(|length| length.parse().ok()).expect("a number")
}

#[tokio::test]
async fn a_truncated_reply_ends_after_so_many_bytes_in_order() {
    let mut lab = lab(Act::Truncate(17)).await;
    for after in [17, 1, 0] {
        *lab.breaks.0.lock().expect("no panic") = Act::Truncate(after);
        let (text, end) = lab.exchange("/oauth2/token").await;
        assert_eq!(end, Ok(()), "closed with FIN");
        let (head, body) = text.split_once("\r\n\r\n").expect("a whole head");
        assert!(head.starts_with("HTTP/1.1 200"));
        assert_eq!(body.len(), after);
        assert!(promised(head) > 100, "the client can see that something is missing");
        assert_eq!(lab.done.recv().await, Some(false));
    }
    assert_eq!(lab.served.idp.tokens().len(), 3, "each was processed");
}

#[tokio::test]
async fn a_body_that_is_shorter_than_the_cut_is_whole() {
    let mut lab = lab(Act::Truncate(10_000)).await;
    assert_eq!(lab.served.token("grant_type=client_credentials").await.text("token_type"), "Bearer");
    assert_eq!(lab.done.recv().await, Some(true));
}

#[tokio::test]
async fn a_reset_comes_in_the_middle_of_the_reply() {
    let mut lab = lab(Act::Reset).await;
    let (text, end) = lab.exchange("/oauth2/token").await;
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
    if let Some((head, body)) = text.split_once("\r\n\r\n") {
        assert_eq!(body.len(), promised(head) / 2);
    }
    assert_eq!(lab.done.recv().await, Some(false));
    assert_eq!(lab.served.idp.tokens().len(), 1, "it was processed");
}

#[tokio::test]
async fn a_reply_without_a_body_is_reset_too() {
    let mut lab = lab(Act::Reset).await;
    let (_, end) = lab.exchange("/nothing").await;
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
    assert_eq!(lab.done.recv().await, Some(false));
}

#[tokio::test]
async fn a_request_whose_body_breaks_off_is_refused_and_not_answered_as_if_it_had_worked() {
    let lab = lab(Act::Proceed).await;
    let address = lab.served.listener.origin.strip_prefix("http://").expect("an address");
    for path in ["/oauth2/token", "/oauth2/revoke", "/oauth2/introspect"] {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: idp\r\nTransfer-Encoding: chunked\r\n{}\
             Content-Type: application/x-www-form-urlencoded\r\n\r\nzz\r\n",
            basic("worker", "secret")
        );
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        let text = String::from_utf8(bytes).expect("text");
        assert!(text.starts_with("HTTP/1.1 400") && text.contains("invalid_request"), "{path}: {text}");
    }
    assert_eq!(lab.served.idp.tokens().len(), 0);
}
