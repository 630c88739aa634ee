//! What a test can learn of what has happened.

use std::time::Duration;

use super::Idp;
use crate::audit::{AuditEvent, Counter, RequestFilter, RequestRecord, TooFew};

impl Idp {
    /// The recorded requests that `filter` takes, the oldest first. The newest [`Config::records`](crate::Config) are
    /// kept, back to the last reset.
    pub fn requests(&self, filter: &RequestFilter) -> Vec<RequestRecord> {
        self.0.audit.requests(filter)
    }

    /// How many requests came since the last reset that are no longer kept. While it is 0, [`Idp::requests`] has all.
    pub fn forgotten_requests(&self) -> u64 {
        self.0.audit.forgotten()
    }

    /// Forgets recorded requests and counters, as a reset does.
    pub fn forget_requests(&self) {
        self.0.audit.forget_requests();
    }

    /// How many requests of which endpoint were answered with which status since the last reset.
    pub fn counters(&self) -> Vec<Counter> {
        self.0.audit.counters()
    }

    /// Waits for the nth request (from 1) that `filter` takes, among those that are kept and those to come.
    ///
    /// ```
    /// # use mock_idp::{Config, Endpoint, Idp, RequestFilter, Stage};
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let idp = Idp::new(Config::default());
    /// let refused = RequestFilter { status: Some(401), stage: Some(Stage::Done), ..RequestFilter::on(Endpoint::Token) };
    /// let none = idp.nth_request(&refused, 1, Duration::ZERO).await.expect_err("nobody asked");
    /// assert_eq!((none.wanted, none.came), (1, 0));
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If fewer came within that time.
    pub async fn nth_request(
        &self,
        filter: &RequestFilter,
        nth: u64,
        within: Duration,
    ) -> Result<RequestRecord, TooFew> {
        self.0.audit.nth(filter, nth, within).await
    }

    /// The audit log after the event of this number, the oldest first; 0 gives all that is kept. A first number that
    /// is not the next one says that events in between are no longer kept.
    pub fn audit_log(&self, after: u64) -> Vec<AuditEvent> {
        self.0.audit.events(after)
    }

    /// Number of the newest audit event; 0 before the first.
    pub fn last_audit_event(&self) -> u64 {
        self.0.audit.last()
    }

    /// As [`Idp::audit_log`], but waits until there is something.
    pub async fn next_audit_events(&self, after: u64) -> Vec<AuditEvent> {
        self.0.audit.event_after(after).await;
        self.audit_log(after)
    }
}
