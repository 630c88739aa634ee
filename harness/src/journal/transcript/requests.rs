//! Requests joined with their replies, in the order that causality forces.

use std::collections::BTreeMap;

use super::line::Line;
use crate::journal::{ApiRequest, ApiResponse, Call, Event, IdpRequest, IdpResponse, Run, Seq};

/// A request with what became of it.
pub(super) struct Exchange<'a, Q, A> {
    pub(super) at: Seq,
    pub(super) request: &'a Q,
    pub(super) reply: Option<(Seq, &'a A)>,
    /// The reply was lost on its way to a worker that was there to receive it.
    pub(super) lost: bool,
}

pub(super) type ApiExchange<'a> = Exchange<'a, ApiRequest, ApiResponse>;
pub(super) type IdpExchange<'a> = Exchange<'a, IdpRequest, IdpResponse>;

impl<'a, Q, A> Exchange<'a, Q, A> {
    fn sent(at: Seq, request: &'a Q) -> Self {
        Self { at, request, reply: None, lost: false }
    }

    /// What every reply says: status, `error`, `Retry-After`, and that it was lost.
    pub(super) fn answer(&self, shown: impl Fn(&A) -> (u16, Option<&str>, Option<u64>)) -> Line {
        let Some((_, reply)) = self.reply else { return Line::at(0).text(": no reply") };
        let (status, error, retry_after_ms) = shown(reply);
        let mut line = Line::at(0).text(format!(": {status}"));
        if let Some(error) = error {
            line = line.text(format!(" {error}"));
        }
        if let Some(delay) = retry_after_ms {
            // The header has whole seconds.
            line = line.text(format!(", Retry-After {} s", delay / 1000));
        }
        line
    }

    /// `, reply lost`, at the end of a line.
    pub(super) fn loss(&self) -> Line {
        Line::at(0).text(if self.lost { ", reply lost" } else { "" })
    }
}

/// Every request of a run, by the number of its record.
#[derive(Default)]
pub(super) struct Exchanges<'a> {
    pub(super) api: BTreeMap<Seq, ApiExchange<'a>>,
    pub(super) idp: BTreeMap<Seq, IdpExchange<'a>>,
}

impl<'a> Exchanges<'a> {
    pub(super) fn of(run: &Run<'a>) -> Self {
        let mut exchanges = Self::default();
        let mut calls: BTreeMap<Call, Seq> = BTreeMap::new();
        let mut gone: Vec<&crate::journal::Instance> = Vec::new();
        for record in run.records() {
            match &record.event {
                Event::ApiRequest(request) => {
                    calls.insert(request.call, record.seq);
                    exchanges.api.insert(record.seq, Exchange::sent(record.seq, request));
                }
                Event::IdpRequest(request) => {
                    calls.insert(request.call, record.seq);
                    exchanges.idp.insert(record.seq, Exchange::sent(record.seq, request));
                }
                Event::ApiResponse(reply) => {
                    let sent = calls.get(&reply.request.call).and_then(|seq| exchanges.api.get_mut(seq));
                    if let Some(exchange) = sent {
                        exchange.reply = Some((record.seq, reply));
                    }
                }
                Event::IdpResponse(reply) => {
                    let sent = calls.get(&reply.request.call).and_then(|seq| exchanges.idp.get_mut(seq));
                    if let Some(exchange) = sent {
                        exchange.reply = Some((record.seq, reply));
                    }
                }
                Event::HttpDone { call, delivered: false, .. } => {
                    // Whether a dying worker still took its reply is chance.
                    let Some(seq) = calls.get(call) else { continue };
                    if let Some(exchange) = exchanges.api.get_mut(seq) {
                        exchange.lost = !gone.contains(&&exchange.request.instance);
                    }
                    if let Some(exchange) = exchanges.idp.get_mut(seq) {
                        exchange.lost = !gone.contains(&&exchange.request.instance);
                    }
                }
                Event::WorkerExited { instance, .. } => gone.push(instance),
                _ => {}
            }
        }
        exchanges
    }
}

/// What began after the end of something comes after it; what overlaps has no order, and gets that of its text.
pub(super) fn causal<Q, A>(mut exchanges: Vec<(&Exchange<'_, Q, A>, Line)>) -> Vec<Line> {
    exchanges.sort_by_key(|(exchange, _)| exchange.at);
    let mut ordered: Vec<Line> = Vec::new();
    let mut group: Vec<Line> = Vec::new();
    let mut open_until = Seq(0);
    for (exchange, line) in exchanges {
        if exchange.at > open_until {
            group.sort();
            ordered.append(&mut group);
        }
        open_until = open_until.max(exchange.reply.map_or(exchange.at, |(seq, _)| seq));
        group.push(line);
    }
    group.sort();
    ordered.append(&mut group);
    ordered
}
