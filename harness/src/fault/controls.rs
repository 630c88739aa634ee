//! What a fault can do to the lab.

use std::time::Duration;

use crate::journal::{Clock, Effect, Instance, TokenKind, TokenName};

/// The lab's own handles, as faults see them.
///
/// Every call is made under the journal's lock: it changes state at once and never waits. What takes time (a process
/// that has to die) is returned as an [`Effect`], which the reporting part awaits before it goes on.
pub trait Controls: Send {
    /// Moves the clocks of identity provider, API and workers together: honest passing of time.
    fn pass_time(&mut self, by: Duration) -> Option<Effect>;

    /// How far the identity provider's clock is from just past the expiry of `token`, or of the token that expires
    /// last if none is named; `None` if nothing is left to expire.
    fn until_expiry(&self, token: Option<&TokenName>) -> Option<Duration>;

    /// Moves one clock by `by_ms` milliseconds, relative to where it stands.
    fn skew(&mut self, clock: Clock, by_ms: i64) -> Option<Effect>;

    /// Ends tokens before their time.
    fn revoke(&mut self, what: &Revocation);

    /// The identity provider knows this client no longer; with `None`, none of the scenario's clients.
    fn disable_client(&mut self, client: Option<&str>);

    /// The API refuses this token value from now on, whatever its issuer says (FM-20).
    fn refuse_at_api(&mut self, token: &TokenName);

    /// Breaks a link.
    fn break_link(&mut self, end: LinkEnd, fault: LinkFault);

    /// Makes a link whole again.
    fn mend_link(&mut self, end: LinkEnd);

    /// Kills a worker instance with SIGKILL; without a name, all of them.
    fn kill_worker(&mut self, instance: Option<&Instance>) -> Effect;
}

/// Which tokens die.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revocation {
    /// This one; of a refresh token its access tokens live on unless reuse detection says otherwise.
    Token(TokenName),
    /// The newest live one of a kind.
    Newest(TokenKind),
    /// All of a kind.
    All(TokenKind),
    /// All that speak for a subject.
    Subject(String),
}

/// Which link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkEnd {
    /// Between workers and the identity provider.
    Idp,
    /// Between workers and the protected API.
    Api,
    /// Between workers and the Temporal frontend.
    Temporal,
}

/// How a link is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkFault {
    /// Refuses connections and resets what is open.
    Refuse,
    /// Resets what is open, once.
    Reset,
    /// Holds bytes back for so long.
    Latency(Duration),
}
