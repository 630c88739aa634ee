//! One RPC from its beginning to its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::runtime::Handle;

use super::Shared;
use super::authorizer::Refusal;
use crate::journal::{Act, Call, Event, Instance, Recorded, TokenName};

/// A call that is under way. Dropped before its end, it was lost: its stream was reset or its connection is gone.
pub(super) struct Rpc {
    gate: Arc<Shared>,
    call: Call,
    instance: Instance,
    name: String,
    token: Option<TokenName>,
    ended: bool,
}

/// Who calls what, and with which token.
pub(super) struct Caller {
    pub(super) instance: Instance,
    pub(super) rpc: String,
    pub(super) token: Option<TokenName>,
}

impl Rpc {
    /// Reports the call, whether `authorize` refuses it, and does what the recording says.
    ///
    /// # Errors
    ///
    /// The refusal, with the call that it ends.
    pub(super) async fn begin(
        gate: Arc<Shared>,
        caller: Caller,
        authorize: impl FnOnce() -> Result<(), Refusal>,
    ) -> (Self, Result<Act, Refusal>) {
        let call = Call(gate.calls.fetch_add(1, Ordering::Relaxed));
        gate.under_way.begin(&caller.instance);
        let Caller { instance, rpc: name, token } = caller;
        let rpc = Self { gate, call, instance, name, token, ended: false };
        let event = Event::GateRpc {
            call,
            instance: rpc.instance.clone(),
            rpc: rpc.name.clone(),
            token: rpc.token.clone(),
            refused: None,
        };
        let mut decided = Ok(());
        let recorded = rpc.gate.journal.record_with(event, |event, directive| {
            // What a fault answers has not come so far.
            if !directive.act.processes() {
                return;
            }
            decided = authorize();
            if let (Event::GateRpc { refused, .. }, Err(refusal)) = (event, &decided) {
                *refused = Some(refusal.reason.to_owned());
            }
        });
        let act = settled(recorded).await;
        (rpc, decided.map(|()| act))
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

    /// Reports the end of the call with its gRPC status, before the reply leaves, and says what becomes of that.
    pub(super) async fn end(mut self, code: Option<i32>) -> Act {
        let recorded = self.record_end(code);
        settled(recorded).await
    }

    /// The same from where nothing can wait.
    pub(super) fn end_detached(mut self, code: Option<i32>) {
        detach(self.record_end(code));
    }

    fn record_end(&mut self, code: Option<i32>) -> Recorded {
        self.ended = true;
        self.gate.journal.record(Event::GateRpcDone {
            call: self.call,
            instance: self.instance.clone(),
            rpc: self.name.clone(),
            code,
            token: self.token.clone(),
            fault: None,
        })
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

/// Waits until what an event brought about is done, and for its delay, and says what to do then.
///
/// The effects run in a task of their own: one may kill the very worker whose call is held here, and with the call
/// this future is dropped.
pub(super) async fn settled(recorded: Recorded) -> Act {
    // It fails only if an effect panicked, which the runtime has reported, or while the runtime shuts down.
    let Ok(directive) = tokio::spawn(recorded.settled()).await else { return Act::Proceed };
    if !directive.delay.is_zero() {
        tokio::time::sleep(directive.delay).await;
    }
    directive.act
}

fn detach(recorded: Recorded) {
    // Outside a runtime the lab is being torn down.
    if let Ok(runtime) = Handle::try_current() {
        drop(runtime.spawn(recorded.settled()));
    }
}
