//! One RPC from its beginning to its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::{HeaderMap, HeaderValue};
use tokio::runtime::Handle;

use super::Shared;
use crate::journal::{Call, Event, Instance, Recorded};

const UNAVAILABLE: &str = "14";

/// A call that is under way. Dropped before its end, it was lost: its stream was reset or its connection is gone.
pub(super) struct Rpc {
    gate: Arc<Shared>,
    call: Call,
    instance: Instance,
    name: String,
    ended: bool,
}

impl Rpc {
    /// Reports the call and does what the recording says.
    pub(super) async fn begin(gate: Arc<Shared>, instance: Instance, name: String) -> Self {
        let call = Call(gate.calls.fetch_add(1, Ordering::Relaxed));
        gate.under_way.begin(&instance);
        let rpc = Self { gate, call, instance, name, ended: false };
        let event = Event::GateRpc { call, instance: rpc.instance.clone(), rpc: rpc.name.clone() };
        settled(rpc.gate.journal.record(event)).await;
        rpc
    }

    /// The gate that it came through.
    pub(super) fn gate(&self) -> &Shared {
        &self.gate
    }

    /// The worker instance that made it.
    pub(super) fn instance(&self) -> &Instance {
        &self.instance
    }

    /// Name of the method.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Reports the end of the call with its gRPC status, before the reply leaves.
    pub(super) async fn end(mut self, code: Option<i32>) {
        let recorded = self.record_end(code);
        settled(recorded).await;
    }

    /// The same from where nothing can wait.
    pub(super) fn end_detached(mut self, code: Option<i32>) {
        detach(self.record_end(code));
    }

    fn record_end(&mut self, code: Option<i32>) -> Recorded {
        self.ended = true;
        let (call, instance, rpc) = (self.call, self.instance.clone(), self.name.clone());
        self.gate.journal.record(Event::GateRpcDone { call, instance, rpc, code })
    }
}

impl Drop for Rpc {
    fn drop(&mut self) {
        if !self.ended {
            detach(self.record_end(None));
        }
        self.gate.under_way.end(&self.instance);
    }
}

/// Waits until what an event brought about is done, and for its delay. The gate knows no other directive.
///
/// The effects run in a task of their own: one may kill the very worker whose call is held here, and with the call
/// this future is dropped.
pub(super) async fn settled(recorded: Recorded) {
    // It fails only if an effect panicked, which the runtime has reported, or while the runtime shuts down.
    if let Ok(directive) = tokio::spawn(recorded.settled()).await
        && !directive.delay.is_zero()
    {
        tokio::time::sleep(directive.delay).await;
    }
}

fn detach(recorded: Recorded) {
    // Outside a runtime the lab is being torn down.
    if let Ok(runtime) = Handle::try_current() {
        drop(runtime.spawn(recorded.settled()));
    }
}

/// The gRPC status code in `headers`, which are a reply's trailers or, if it has nothing else, its headers.
pub(super) fn status(headers: &HeaderMap) -> Option<i32> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}

/// Says that the server is lost.
pub(super) fn unavailable() -> HeaderMap {
    HeaderMap::from_iter([
        (http::HeaderName::from_static("grpc-status"), HeaderValue::from_static(UNAVAILABLE)),
        (http::HeaderName::from_static("grpc-message"), HeaderValue::from_static("the Temporal frontend is lost")),
    ])
}
