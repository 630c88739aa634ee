//! One connection of a link.

use std::collections::VecDeque;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use parking_lot::Mutex;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

/// Most pieces that wait for their time; more stay in the socket, so a fast sender is slowed down.
const HELD_PIECES: usize = 64;

/// Largest piece read at once while there is a delay.
const PIECE: usize = 16 * 1024;

/// A connection that a link accepted. Reading and writing fail with `ConnectionReset` once the link has reset it.
pub struct Io {
    wire: Arc<Wire>,
    held: VecDeque<Held>,
    wait: Option<Pin<Box<Sleep>>>,
}

/// Bytes on their way, or the end of the stream (no bytes).
struct Held {
    due: Instant,
    bytes: Bytes,
}

/// The part of a connection that its link reaches.
pub(super) struct Wire(Mutex<Ends>);

struct Ends {
    /// `None` after a reset.
    stream: Option<TcpStream>,
    latency: Duration,
    /// Who waits on the stream: tokio forgets them when the stream is dropped under them.
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, latency: Duration) -> Self {
        Self(Mutex::new(Ends { stream: Some(stream), latency, reader: None, writer: None }))
    }

    pub(super) fn reset(&self) {
        let mut ends = self.0.lock();
        if let Some(stream) = ends.stream.take() {
            drop_with_reset(stream);
        }
        [ends.reader.take(), ends.writer.take()].into_iter().flatten().for_each(Waker::wake);
    }

    pub(super) fn delay(&self, latency: Duration) {
        self.0.lock().latency = latency;
    }

    fn reading<T>(
        &self,
        context: &mut Context<'_>,
        act: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>, Duration) -> Poll<Result<T>>,
    ) -> Poll<Result<T>> {
        let ends = &mut *self.0.lock();
        remember(&mut ends.reader, context);
        match &mut ends.stream {
            Some(stream) => act(Pin::new(stream), context, ends.latency),
            None => Poll::Ready(Err(ErrorKind::ConnectionReset.into())),
        }
    }

    fn writing<T>(
        &self,
        context: &mut Context<'_>,
        act: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<Result<T>>,
    ) -> Poll<Result<T>> {
        let ends = &mut *self.0.lock();
        remember(&mut ends.writer, context);
        match &mut ends.stream {
            Some(stream) => act(Pin::new(stream), context),
            None => Poll::Ready(Err(ErrorKind::ConnectionReset.into())),
        }
    }
}

fn remember(slot: &mut Option<Waker>, context: &Context<'_>) {
    match slot {
        Some(waker) => waker.clone_from(context.waker()),
        None => *slot = Some(context.waker().clone()),
    }
}

/// Closes a socket with RST. Without the option the client would see an orderly end (FIN).
pub(super) fn drop_with_reset<'s, S: 's>(socket: S)
where
    for<'a> SockRef<'a>: From<&'a S>,
{
    // It fails only for what is no socket.
    let _ = SockRef::from(&socket).set_linger(Some(Duration::ZERO));
}

impl Io {
    pub(super) fn new(wire: Arc<Wire>) -> Self {
        Self { wire, held: VecDeque::new(), wait: None }
    }

    /// Takes what has arrived and notes when it is due. Ready once nothing more can be taken now and something is held.
    fn poll_take(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        let Self { wire, held, .. } = self;
        wire.reading(context, |mut stream, context, latency| {
            while held.len() < HELD_PIECES && held.back().is_none_or(|last| !last.bytes.is_empty()) {
                let mut piece = vec![0; PIECE];
                let mut buffer = ReadBuf::new(&mut piece);
                match stream.as_mut().poll_read(context, &mut buffer) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Pending if held.is_empty() => return Poll::Pending,
                    Poll::Pending => break,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                }
                let arrives = Instant::now() + latency;
                let due = held.back().map_or(arrives, |last| arrives.max(last.due));
                held.push_back(Held { due, bytes: Bytes::copy_from_slice(buffer.filled()) });
            }
            Poll::Ready(Ok(()))
        })
    }
}

impl mock_idp::fault::Connection for Io {
    fn reset(&mut self) {
        self.wire.reset();
    }
}

impl AsyncRead for Io {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let io = self.get_mut();
        if io.held.is_empty() {
            let wire = Arc::clone(&io.wire);
            let at_once = wire.reading(context, |stream, context, latency| {
                if latency.is_zero() {
                    stream.poll_read(context, buffer).map_ok(|()| true)
                } else {
                    Poll::Ready(Ok(false))
                }
            });
            if ready!(at_once)? {
                return Poll::Ready(Ok(()));
            }
        }
        ready!(io.poll_take(context))?;
        let front = io.held.front_mut().ok_or_else(|| Error::other("ready with nothing held"))?;
        if front.due > Instant::now() {
            let due = front.due;
            let wait = io.wait.get_or_insert_with(|| Box::pin(sleep_until(due)));
            if wait.deadline() != due {
                wait.as_mut().reset(due);
            }
            ready!(wait.as_mut().poll(context));
        }
        let count = front.bytes.len().min(buffer.remaining());
        buffer.put_slice(&front.bytes[..count]);
        // The end of the stream stays at the front: it is read again and again.
        if count > 0 {
            front.bytes.advance(count);
            if front.bytes.is_empty() {
                io.held.pop_front();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Io {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        self.wire.writing(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        self.wire.writing(context, |stream, context| stream.poll_write_vectored(context, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.wire.writing(context, |stream, context| stream.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.wire.writing(context, |stream, context| stream.poll_shutdown(context))
    }
}
