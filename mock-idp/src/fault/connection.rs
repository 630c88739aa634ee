//! A connection whose replies can be lost, cut off or reset.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tower::{Service, ServiceExt as _};

/// Put into a response's extensions, it makes the connection end without a byte of it.
#[derive(Debug, Clone, Copy)]
pub struct DropReply;

/// In a response's extensions: the connection is reset without a byte of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ResetNow;

/// A connection that a fault can end.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin + 'static {
    /// It ends with RST and not with FIN, at the latest when it is dropped.
    fn reset(&mut self);

    /// Says at any time whether what is written from now on reaches nobody. `None` if that is never known.
    fn is_cut(&self) -> Option<Probe> {
        None
    }
}

/// See [`Connection::is_cut`].
pub type Probe = Arc<dyn Fn() -> bool + Send + Sync>;

/// In a response's extensions: how its delivery learns of the connection that it leaves by.
#[derive(Clone, Default)]
pub(super) struct Line(Arc<OnceLock<Probe>>);

impl Line {
    pub(super) fn is_cut(&self) -> bool {
        self.0.get().is_some_and(|is_cut| is_cut())
    }
}

impl Connection for TcpStream {
    fn reset(&mut self) {
        // It fails only if the socket is gone already.
        let _ = self.set_zero_linger();
    }
}

/// In a response's extensions: the connection ends as soon as what was sent before `reached` became true has left.
#[derive(Clone)]
pub(super) struct BreakOff {
    pub(super) reached: Arc<AtomicBool>,
    pub(super) with_reset: bool,
}

/// The connection ends without a reply.
#[derive(Debug, thiserror::Error)]
#[error("the reply is dropped")]
struct Dropped;

/// Serves HTTP/1.1 or HTTP/2 on one connection until it ends, by the peer, by a fault, or by dropping the future.
pub async fn serve_connection<S>(io: impl Connection, service: S)
where
    S: Service<http::Request<Incoming>, Response = http::Response<Body>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    let breaks: Breaks = Arc::default();
    let probe = io.is_cut();
    let io = Breakable { io, breaks: Arc::clone(&breaks) };
    let service = hyper::service::service_fn(move |request| {
        let (service, breaks, probe) = (service.clone(), Arc::clone(&breaks), probe.clone());
        async move {
            let Ok(response) = service.oneshot(request).await;
            if response.extensions().get::<DropReply>().is_some() {
                return Err(Dropped);
            }
            if response.extensions().get::<ResetNow>().is_some() {
                let now = BreakOff { reached: Arc::new(AtomicBool::new(true)), with_reset: true };
                breaks.lock().unwrap_or_else(PoisonError::into_inner).push(now);
                return Err(Dropped);
            }
            if let (Some(Line(line)), Some(probe)) = (response.extensions().get(), probe) {
                // A response leaves by one connection.
                let _ = line.set(probe);
            }
            if let Some(break_off) = response.extensions().get::<BreakOff>() {
                breaks.lock().unwrap_or_else(PoisonError::into_inner).push(break_off.clone());
            }
            Ok(response)
        }
    });
    // An error here is a connection that was broken off, which is what tests do.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(io), service).await;
}

type Breaks = Arc<Mutex<Vec<BreakOff>>>;

/// Passes everything on until a reply is to be broken off and all before that has left.
struct Breakable<C: Connection> {
    io: C,
    breaks: Breaks,
}

impl<C: Connection> Breakable<C> {
    /// The break whose time has come.
    fn due(&self) -> Option<BreakOff> {
        let breaks = self.breaks.lock().unwrap_or_else(PoisonError::into_inner);
        breaks.iter().find(|one| one.reached.load(Ordering::Acquire)).cloned()
    }
}

impl<C: Connection> Drop for Breakable<C> {
    fn drop(&mut self) {
        // A request that is reset without a reply flushes nothing.
        if self.due().is_some_and(|due| due.with_reset) {
            self.io.reset();
        }
    }
}

impl<C: Connection> AsyncRead for Breakable<C> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, into)
    }
}

impl<C: Connection> AsyncWrite for Breakable<C> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // Asked first: a reply that reaches its end during the flush has not been written yet.
        let due = this.due();
        ready!(Pin::new(&mut this.io).poll_flush(context))?;
        let Some(due) = due else { return Poll::Ready(Ok(())) };
        if due.with_reset {
            this.io.reset();
        }
        Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the reply is broken off")))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
