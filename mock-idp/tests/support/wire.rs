//! A plain TCP client that keeps its connection and sees every byte.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// So long a test waits for bytes that must come. Reached only when they do not.
pub const BOUND: Duration = Duration::from_secs(20);

/// A connection to the identity provider.
pub struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

/// How a connection went on after a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It is open.
    Open,
    /// It was closed (FIN).
    Closed,
    /// It was reset (RST).
    Reset,
}

/// A reply, byte by byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// HTTP status; 0 if no head came.
    pub status: u16,
    /// Header lines without `date`, which is the machine's own unless a rule sets it.
    pub headers: Vec<(String, String)>,
    /// `date`.
    pub date: Option<String>,
    /// The body, or what came of it.
    pub body: Vec<u8>,
    /// How long the body was to be.
    pub promised: usize,
    /// What became of the connection.
    pub end: End,
}

impl Seen {
    /// A header field.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The same with the date: replies of one moment are to be the same byte by byte, but for the machine's clock.
    pub fn without_date(self) -> Self {
        Self { date: None, ..self }
    }
}

impl Wire {
    /// Opens one.
    pub async fn open(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.expect("it listens"), read: Vec::new() }
    }

    /// Sends a request as it is.
    pub async fn send(&mut self, request: &str) {
        self.stream.write_all(request.as_bytes()).await.expect("it reads");
    }

    /// Reads a reply.
    pub async fn reply(&mut self) -> Seen {
        let mut end = End::Open;
        let head_ends = loop {
            match self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(at) => break at,
                None => end = self.more().await,
            }
            if end != End::Open {
                let body = std::mem::take(&mut self.read);
                return Seen { status: 0, headers: Vec::new(), date: None, body, promised: 0, end };
            }
        };
        let head = String::from_utf8(self.read.drain(..head_ends + 4).collect()).expect("text");
        let mut lines = head.trim_end_matches("\r\n\r\n").split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
        let mut headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').expect(line))
            .map(|(name, value)| (name.to_owned(), value.strip_prefix(' ').unwrap_or(value).to_owned()))
            .collect();
        let date = headers.iter().position(|(name, _)| name == "date").map(|at| headers.remove(at).1);
        let length = headers.iter().find(|(name, _)| name == "content-length").map(|(_, value)| value.parse());
        let promised = length.map_or(0, |length| length.expect("a number"));
        while self.read.len() < promised && end == End::Open {
            end = self.more().await;
        }
        let body = self.read.drain(..promised.min(self.read.len())).collect();
        Seen { status: status.expect("a status"), headers, date, body, promised, end }
    }

    /// Waits for the connection to end.
    pub async fn ending(&mut self) -> End {
        loop {
            let end = self.more().await;
            if end != End::Open {
                return end;
            }
        }
    }

    /// Whether no byte has come that was not read, nor an end.
    pub fn is_quiet(&self) -> bool {
        let mut byte = [0];
        self.read.is_empty()
            && self.stream.try_read(&mut byte).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    async fn more(&mut self) -> End {
        match timeout(BOUND, self.stream.read_buf(&mut self.read)).await.expect("bytes, or an end") {
            Ok(0) => End::Closed,
            Ok(_) => End::Open,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => End::Reset,
            Err(error) => panic!("{error}"),
        }
    }
}
