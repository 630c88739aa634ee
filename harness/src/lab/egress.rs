//! The trap: the proxy that a worker's HTTP clients are led to. It records where they wanted to go and refuses.
//!
//! It sees clients that honour the proxy variables; the others are refused by the kernel's
//! [guard](crate::lab::worker::guard), where there is one. The lab's own addresses are exempt from both.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use http::uri::{Authority, Uri};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use crate::journal::{Event, Instance, Journal};

/// A longer request head is no client of ours.
const MAX_HEAD: usize = 16 * 1024;

/// How long a client may take to say what it wants, and to read the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A trap of one worker instance. Dropping it closes it.
#[derive(Debug)]
pub struct EgressTrap {
    address: SocketAddr,
    listener: AbortHandle,
}

impl EgressTrap {
    /// Opens a trap on a free port of the loopback interface. What it catches is the doing of `instance`.
    ///
    /// # Errors
    ///
    /// If there is no port.
    pub async fn open(journal: &Journal, instance: Option<Instance>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let journal = journal.clone();
        let task = tokio::spawn(async move {
            // Dropped with the listener's task, so that nobody is served by a closed trap.
            let mut clients = JoinSet::new();
            loop {
                tokio::select! {
                    Ok((client, _)) = listener.accept() => {
                        clients.spawn(refuse(client, journal.clone(), instance.clone()));
                    }
                    Some(_) = clients.join_next() => {}
                    // No descriptor is free, say: in a while there may be.
                    else => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        });
        Ok(Self { address, listener: task.abort_handle() })
    }

    /// Its address, for the proxy variables.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for EgressTrap {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn refuse(mut client: TcpStream, journal: Journal, instance: Option<Instance>) {
    let Ok(Ok(head)) = timeout(PATIENCE, head(&mut client)).await else { return };
    let answer = match destination(&head) {
        Some(Destination { host, port }) => {
            let text = format!("tokenlapse: {host}:{port} is outside the lab; the target's egress.allow may name it\n");
            journal.record(Event::EgressAttempt { instance, host, port }).settled().await;
            answer("403 Forbidden", &text)
        }
        None => answer("400 Bad Request", "tokenlapse: this is a proxy that refuses every request\n"),
    };
    // What becomes of the answer changes nothing.
    let _ = timeout(PATIENCE, async {
        client.write_all(answer.as_bytes()).await?;
        client.shutdown().await?;
        // Unread bytes would turn the close into a reset, and the client would lose the answer.
        tokio::io::copy(&mut client, &mut tokio::io::sink()).await
    })
    .await;
}

fn answer(status: &str, text: &str) -> String {
    let length = text.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}"
    )
}

/// Reads a request's head, or what comes before the client gives up.
async fn head(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < MAX_HEAD {
        if client.read_buf(&mut head).await? == 0 {
            break;
        }
    }
    Ok(head)
}

#[derive(Debug, PartialEq, Eq)]
struct Destination {
    host: String,
    port: u16,
}

/// Where a request wants to go: RFC 9112 §3.2.2 (absolute form) and §3.2.3 (authority form, `CONNECT`).
fn destination(head: &[u8]) -> Option<Destination> {
    let line = head.split(|&byte| byte == b'\r' || byte == b'\n').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let (authority, default) = if method == "CONNECT" {
        (target.parse::<Authority>().ok()?, 443)
    } else {
        let uri: Uri = target.parse().ok()?;
        let default = if uri.scheme_str()? == "https" { 443 } else { 80 };
        (uri.authority()?.clone(), default)
    };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    Some(Destination { host: host.to_owned(), port: authority.port_u16().unwrap_or(default) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_name_host_and_port() {
        let cases: [(&str, Option<(&str, u16)>); 8] = [
            ("CONNECT login.example.com:8443 HTTP/1.1", Some(("login.example.com", 8443))),
            ("CONNECT [2001:db8::1]:443 HTTP/1.1", Some(("2001:db8::1", 443))),
            ("GET http://example.com/a?b=c HTTP/1.1", Some(("example.com", 80))),
            ("POST http://user:pw@example.com:8080/ HTTP/1.1", Some(("example.com", 8080))),
            ("GET https://example.com/ HTTP/1.1", Some(("example.com", 443))),
            ("GET / HTTP/1.1", None),
            ("\u{16}\u{3}\u{1}", None),
            ("", None),
        ];
        for (line, expected) in cases {
            let expected = expected.map(|(host, port)| Destination { host: host.to_owned(), port });
            assert_eq!(destination(format!("{line}\r\nhost: x\r\n\r\n").as_bytes()), expected, "{line}");
        }
    }

    async fn ask(trap: &EgressTrap, request: &str) -> String {
        let mut client = TcpStream::connect(trap.address()).await.unwrap();
        client.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn an_attempt_is_recorded_before_it_is_refused() {
        let journal = Journal::in_memory();
        let trap = EgressTrap::open(&journal, Some(Instance::of("w1", 1))).await.unwrap();
        let answer = ask(&trap, "CONNECT login.example.com:443 HTTP/1.1\r\nhost: login.example.com:443\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        let events: Vec<Event> = journal.records().iter().map(|record| record.event.clone()).collect();
        let expected = Event::EgressAttempt {
            instance: Some(Instance::of("w1", 1)),
            host: "login.example.com".to_owned(),
            port: 443,
        };
        assert_eq!(events, [expected]);
    }

    #[tokio::test]
    async fn a_body_that_nobody_reads_does_not_cost_the_answer() {
        // More than the buffers of two sockets hold.
        const BODY: usize = 32 << 20;
        let journal = Journal::in_memory();
        let trap = EgressTrap::open(&journal, None).await.unwrap();
        let body = "x".repeat(BODY);
        let answer =
            ask(&trap, &format!("POST http://example.com/ HTTP/1.1\r\ncontent-length: {BODY}\r\n\r\n{body}")).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert_eq!(journal.records().len(), 1);
    }

    #[tokio::test]
    async fn what_names_no_destination_is_no_attempt() {
        let journal = Journal::in_memory();
        let trap = EgressTrap::open(&journal, None).await.unwrap();
        assert!(ask(&trap, "GET / HTTP/1.1\r\nhost: example.com\r\n\r\n").await.starts_with("HTTP/1.1 400 "));
        assert!(journal.records().is_empty());
    }
}
