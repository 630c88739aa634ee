//! Bodies that note how far they got, that break off, or that are slow.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use tokio::time::{Sleep, sleep};

use super::directive::Drip;
use super::reply::Delivery;

type Polled = Poll<Option<Result<Frame<Bytes>, Infallible>>>;

/// A body that notes when all of it was taken.
pub(super) struct Followed {
    pub(super) body: Full<Bytes>,
    /// How many bytes it has.
    pub(super) promised: usize,
    pub(super) delivery: Delivery,
    /// Becomes true when nobody wants more of it.
    pub(super) over: Option<Arc<AtomicBool>>,
}

impl Body for Followed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if self.body.is_end_stream() {
            self.delivery.taken();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        // An empty body is never polled: it is delivered with its head.
        if self.promised == 0 {
            self.delivery.taken();
        }
        if let Some(over) = &self.over {
            over.store(true, Ordering::Release);
        }
    }
}

/// A body that promises more than it gives: after its part it waits for the connection to be ended.
pub(super) struct Broken {
    pub(super) part: Option<Bytes>,
    pub(super) promised: u64,
    pub(super) reached: Arc<AtomicBool>,
    /// Tells of the loss.
    pub(super) _delivery: Delivery,
}

impl Body for Broken {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Polled {
        if let Some(part) = self.part.take() {
            self.promised -= part.len() as u64;
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        // Whoever asks for more has taken the part, and flushes before it waits.
        self.reached.store(true, Ordering::Release);
        Poll::Pending
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}

/// A body that comes piece by piece.
pub(super) struct Dripping {
    left: Bytes,
    pace: Drip,
    pause: Pin<Box<Sleep>>,
    delivery: Delivery,
}

impl Dripping {
    pub(super) fn new(body: Bytes, pace: Drip, delivery: Delivery) -> Self {
        Self { left: body, pace, pause: Box::pin(sleep(Duration::ZERO)), delivery }
    }
}

impl Body for Dripping {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        ready!(self.pause.as_mut().poll(context));
        self.pause = Box::pin(sleep(self.pace.every));
        let size = self.pace.bytes.clamp(1, self.left.len());
        let piece = self.left.split_to(size);
        if self.left.is_empty() {
            self.delivery.taken();
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}
