//! Misbehaviour without an observer of one's own: rules that answer, delay, drop or break off replies.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;

use crate::clock::Clock;
use crate::endpoint::Endpoint;
use crate::fault::{Act, Answer, Directive, FieldChange};
use crate::observe::{IdpEvent, Observer, Outcome, ReplySeen, RequestSeen};

/// What happens to which requests, how often or how long. Without [`Rule::times`] and [`Rule::lasting`] it holds until
/// it is removed; with both, until the first of them is over.
#[derive(Debug, Clone)]
#[must_use = "a rule does nothing before it is added"]
pub struct Rule {
    endpoint: Option<Endpoint>,
    client: Option<String>,
    directive: Directive,
    times: Option<u32>,
    lasting: Option<Duration>,
}

impl Rule {
    /// For requests of one endpoint.
    pub fn on(endpoint: Endpoint) -> Self {
        Self { endpoint: Some(endpoint), ..Self::everywhere() }
    }

    /// For every request, those included for which nothing is served.
    pub fn everywhere() -> Self {
        Self { endpoint: None, client: None, directive: Directive::proceed(), times: None, lasting: None }
    }

    /// Only for requests that claim to be from this client.
    pub fn client(self, client: impl Into<String>) -> Self {
        Self { client: Some(client.into()), ..self }
    }

    /// Answered so, without being processed.
    pub fn answer(self, answer: Answer) -> Self {
        self.act(Act::Answer(answer))
    }

    /// Answered with this status and nothing else, without being processed.
    pub fn status(self, status: u16) -> Self {
        self.answer(Answer { status, headers: Vec::new(), body: String::new() })
    }

    /// Refused with this `error` (RFC 6749 §5.2) and status, without being processed.
    pub fn error(self, status: u16, code: &str) -> Self {
        let headers = vec![("Cache-Control".to_owned(), "no-store".to_owned())];
        self.answer(Answer { status, headers, body: json!({"error": code}).to_string() })
    }

    /// Held back for so long, besides what else happens.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.directive.delay = delay;
        self
    }

    /// Processed; then the connection closes without a byte of reply.
    pub fn drop_reply(self) -> Self {
        self.act(Act::DropReply)
    }

    /// Processed; then the connection is reset in the middle of the reply.
    pub fn reset(self) -> Self {
        self.act(Act::Reset)
    }

    /// Processed; the reply's body ends after so many bytes.
    pub fn truncate(self, after: usize) -> Self {
        self.act(Act::Truncate(after))
    }

    /// Processed; the reply loses or changes these fields of its JSON body.
    pub fn alter(self, changes: impl IntoIterator<Item = FieldChange>) -> Self {
        self.act(Act::Alter(changes.into_iter().collect()))
    }

    /// For the next so many requests.
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// For so long from when it is added, by the identity provider's clock: moving that clock can end it.
    pub fn lasting(self, period: Duration) -> Self {
        Self { lasting: Some(period), ..self }
    }

    fn act(mut self, act: Act) -> Self {
        self.directive.act = act;
        self
    }

    fn matches(&self, seen: &RequestSeen) -> bool {
        self.endpoint.is_none_or(|endpoint| endpoint == seen.endpoint)
            && self.client.as_ref().is_none_or(|client| seen.client.as_ref() == Some(client))
    }
}

/// Names a rule that was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleId(u64);

/// Rules in front of another observer, which sees every request all the same: one that a rule answers it cannot
/// decide, and what it wants itself comes after the rule. Each request obeys the oldest rule that matches it.
///
/// Every [`Idp`](crate::Idp) has one of its own: [`Idp::rules`](crate::Idp::rules).
pub struct Rules {
    clock: Clock,
    next: Arc<dyn Observer>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    added: u64,
    rules: BTreeMap<RuleId, Armed>,
    /// What is left to do to the replies of open requests, by the number of the request.
    open: BTreeMap<u64, Directive>,
}

/// The rules at a moment.
#[derive(Clone, Default)]
pub(crate) struct Saved(BTreeMap<RuleId, Armed>);

#[derive(Clone)]
struct Armed {
    rule: Rule,
    ends_ms: Option<i64>,
}

impl Rules {
    /// No rules yet, in front of `next`. Periods go by `clock`.
    pub fn new(clock: Clock, next: Arc<dyn Observer>) -> Self {
        Self { clock, next, state: Mutex::default() }
    }

    /// From now on this rule holds, too.
    pub fn add(&self, rule: Rule) -> RuleId {
        let period = rule.lasting.map(|period| i64::try_from(period.as_millis()).unwrap_or(i64::MAX));
        let ends_ms = period.map(|period| self.clock.now_ms().saturating_add(period));
        let mut state = self.state();
        state.added += 1;
        let id = RuleId(state.added);
        state.rules.insert(id, Armed { rule, ends_ms });
        id
    }

    /// The rule holds no longer. Replies that are on their way keep what it said. Gives whether it still held.
    pub fn remove(&self, id: RuleId) -> bool {
        let now_ms = self.clock.now_ms();
        self.state().rules.remove(&id).is_some_and(|armed| armed.holds(now_ms))
    }

    /// No rule holds any longer.
    pub fn clear(&self) {
        self.state().rules.clear();
    }

    pub(crate) fn save(&self) -> Saved {
        Saved(self.state().rules.clone())
    }

    /// The rules are those of then. Replies that are on their way keep what was said of them.
    pub(crate) fn restore(&self, saved: &Saved) {
        self.state().rules.clone_from(&saved.0);
    }

    /// What the rules want of this request, counted.
    fn take(&self, seen: &RequestSeen) -> Directive {
        let now_ms = self.clock.now_ms();
        let mut state = self.state();
        state.rules.retain(|_, armed| armed.holds(now_ms));
        let Some(armed) = state.rules.values_mut().find(|armed| armed.rule.matches(seen)) else {
            return Directive::proceed();
        };
        armed.rule.times = armed.rule.times.map(|times| times - 1);
        armed.rule.directive.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Armed {
    fn holds(&self, now_ms: i64) -> bool {
        self.rule.times != Some(0) && self.ends_ms.is_none_or(|ends_ms| now_ms < ends_ms)
    }
}

impl Observer for Rules {
    fn request(&self, seen: &RequestSeen, decide: &mut dyn FnMut()) -> Outcome {
        let directive = self.take(seen);
        if directive.is_proceed() {
            return self.next.request(seen, decide);
        }
        if matches!(directive.act, Act::Answer(_)) {
            let outcome = self.next.request(seen, &mut || {});
            return Outcome { directive: directive.and(outcome.directive), before: outcome.before };
        }
        // The next observer may answer the request; what the rule wants is done to whatever the reply will be.
        self.state().open.insert(seen.number, directive);
        self.next.request(seen, decide)
    }

    fn event(&self, event: &IdpEvent) {
        self.next.event(event);
    }

    fn reply(&self, request: &RequestSeen, reply: &ReplySeen) -> Outcome {
        let outcome = self.next.reply(request, reply);
        match self.state().open.remove(&request.number) {
            Some(directive) => Outcome { directive: directive.and(outcome.directive), before: outcome.before },
            None => outcome,
        }
    }

    fn done(&self, request: &RequestSeen, delivered: bool) {
        self.state().open.remove(&request.number);
        self.next.done(request, delivered);
    }
}
