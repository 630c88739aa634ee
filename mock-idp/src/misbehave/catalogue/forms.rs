//! Replies whose form is not that of the protocol.

use super::{Misbehaviour, rule};
use crate::endpoint::Endpoint;
use crate::fault::Change;
use crate::misbehave::Rule;

fn changed(change: Change) -> Rule {
    Rule::on(Endpoint::Token).change(change)
}

pub(super) const ALL: &[Misbehaviour] = &[
    rule("form-encoded", "A success is form-encoded.", "FM-26, IBM/mcp-context-forge#4258", || {
        changed(Change::FormEncoded)
    }),
    rule("content-type-wrong", "JSON is labelled as a page.", "FM-26", || {
        Rule::on(Endpoint::Token).header("Content-Type", "text/html; charset=utf-8")
    }),
    rule("content-type-missing", "JSON has no label.", "FM-26", || {
        changed(Change::OmitHeaders(vec!["Content-Type".into()]))
    }),
    rule(
        "gzip-label",
        "Plain JSON is labelled as compressed.",
        "FM-26, proxies that unpack and keep the label",
        || Rule::on(Endpoint::Token).header("Content-Encoding", "gzip"),
    ),
    rule("byte-order-mark", "The JSON begins with a byte order mark.", "FM-26, RFC 8259 §8.1", || {
        changed(Change::ByteOrderMark)
    }),
    rule(
        "processed-and-empty",
        "The grant is done, and the reply has no body.",
        "FM-07, QwenLM/qwen-code#3123",
        || changed(Change::Body(String::new())),
    ),
    rule(
        "processed-and-500",
        "The grant is done, and the reply says that it failed.",
        "FM-07, HQBase/hqbase#41",
        || changed(Change::Status(500)),
    ),
];
