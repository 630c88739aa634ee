//! Seeing each request at the moment of its decision, and changing its reply.

use std::future::Future;
use std::pin::Pin;

use crate::endpoint::Endpoint;
use crate::fault::{Directive, Sent};
use crate::store::Which;
use crate::token::{Death, TokenFacts, TokenId};

/// What an observer wants.
#[derive(Default)]
pub struct Outcome {
    /// What becomes of the request or reply.
    pub directive: Directive,
    /// Is awaited before going on.
    pub before: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// A request, parsed, nothing decided.
#[derive(Debug, Clone)]
pub struct RequestSeen {
    /// Its number, from 1.
    pub number: u64,
    /// Name of the listener through which it came.
    pub listener: String,
    /// What it is for.
    pub endpoint: Endpoint,
    /// Method and path, as in `GET /oauth2/jwks`.
    pub target: String,
    /// `grant_type`, as sent.
    pub grant: Option<String>,
    /// The client that it claims to be from.
    pub client: Option<String>,
    /// The token that it presents, if it is one of ours.
    pub token: Option<TokenId>,
    /// `scope`, as sent.
    pub scope: Option<String>,
    /// `audience`, as sent: no parameter of a standard, but of several vendors.
    pub audience: Option<String>,
    /// Each `resource` (RFC 8707 §2), as sent.
    pub resources: Vec<String>,
}

/// A reply that is about to leave.
#[derive(Debug, Clone)]
pub struct ReplySeen {
    /// HTTP status.
    pub status: u16,
    /// `error` of RFC 6749 §5.2.
    pub error: Option<String>,
    /// What was wrong with the request, in a word, if it was refused: `wrong_secret`. It may say more than the client
    /// is told.
    pub cause: Option<String>,
    /// Why it was decided so.
    pub reason: Option<String>,
    /// Tokens in it.
    pub issued: Vec<TokenId>,
    /// `Retry-After`, as sent.
    pub retry_after: Option<String>,
    /// `Date`, as sent; `None` where it is left to the server, which adds the host's time.
    pub date: Option<String>,
}

/// A change of state.
#[derive(Debug, Clone)]
pub enum IdpEvent {
    /// A token was issued.
    Issued(Box<TokenFacts>),
    /// A token died.
    Died {
        /// Which.
        token: Box<TokenFacts>,
        /// How.
        death: Death,
    },
    /// Tokens were revoked of which nothing is kept that could be told one by one ([`Memory::Needed`](crate::Memory)).
    Revoked {
        /// Which.
        which: Which,
        /// Why.
        reason: String,
    },
    /// A key was made for the JWKS, which has it at once unless keys are late ([`Propagation`](crate::Propagation)).
    KeyAdded {
        /// Its id.
        kid: String,
    },
    /// Another key signs from now on.
    KeyRotated {
        /// Its id.
        kid: String,
    },
    /// Another key has this id from now on: what the one before signed does not verify by the new one.
    KeyReplaced {
        /// The id of both.
        kid: String,
    },
    /// A key is no longer of the JWKS.
    KeyRemoved {
        /// Its id.
        kid: String,
    },
    /// A step on a user's way to tokens.
    Authorization(Box<AuthorizationEvent>),
}

/// A step on a user's way to tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationEvent {
    /// What happened.
    pub step: AuthorizationStep,
    /// The client that asked for tokens.
    pub client: Option<String>,
    /// The user, if that is known.
    pub subject: Option<String>,
    /// Why, or how.
    pub reason: String,
}

/// What can happen on a user's way to tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorizationStep {
    /// A user signed in.
    SignedIn,
    /// A name or password was wrong.
    SignInRefused,
    /// A user allowed what a client asked for.
    Consented,
    /// A user said no, or could not be asked.
    Refused,
    /// A client got an authorization code.
    CodeIssued,
    /// A client got tokens for its authorization code.
    CodeRedeemed,
    /// An authorization code was presented again: what it gave is dead.
    CodeReused,
    /// A user signed out.
    SignedOut,
}

/// Sees what happens and may change replies. Calls come from many tasks at once.
pub trait Observer: Send + Sync {
    /// A request was parsed. The observer calls `decide` exactly once if the request shall be processed: all state
    /// changes and the whole decision happen in there, so that an observer which holds a lock around it gets requests
    /// and decisions in one order. If it does not call it, the outcome's act must be one that does
    /// not process ([`Act::processes`](crate::fault::Act::processes)).
    fn request(&self, seen: &RequestSeen, decide: &mut dyn FnMut()) -> Outcome {
        let _ = seen;
        decide();
        Outcome::default()
    }

    /// Something changed. Called within `decide`, or within a control call.
    fn event(&self, event: &IdpEvent) {
        let _ = event;
    }

    /// A reply is about to leave.
    fn reply(&self, request: &RequestSeen, reply: &ReplySeen) -> Outcome {
        let _ = (request, reply);
        Outcome::default()
    }

    /// The whole reply was handed to the connection, or it was lost.
    fn done(&self, request: &RequestSeen, sent: Sent) {
        let _ = (request, sent);
    }
}

/// Changes nothing.
#[derive(Debug, Clone, Copy)]
pub struct Passive;

impl Observer for Passive {}
