//! Faults that change replies of the identity provider or the API.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;

use super::at_gate;
use super::controls::Controls;
use crate::journal::{Act, Answer, Call, Clock, Directive, Event, FieldChange};
use crate::scenario::{Action, Entries, GateDelay, GateHtml, GateRefuse, GateReplies, LinkEnd, RetryAfter, Value};

/// Which requests are concerned.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    on: LinkEnd,
    /// Endpoint of the identity provider or route of the API; `None` means any.
    at: Option<&'a str>,
    /// `grant_type`.
    grant: Option<&'a str>,
}

/// How many replies a firing of this action changes; `None` if it changes none. `bounded` says that a time of its own
/// ends it.
pub(super) fn times(action: &Action, bounded: bool) -> Option<u32> {
    Some(match action {
        Action::IdpRespond(it) => it.times.get(),
        Action::IdpDelay(it) => it.times.get(),
        Action::IdpDropReply(it) => it.times.get(),
        Action::IdpAlter(it) => it.times.get(),
        Action::IdpRateLimit(it) => it.times.get(),
        Action::ApiRespond(it) => it.times.get(),
        Action::ApiDelay(it) => it.times.get(),
        Action::ApiDropReply(it) => it.times.get(),
        Action::GateRefuse(GateRefuse { times, .. })
        | Action::GateDelay(GateDelay { times, .. })
        | Action::GateDropReply(GateReplies { times, .. })
        | Action::GateHtml(GateHtml { times, .. }) => times.map_or(if bounded { u32::MAX } else { 1 }, NonZeroU32::get),
        _ => return None,
    })
}

/// What this action, of which all is drawn by now, does to the request or reply that `event` reports, if anything.
pub(super) fn directive(action: &Action, event: &Event, served: &Served, controls: &dyn Controls) -> Option<Directive> {
    http(action, event, served, controls).or_else(|| at_gate::directive(action, event))
}

/// The same for requests to the identity provider and the API.
fn http(action: &Action, event: &Event, served: &Served, controls: &dyn Controls) -> Option<Directive> {
    let act = |act| Directive { act, ..Directive::default() };
    let (place, directive): (_, Box<dyn FnOnce() -> Directive + '_>) = match action {
        Action::IdpRespond(it) => {
            let place = Place { on: LinkEnd::Idp, at: Some(it.endpoint.name()), grant: it.grant.as_deref() };
            let answer = Scripted {
                status: it.status.code(),
                error: it.error.as_ref().map(|error| error.value.as_str()),
                body: it.body.as_ref().map(|body| &body.value),
                content_type: it.content_type.as_deref(),
                headers: Some(&it.headers),
                retry_after: it.retry_after.as_ref(),
            };
            (place, Box::new(move || act(Act::Answer(answer.answer(LinkEnd::Idp, controls)))))
        }
        Action::IdpRateLimit(it) => {
            let place = Place { on: LinkEnd::Idp, at: Some(it.endpoint.name()), grant: it.grant.as_deref() };
            let come_back = it.retry_after.as_ref();
            (place, Box::new(move || controls.too_many_requests(served.at(place), come_back)))
        }
        Action::IdpDelay(it) => {
            let place = Place { on: LinkEnd::Idp, at: Some(it.endpoint.name()), grant: it.grant.as_deref() };
            (place, Box::new(|| late(it.by.longest().to_std())))
        }
        Action::IdpDropReply(it) => {
            let place = Place { on: LinkEnd::Idp, at: Some(it.endpoint.name()), grant: it.grant.as_deref() };
            (place, Box::new(move || act(Act::DropReply)))
        }
        Action::IdpAlter(it) => {
            let place = Place { on: LinkEnd::Idp, at: Some(it.endpoint.name()), grant: it.grant.as_deref() };
            let set = it.set.iter().map(|(field, value)| change(&field.value, Some(value.value.as_json())));
            let changes = set.chain(it.omit.iter().map(|field| change(&field.value, None))).collect();
            (place, Box::new(move || act(Act::Alter(changes))))
        }
        Action::ApiRespond(it) => {
            let place = Place { on: LinkEnd::Api, at: it.route.as_ref().map(|route| &*route.value), grant: None };
            let answer = Scripted {
                status: it.status.code(),
                error: it.error.as_ref().map(|error| error.value.as_str()),
                body: it.body.as_ref().map(|body| &body.value),
                content_type: it.content_type.as_deref(),
                headers: Some(&it.headers),
                retry_after: it.retry_after.as_ref(),
            };
            (place, Box::new(move || act(Act::Answer(answer.answer(LinkEnd::Api, controls)))))
        }
        Action::ApiDelay(it) => {
            let place = Place { on: LinkEnd::Api, at: it.route.as_ref().map(|route| &*route.value), grant: None };
            (place, Box::new(|| late(it.by.longest().to_std())))
        }
        Action::ApiDropReply(it) => {
            let place = Place { on: LinkEnd::Api, at: it.route.as_ref().map(|route| &*route.value), grant: None };
            (place, Box::new(move || act(Act::DropReply)))
        }
        _ => return None,
    };
    // What is answered instead of being processed is decided as the request arrives.
    let instead = matches!(action, Action::IdpRespond(_) | Action::IdpRateLimit(_) | Action::ApiRespond(_));
    place.holds(event, instead).then(directive)
}

/// How many requests of each endpoint and grant the identity provider has processed: what a limit that is said to be
/// reached must have been.
#[derive(Default)]
pub(super) struct Served(BTreeMap<(String, Option<String>), u32>);

impl Served {
    /// Counts what `event` reports, of which this becomes.
    pub(super) fn count(&mut self, event: &Event, directive: &Directive) {
        if let Event::IdpRequest(request) = event
            && directive.act.processes()
        {
            *self.0.entry((request.endpoint.clone(), request.grant.clone())).or_default() += 1;
        }
    }

    fn at(&self, place: Place<'_>) -> u32 {
        let here = self.0.iter().filter(|((endpoint, grant), _)| place.takes(Some(endpoint), grant.as_deref()));
        here.map(|(_, served)| served).sum()
    }
}

fn change(field: &str, value: Option<serde_json::Value>) -> FieldChange {
    FieldChange { field: field.to_owned(), value }
}

fn late(delay: Duration) -> Directive {
    Directive { delay, ..Directive::default() }
}

impl Place<'_> {
    /// Whether `event` is a request here, or the reply to one, as `arriving` says.
    fn holds(self, event: &Event, arriving: bool) -> bool {
        let (on, arrives, at, grant) = match event {
            Event::IdpRequest(request) => (LinkEnd::Idp, true, Some(&*request.endpoint), request.grant.as_deref()),
            Event::IdpResponse(reply) => {
                (LinkEnd::Idp, false, Some(&*reply.request.endpoint), reply.request.grant.as_deref())
            }
            Event::ApiRequest(request) => (LinkEnd::Api, true, request.route.as_deref(), None),
            Event::ApiResponse(reply) => (LinkEnd::Api, false, reply.request.route.as_deref(), None),
            _ => return false,
        };
        self.on == on && arrives == arriving && self.takes(at, grant)
    }

    fn takes(self, at: Option<&str>, grant: Option<&str>) -> bool {
        self.at.is_none_or(|wanted| at == Some(wanted)) && self.grant.is_none_or(|wanted| grant == Some(wanted))
    }
}

/// A call, by who numbers it: the gate has numbers of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Numbered {
    Http(Call),
    Gate(Call),
}

/// The call whose reply is about to leave.
pub(super) fn leaving(event: &Event) -> Option<Numbered> {
    match event {
        Event::IdpResponse(reply) => Some(Numbered::Http(reply.request.call)),
        Event::ApiResponse(reply) => Some(Numbered::Http(reply.request.call)),
        Event::GateRpcDone { call, .. } => Some(Numbered::Gate(*call)),
        _ => None,
    }
}

/// The call that has just arrived.
pub(super) fn arriving(event: &Event) -> Option<Numbered> {
    match event {
        Event::IdpRequest(request) => Some(Numbered::Http(request.call)),
        Event::ApiRequest(request) => Some(Numbered::Http(request.call)),
        Event::GateRpc { call, .. } => Some(Numbered::Gate(*call)),
        _ => None,
    }
}

/// An answer as a scenario file writes it.
struct Scripted<'a> {
    status: u16,
    error: Option<&'a str>,
    body: Option<&'a Value>,
    content_type: Option<&'a str>,
    headers: Option<&'a Entries<String>>,
    retry_after: Option<&'a RetryAfter>,
}

impl Scripted<'_> {
    fn answer(&self, on: LinkEnd, controls: &dyn Controls) -> Answer {
        let mut headers = Vec::new();
        let mut header = |name: &str, value: String| headers.push((name.to_owned(), value));
        let (body, content_type) = match (self.error, self.body) {
            (Some(error), _) => {
                if on == LinkEnd::Api {
                    header("www-authenticate", format!(r#"Bearer realm="api", error="{error}""#));
                }
                (serde_json::json!({ "error": error }).to_string(), "application/json")
            }
            (None, Some(Value::Text(text))) => (text.clone(), "text/plain"),
            (None, Some(value)) => (value.as_json().to_string(), "application/json"),
            (None, None) => (String::new(), ""),
        };
        let content_type = self.content_type.unwrap_or(content_type);
        if !content_type.is_empty() {
            header("content-type", content_type.to_owned());
        }
        match self.retry_after {
            None => {}
            Some(RetryAfter::Seconds(seconds)) => header("retry-after", seconds.to_string()),
            Some(RetryAfter::Raw(text)) => header("retry-after", text.clone()),
            Some(RetryAfter::Date(from_now)) => {
                let clock = if on == LinkEnd::Idp { Clock::Idp } else { Clock::Api };
                let now_s = controls.now_ms(clock).div_euclid(1000);
                let wait_s = i64::try_from(from_now.as_millis().div_ceil(1000)).unwrap_or(i64::MAX);
                header("date", http_date(now_s));
                header("retry-after", http_date(now_s.saturating_add(wait_s)));
            }
        }
        for (name, value) in self.headers.into_iter().flat_map(Entries::iter) {
            header(&name.value, value.value.clone());
        }
        Answer { status: self.status, headers, body }
    }
}

/// IMF-fixdate (RFC 9110 §5.6.7).
fn http_date(second: i64) -> String {
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
