//! Faults that change what a worker gets from the gate in front of Temporal.

use crate::journal::{Act, Answer, Directive, Event};
use crate::scenario::{Action, RpcCode, means};

/// What this action, of which all is drawn by now, does to the call that `event` reports, if anything.
pub(super) fn directive(action: &Action, event: &Event) -> Option<Directive> {
    let act = |act| Directive { act, ..Directive::default() };
    let (arrives, name) = match event {
        Event::GateRpc { rpc, .. } => (true, rpc),
        // Who has lost the stream gets no reply that could be changed.
        Event::GateRpcDone { rpc, code: Some(_), .. } => (false, rpc),
        _ => return None,
    };
    let (instead, rpc, directive) = match action {
        Action::GateRefuse(it) => {
            let message = it.message.as_ref().map_or("refused by a fault", |message| &message.value);
            (true, &it.rpc, act(Act::Answer(grpc_error(it.code, message))))
        }
        Action::GateHtml(it) => (true, &it.rpc, act(Act::Answer(page(it.status.code())))),
        Action::GateDelay(it) => {
            (false, &it.rpc, Directive { delay: it.by.longest().to_std(), ..Directive::default() })
        }
        Action::GateDropReply(it) => (false, &it.rpc, act(Act::DropReply)),
        _ => return None,
    };
    (arrives == instead && means(rpc.as_ref(), name)).then_some(directive)
}

/// An error as gRPC has it, in the headers of a reply without a message.
fn grpc_error(code: RpcCode, message: &str) -> Answer {
    let header = |name: &str, value: String| (name.to_owned(), value);
    Answer {
        status: 200,
        headers: vec![
            header("content-type", "application/grpc".to_owned()),
            header("grpc-status", code.number().to_string()),
            header("grpc-message", escaped(message)),
        ],
        body: String::new(),
    }
}

/// As `grpc-message` has it: percent-encoded but for visible ASCII and the space.
fn escaped(message: &str) -> String {
    let plain = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'%';
    message
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// A page as people see it who run into a proxy.
fn page(status: u16) -> Answer {
    let mut headers = vec![("content-type".to_owned(), "text/html; charset=utf-8".to_owned())];
    if (300..400).contains(&status) {
        headers.push(("location".to_owned(), "/login".to_owned()));
    }
    Answer { status, headers, body: format!("<!doctype html><title>{status}</title><h1>{status}</h1>\n") }
}
