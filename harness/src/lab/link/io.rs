//! One connection of a link.

use std::collections::VecDeque;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

/// Most pieces that wait for their time; more stay in the socket, so a fast sender is slowed down.
const HELD_PIECES: usize = 64;

/// Largest piece read at once while there is a delay.
const PIECE: usize = 16 * 1024;

/// On a narrow link a piece takes so long.
const PIECES_PER_SECOND: u32 = 20;

/// How bytes go over a connection.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace {
    pub(super) latency: Duration,
    /// Bytes per second, each way.
    pub(super) bandwidth: Option<NonZeroU32>,
    /// Whether none go at all.
    pub(super) silent: bool,
}

impl Pace {
    fn piece(self) -> usize {
        self.bandwidth.map_or(PIECE, |rate| (rate.get().div_ceil(PIECES_PER_SECOND) as usize).min(PIECE))
    }

    /// How long the line is busy with so many bytes.
    fn time_for(self, bytes: usize) -> Duration {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.bandwidth.map_or(Duration::ZERO, |rate| Duration::from_secs(1) * bytes / rate.get())
    }

    fn is_plain(self) -> bool {
        self.latency.is_zero() && self.bandwidth.is_none()
    }
}

/// A connection that a link accepted. Reading and writing fail with `ConnectionReset` once the link has reset it.
pub struct Io {
    wire: Arc<Wire>,
    held: VecDeque<Held>,
    wait: Option<Pin<Box<Sleep>>>,
    /// When the line to the server is free for the next bytes.
    read_free: Option<Instant>,
    /// When the line to the client is.
    write_free: Option<Instant>,
    write_wait: Option<Pin<Box<Sleep>>>,
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
    pace: Pace,
    /// Whether it carries nothing any more.
    stranded: bool,
    /// Who waits on the stream: tokio forgets them when the stream is dropped under them.
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, pace: Pace) -> Self {
        Self(Mutex::new(Ends { stream: Some(stream), pace, stranded: false, reader: None, writer: None }))
    }

    pub(super) fn reset(&self) {
        let mut ends = self.0.lock();
        if let Some(stream) = ends.stream.take() {
            drop_with_reset(stream);
        }
        [ends.reader.take(), ends.writer.take()].into_iter().flatten().for_each(Waker::wake);
    }

    pub(super) fn pace(&self, pace: Pace) {
        let mut ends = self.0.lock();
        ends.pace = pace;
        // Whoever waits on a silent line, or for its turn on a narrow one, may go on.
        [ends.reader.take(), ends.writer.take()].into_iter().flatten().for_each(Waker::wake);
    }

    pub(super) fn strand(&self) {
        self.0.lock().stranded = true;
    }

    /// Whether nothing of what is written now arrives, even when the link is healed.
    fn is_cut(&self) -> bool {
        let ends = self.0.lock();
        ends.stranded || ends.stream.as_ref().is_none_or(is_left)
    }

    /// Whether its client has sent something that it does not carry.
    pub(super) fn withholds(&self) -> bool {
        let ends = self.0.lock();
        let unread = |stream: &TcpStream| rustix::io::ioctl_fionread(stream).is_ok_and(|bytes| bytes > 0);
        (ends.stranded || ends.pace.silent) && ends.stream.as_ref().is_some_and(unread)
    }

    pub(super) fn is_stranded(&self) -> bool {
        self.0.lock().stranded
    }

    fn reading<T>(
        &self,
        context: &mut Context<'_>,
        act: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>, Pace) -> Poll<Result<T>>,
    ) -> Poll<Result<T>> {
        let ends = &mut *self.0.lock();
        remember(&mut ends.reader, context);
        match &mut ends.stream {
            Some(_) if ends.stranded || ends.pace.silent => Poll::Pending,
            Some(stream) => act(Pin::new(stream), context, ends.pace),
            None => Poll::Ready(Err(ErrorKind::ConnectionReset.into())),
        }
    }

    fn writing<T>(
        &self,
        context: &mut Context<'_>,
        act: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>, Pace) -> Poll<Result<T>>,
    ) -> Poll<Result<T>> {
        let ends = &mut *self.0.lock();
        remember(&mut ends.writer, context);
        match &mut ends.stream {
            Some(_) if ends.stranded || ends.pace.silent => Poll::Pending,
            Some(stream) => act(Pin::new(stream), context, ends.pace),
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

/// Ready at once if that time has come; `wait` is kept for the next.
fn poll_until(due: Instant, wait: &mut Option<Pin<Box<Sleep>>>, context: &mut Context<'_>) -> Poll<()> {
    if due <= Instant::now() {
        return Poll::Ready(());
    }
    let wait = wait.get_or_insert_with(|| Box::pin(sleep_until(due)));
    if wait.deadline() != due {
        wait.as_mut().reset(due);
    }
    wait.as_mut().poll(context)
}

/// Whether the other side has closed the connection. A client that only says that it will write no more is taken for one
/// that is gone, as HTTP servers take it.
fn is_left(stream: &TcpStream) -> bool {
    #[cfg(target_os = "linux")]
    let gone = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
    #[cfg(not(target_os = "linux"))]
    let gone = PollFlags::HUP | PollFlags::ERR;
    let mut watched = [PollFd::new(stream, gone)];
    // What cannot be asked is not known to be gone.
    poll(&mut watched, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
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
        Self { wire, held: VecDeque::new(), wait: None, read_free: None, write_free: None, write_wait: None }
    }

    /// Takes what has arrived and notes when it is due. Ready once nothing more can be taken now and something is held.
    fn poll_take(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        let Self { wire, held, read_free, .. } = self;
        wire.reading(context, |mut stream, context, pace| {
            while held.len() < HELD_PIECES && held.back().is_none_or(|last| !last.bytes.is_empty()) {
                let mut piece = vec![0; pace.piece()];
                let mut buffer = ReadBuf::new(&mut piece);
                match stream.as_mut().poll_read(context, &mut buffer) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Pending if held.is_empty() => return Poll::Pending,
                    Poll::Pending => break,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                }
                let now = Instant::now();
                let sent = read_free.map_or(now, |free| free.max(now)) + pace.time_for(buffer.filled().len());
                *read_free = Some(sent);
                let arrives = sent + pace.latency;
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

    fn is_cut(&self) -> Option<mock_idp::fault::Probe> {
        let wire = Arc::clone(&self.wire);
        Some(Arc::new(move || wire.is_cut()))
    }
}

impl AsyncRead for Io {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let io = self.get_mut();
        if io.held.is_empty() {
            let wire = Arc::clone(&io.wire);
            let at_once = wire.reading(context, |stream, context, pace| {
                if pace.is_plain() {
                    stream.poll_read(context, buffer).map_ok(|()| true)
                } else {
                    Poll::Ready(Ok(false))
                }
            });
            if ready!(at_once)? {
                return Poll::Ready(Ok(()));
            }
        }
        // Nothing is read off a silent line, not even what was on its way.
        ready!(io.poll_take(context))?;
        let front = io.held.front_mut().ok_or_else(|| Error::other("ready with nothing held"))?;
        ready!(poll_until(front.due, &mut io.wait, context));
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
        let Self { wire, write_free, write_wait, .. } = self.get_mut();
        wire.writing(context, |stream, context, pace| {
            if pace.bandwidth.is_none() {
                return stream.poll_write(context, bytes);
            }
            if let Some(free) = *write_free {
                ready!(poll_until(free, write_wait, context));
            }
            let count = ready!(stream.poll_write(context, &bytes[..bytes.len().min(pace.piece())]))?;
            *write_free = Some(Instant::now() + pace.time_for(count));
            Poll::Ready(Ok(count))
        })
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let io = self.get_mut();
        let plain = io.wire.writing(context, |stream, context, pace| match pace.bandwidth {
            None => stream.poll_write_vectored(context, pieces).map_ok(Some),
            Some(_) => Poll::Ready(Ok(None)),
        });
        match ready!(plain)? {
            Some(count) => Poll::Ready(Ok(count)),
            None => {
                let first = pieces.iter().find(|piece| !piece.is_empty());
                Pin::new(io).poll_write(context, first.map_or(&[], |piece| &**piece))
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.wire.writing(context, |stream, context, _| stream.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        self.wire.writing(context, |stream, context, _| stream.poll_shutdown(context))
    }
}
