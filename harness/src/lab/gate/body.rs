//! Bodies that the gate passes on, in both directions.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::answer::{self, code};
use super::rpc::Rpc;

/// What a worker is told of a server that is gone.
pub(super) const LOST: &str = "the Temporal frontend is lost";

/// A request's or reply's body.
///
/// It gives no size hint, so hyper adds no `content-length` that the sender had not set.
pub(super) enum Body {
    /// Frame by frame as it comes. With a reply comes the call that ends with it.
    Through { incoming: Incoming, rpc: Option<Rpc> },
    /// Held until it was complete.
    Whole { data: Bytes, trailers: Option<HeaderMap> },
}

impl Body {
    /// Takes all of a body in.
    pub(super) async fn whole(incoming: Incoming) -> hyper::Result<(Bytes, Option<HeaderMap>)> {
        let collected = incoming.collect().await?;
        let trailers = collected.trailers().cloned();
        Ok((collected.to_bytes(), trailers))
    }

    /// No bytes and no trailers.
    pub(super) fn none() -> Self {
        Self::Whole { data: Bytes::new(), trailers: None }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Whole { data, trailers } => Poll::Ready(if data.is_empty() {
                trailers.take().map(|trailers| Ok(Frame::trailers(trailers)))
            } else {
                Some(Ok(Frame::data(std::mem::take(data))))
            }),
            Self::Through { incoming, rpc } => {
                let frame = ready!(Pin::new(incoming).poll_frame(context));
                let frame = match (frame, rpc.take()) {
                    (Some(Err(error)), Some(rpc)) => {
                        tracing::debug!(%error, "the Temporal frontend was lost within a reply");
                        let trailers = answer::error(code::UNAVAILABLE, LOST);
                        rpc.end_detached(Some(code::UNAVAILABLE));
                        Some(Ok(Frame::trailers(trailers)))
                    }
                    (Some(Ok(frame)), Some(ending)) => {
                        match frame.trailers_ref() {
                            Some(trailers) => ending.end_detached(answer::status(trailers)),
                            None => *rpc = Some(ending),
                        }
                        Some(Ok(frame))
                    }
                    (frame, ending) => {
                        *rpc = ending;
                        frame
                    }
                };
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole { data, trailers } => data.is_empty() && trailers.is_none(),
            Self::Through { incoming, .. } => incoming.is_end_stream(),
        }
    }
}
