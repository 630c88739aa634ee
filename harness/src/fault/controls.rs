//! What a fault can do to the lab.

use std::num::NonZeroU32;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::operation::Operation;
use crate::journal::{Clock, Directive, Effect, TokenKind, TokenName};
use crate::scenario::{LinkEnd, RetryAfter};

/// The lab's own handles, as faults see them.
///
/// Every call is made under the journal's lock: it changes state at once and never waits. What takes time (a process
/// that has to die) is returned as an [`Effect`], which the reporting part awaits before it goes on; it comes about
/// whether or not anybody awaits it.
///
/// Workers are named as scenario files name them: `w1` is every generation of that worker, `w1.2` is one of them, and
/// no name is all of them.
pub trait Controls: Send {
    /// Whether the reporting parts do what a [`Directive`](crate::journal::Directive) says. If not, none is given.
    fn directs_replies(&self) -> bool {
        true
    }

    /// What a server's clock shows, in milliseconds since the Unix epoch.
    fn now_ms(&self, _clock: Clock) -> i64 {
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(real.as_millis()).unwrap_or(i64::MAX)
    }

    /// What the identity provider says to one request too many after so many, in the way of its dialect. When to come
    /// back is told only if it is given.
    fn too_many_requests(&self, after: u32, come_back: Option<&RetryAfter>) -> Directive;

    /// How far the identity provider's clock is from an expiry; `None` if nothing is left to expire.
    fn until_expiry(&self, of: Expiry<'_>) -> Option<Duration>;

    /// Moves the clocks of identity provider, API and workers together: honest passing of time.
    fn pass_time(&mut self, by: Duration);

    /// Lets so much time pass in reality, by the identity provider's clock.
    fn sit_out(&mut self, by: Duration) -> Effect;

    /// Moves one clock by `by_ms` milliseconds from where it stands.
    fn skew(&mut self, clock: Clock, by_ms: i64);

    /// One clock gains `ms_per_second` more in each second from now on. Once all gains of a clock are undone by their
    /// opposites, what it has gained is taken back.
    fn drift(&mut self, clock: Clock, ms_per_second: i64);

    /// Ends tokens before their time.
    fn revoke(&mut self, what: &Revocation);

    /// The identity provider knows this client no longer; with `None`, none of the scenario's clients.
    fn disable_client(&mut self, client: Option<&str>);

    /// The identity provider serves this client, or all of them, again.
    fn grant_access(&mut self, client: Option<&str>);

    /// Presents the refresh token that was rotated away last, of this client or of any, as a thief would.
    fn reuse_refresh_token(&mut self, client: Option<&str>);

    /// Access tokens that are issued from now on live so long; with `None`, as long as they did at first.
    fn set_lifetime(&mut self, lifetime: Option<TokenLifetime>);

    /// Another key signs from now on.
    fn rotate_keys(&mut self, keep_old: bool);

    /// The workers' client has a new secret, which workers that start later are given; the old one is good for so long.
    fn rotate_secret(&mut self, overlap: Duration);

    /// The gate asks for a bearer from now on, or does not.
    fn require_bearer(&mut self, required: bool);

    /// Open polls end, with this gRPC status or by a reset; the effect is that the server knows it.
    fn cut_polls(&mut self, code: Option<i32>) -> Effect;

    /// Connections to the frontend are closed in good order, and dropped after `grace`.
    fn go_away(&mut self, grace: Duration);

    /// The API refuses this token value from now on, whatever its issuer says (FM-20).
    fn refuse_at_api(&mut self, token: &TokenName);

    /// Breaks a link, also for workers that come later. Says whether it is broken now.
    fn break_link(&mut self, end: LinkEnd, fault: LinkFault) -> bool;

    /// Takes back one [`break_link`](Self::break_link).
    fn mend_link(&mut self, end: LinkEnd, fault: LinkFault);

    /// Kills workers with SIGKILL, descendants included.
    fn kill_worker(&mut self, instance: Option<&str>) -> Effect;

    /// Asks workers to end (SIGTERM), and kills those that still live after `notice`; the effect is that they were asked.
    fn stop_worker(&mut self, instance: Option<&str>, notice: Option<Duration>) -> Effect;

    /// Kills workers with SIGKILL, or [stops](Self::stop_worker) them if they are given notice, and has the next generation
    /// of each started once it has ended.
    fn restart_worker(&mut self, instance: Option<&str>, notice: Option<Duration>) -> Effect;

    /// Stops workers (SIGSTOP), descendants included, until as many [`resume_worker`](Self::resume_worker)s have come.
    fn freeze_worker(&mut self, instance: Option<&str>) -> Effect;

    /// Takes back one [`freeze_worker`](Self::freeze_worker). Polls that were parked meanwhile are ended first: the next
    /// task is for somebody who is awake.
    fn resume_worker(&mut self, instance: Option<&str>) -> Effect;
    /// Hurts the scenario's own Temporal server. The effect is that it is hurt; it comes back by itself. What becomes of it
    /// is recorded ([`Event::TemporalServer`](crate::journal::Event::TemporalServer)).
    fn hurt_server(&mut self, fault: ServerFault) -> Effect;

    /// Has Temporal's server do something to workflows. The effect is that it has answered, or that it was waited for long
    /// enough; either way [`Event::TemporalOperation`](crate::journal::Event::TemporalOperation) says so. Of several
    /// operations one is done after the other.
    fn operate(&mut self, operation: Operation) -> Effect;
}

/// Whose expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry<'a> {
    /// This token's.
    Token(&'a TokenName),
    /// That of the access token that lives and expires last: then all have expired.
    Last,
}

/// Which tokens die. All conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Which of those that fit.
    pub which: Which,
    /// Only of this kind.
    pub kind: Option<TokenKind>,
    /// Only those of this client.
    pub client: Option<String>,
    /// Only those that speak for this subject.
    pub subject: Option<String>,
}

/// Which of the tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// This one; of a refresh token its access tokens live on unless reuse detection says otherwise.
    This(TokenName),
    /// The one that was issued last and lives.
    Newest,
    /// All that live.
    All,
}

/// How long access tokens live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenLifetime {
    /// What `exp` says and validators go by.
    pub lives: Duration,
    /// What `expires_in` says, if not the truth.
    pub stated: Option<Duration>,
}

/// How a link is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkFault {
    /// Refuses connections and resets what is open.
    Refuse,
    /// Resets what is open, once.
    Reset,
    /// Lets no byte pass, either way.
    Blackhole,
    /// Lets no byte pass over what is open; mended, that is reset.
    HalfOpen,
    /// Holds bytes back for so long.
    Latency(Duration),
    /// Lets so many bytes pass per second, each way.
    Bandwidth(NonZeroU32),
}

/// What is done to Temporal's server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerFault {
    /// It is stopped.
    Pause,
    /// It goes on, if no other pause stands.
    Resume,
    /// It is ended in good order, and started again.
    Restart {
        /// How long after its end.
        down: Duration,
    },
    /// It is killed, and started again.
    Kill {
        /// How long after its end.
        down: Duration,
    },
}

/// Does nothing at all: a fault that fires and changes nothing. That no fault bites then is how its proof is proved.
#[derive(Debug, Clone, Copy, Default)]
pub struct Inert;

impl Controls for Inert {
    fn directs_replies(&self) -> bool {
        false
    }
    fn too_many_requests(&self, _: u32, _: Option<&RetryAfter>) -> Directive {
        Directive::proceed()
    }
    fn until_expiry(&self, _: Expiry<'_>) -> Option<Duration> {
        None
    }
    fn pass_time(&mut self, _: Duration) {}
    fn sit_out(&mut self, _: Duration) -> Effect {
        nothing()
    }
    fn skew(&mut self, _: Clock, _: i64) {}
    fn drift(&mut self, _: Clock, _: i64) {}
    fn revoke(&mut self, _: &Revocation) {}
    fn disable_client(&mut self, _: Option<&str>) {}
    fn grant_access(&mut self, _: Option<&str>) {}
    fn reuse_refresh_token(&mut self, _: Option<&str>) {}
    fn set_lifetime(&mut self, _: Option<TokenLifetime>) {}
    fn rotate_keys(&mut self, _: bool) {}
    fn rotate_secret(&mut self, _: Duration) {}
    fn require_bearer(&mut self, _: bool) {}
    fn cut_polls(&mut self, _: Option<i32>) -> Effect {
        nothing()
    }
    fn go_away(&mut self, _: Duration) {}
    fn refuse_at_api(&mut self, _: &TokenName) {}
    fn break_link(&mut self, _: LinkEnd, _: LinkFault) -> bool {
        false
    }
    fn mend_link(&mut self, _: LinkEnd, _: LinkFault) {}
    fn kill_worker(&mut self, _: Option<&str>) -> Effect {
        nothing()
    }
    fn stop_worker(&mut self, _: Option<&str>, _: Option<Duration>) -> Effect {
        nothing()
    }
    fn freeze_worker(&mut self, _: Option<&str>) -> Effect {
        nothing()
    }
    fn resume_worker(&mut self, _: Option<&str>) -> Effect {
        nothing()
    }
    fn restart_worker(&mut self, _: Option<&str>, _: Option<Duration>) -> Effect {
        nothing()
    }
    fn hurt_server(&mut self, _: ServerFault) -> Effect {
        nothing()
    }
    fn operate(&mut self, _: Operation) -> Effect {
        nothing()
    }
}

fn nothing() -> Effect {
    Box::pin(async {})
}
