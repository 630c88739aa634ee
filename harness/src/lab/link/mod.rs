//! The network between a worker and one server of the lab, with the faults that a network has.
//!
//! A link is the server's own listener, not a proxy in front of it: what it accepts is an [`Io`] that obeys the link,
//! so there is one hop only and a reset reaches the client at once, whatever the server is doing.
//!
//! While a link refuses, its port stays taken by a second socket with `SO_REUSEPORT` that never listens: clients get
//! `ECONNREFUSED`, and nobody else gets the port.

mod io;

use std::future::{Future, poll_fn};
use std::io as std_io;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

pub use self::io::Io;
use self::io::{Pace, Wire};

/// As many clients may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Pause after a failed accept, which otherwise spins while the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A listener whose connections can be disturbed through its [`LinkControl`]. Dropped, it stops listening; what it
/// has accepted lives on.
pub struct Link {
    control: LinkControl,
}

/// Disturbs a [`Link`]. All calls take effect before they return. Clones control the same link.
#[derive(Clone)]
pub struct LinkControl(Arc<Shared>);

struct Shared {
    address: SocketAddr,
    runtime: Handle,
    /// Holds the port while nobody listens on it.
    _placeholder: Socket,
    state: Mutex<State>,
}

struct State {
    listening: Listening,
    pace: Pace,
    open: Vec<Weak<Wire>>,
    acceptor: Option<Waker>,
}

enum Listening {
    Open(TcpListener),
    Refusing,
    /// The link is gone; nothing opens it again.
    Over,
}

impl Link {
    /// Listens on a free port of `ip`.
    ///
    /// # Errors
    ///
    /// If the system gives no socket or no port.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn bind(ip: IpAddr) -> std_io::Result<Self> {
        let placeholder = bound(SocketAddr::new(ip, 0))?;
        let address = placeholder
            .local_addr()?
            .as_socket()
            .ok_or_else(|| std_io::Error::other("a TCP socket has no Internet address"))?;
        let state = State {
            listening: Listening::Open(listener(address)?),
            pace: Pace::default(),
            open: Vec::new(),
            acceptor: None,
        };
        let shared =
            Shared { address, runtime: Handle::current(), _placeholder: placeholder, state: Mutex::new(state) };
        Ok(Self { control: LinkControl(Arc::new(shared)) })
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.control.0.address
    }

    /// The handle that disturbs it.
    pub fn control(&self) -> LinkControl {
        self.control.clone()
    }

    /// The next connection. Waits while the link refuses.
    ///
    /// # Errors
    ///
    /// If the system cannot accept: a client that left too soon, or no file descriptor.
    pub async fn accept(&mut self) -> std_io::Result<Io> {
        poll_fn(|context| self.control.0.poll_accept(context)).await
    }

    /// Accepts for ever and runs `handle` for each connection. Dropped, it stops all of that.
    pub async fn serve<H, F>(mut self, handle: H)
    where
        H: Fn(Io) -> F,
        F: Future<Output = ()> + Send + 'static,
    {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.accept() => match accepted {
                    Ok(io) => drop(connections.spawn(handle(io))),
                    Err(error) => {
                        tracing::warn!(%error, address = %self.address(), "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_ended) = connections.join_next() => {}
            }
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.control.0.state.lock().listening = Listening::Over;
    }
}

impl LinkControl {
    /// Stops listening and resets what is open. Connecting fails at once with `ECONNREFUSED`; the port is kept.
    ///
    /// Closing a listener alone would leave kept-alive connections working.
    pub fn refuse(&self) {
        let mut state = self.0.state.lock();
        if let Listening::Open(_) = state.listening {
            state.reset();
            state.listening = Listening::Refusing;
        }
    }

    /// Listens again on the same port.
    ///
    /// # Errors
    ///
    /// If the system gives no socket. The link then goes on refusing.
    pub fn restore(&self) -> std_io::Result<()> {
        let mut state = self.0.state.lock();
        if let Listening::Refusing = state.listening {
            // The listener belongs to the link's runtime, whoever calls this.
            let _runtime = self.0.runtime.enter();
            state.listening = Listening::Open(listener(self.0.address)?);
            state.wake_acceptor();
        }
        Ok(())
    }

    /// Resets every open connection (RST), those that wait to be accepted as well.
    pub fn reset(&self) {
        self.0.state.lock().reset();
    }

    /// From now on the bytes that clients send arrive so much later, so every round trip takes so much longer.
    pub fn latency(&self, latency: Duration) {
        self.pace(|pace| pace.latency = latency);
    }

    /// From now on so many bytes pass per second, each way, on each connection; `None` is no limit.
    pub fn bandwidth(&self, bytes_per_second: Option<NonZeroU32>) {
        self.pace(|pace| pace.bandwidth = bytes_per_second);
    }

    /// From now on no byte passes, or all do again: those that were sent meanwhile arrive then, as TCP sends them anew.
    /// Connecting works; the system itself does that.
    pub fn blackhole(&self, silent: bool) {
        self.pace(|pace| pace.silent = silent);
    }

    /// What is open now carries nothing any more, and neither end is told. New connections work.
    pub fn strand(&self) {
        self.0.state.lock().each_open(Wire::strand);
    }

    /// Resets what was [stranded](Self::strand): the next packet would be answered so.
    pub fn reset_stranded(&self) {
        self.0.state.lock().each_open(|wire| {
            if wire.is_stranded() {
                wire.reset();
            }
        });
    }

    /// Whether a client has sent something that its connection does not carry, being silent or stranded.
    pub fn withholds(&self) -> bool {
        let state = self.0.state.lock();
        state.open.iter().filter_map(Weak::upgrade).any(|wire| wire.withholds())
    }

    fn pace(&self, change: impl FnOnce(&mut Pace)) {
        let mut state = self.0.state.lock();
        change(&mut state.pace);
        let pace = state.pace;
        state.each_open(|wire| wire.pace(pace));
    }
}

impl Shared {
    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<std_io::Result<Io>> {
        let mut state = self.state.lock();
        state.acceptor = Some(context.waker().clone());
        let Listening::Open(listener) = &state.listening else { return Poll::Pending };
        let (stream, _) = std::task::ready!(listener.poll_accept(context))?;
        stream.set_nodelay(true)?;
        let wire = Arc::new(Wire::new(stream, state.pace));
        state.open.retain(|wire| wire.strong_count() > 0);
        state.open.push(Arc::downgrade(&wire));
        Poll::Ready(Ok(Io::new(wire)))
    }
}

impl State {
    fn each_open(&mut self, act: impl Fn(&Wire)) {
        self.open.iter().filter_map(Weak::upgrade).for_each(|wire| act(&wire));
    }

    fn reset(&mut self) {
        self.each_open(Wire::reset);
        self.open.clear();
        if let Listening::Open(listener) = &self.listening {
            while let Ok((waiting, _)) = SockRef::from(listener).accept() {
                io::drop_with_reset(waiting);
            }
        }
    }

    fn wake_acceptor(&mut self) {
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.wake();
        }
    }
}

/// A socket that holds `address` and lets others of this user hold it too.
fn bound(address: SocketAddr) -> std_io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn listener(address: SocketAddr) -> std_io::Result<TcpListener> {
    let socket = bound(address)?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests;
