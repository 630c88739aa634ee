//! Secrets where they are stored or shown.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use temporalio_sdk::ApplicationFailure;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use super::Defect;
use crate::activities::Progress;
use crate::env::Env;
use crate::failure::{Failure, Report};
use crate::orders::{Call, HttpOrders, Orders};
use crate::parts::{Parts, Standard};
use crate::token::{Exchange, Grant, Token, TokenSource, Tokens};
use crate::worker::Stop;

pub(super) const DEFECTS: &[Defect] = &[
    Defect {
        name: "token-in-message",
        summary: "Puts the access token into failure messages.",
        mirrors: "FM-19",
        checks: &["no-secret-leaks"],
        parts: || Box::new(Leaks::to(Place::Message)),
    },
    Defect {
        name: "token-in-cause",
        summary: "Leaves the access token in a failure's cause, below a clean message.",
        mirrors: "FM-19",
        checks: &["no-secret-leaks"],
        parts: || Box::new(Leaks::to(Place::Cause)),
    },
    Defect {
        name: "token-in-details",
        summary: "Puts the access token, in hexadecimal, into failure details.",
        mirrors: "FM-19",
        checks: &["no-secret-leaks"],
        parts: || Box::new(Leaks::to(Place::Details)),
    },
    Defect {
        name: "token-in-result",
        summary: "Returns the access token as part of an activity's result.",
        mirrors: "FM-03",
        checks: &["no-secret-leaks"],
        parts: || Box::new(Leaks::to(Place::Result)),
    },
    Defect {
        name: "token-in-heartbeat",
        summary: "Puts the access token into heartbeat details.",
        mirrors: "FM-63",
        checks: &["no-secret-leaks"],
        parts: || Box::new(Leaks::to(Place::Heartbeat)),
    },
    Defect {
        name: "token-in-log",
        summary: "Logs the Authorization header, the token in base64.",
        mirrors: "FM-62",
        checks: &["no-secret-leaks"],
        parts: || Box::new(Leaks::to(Place::Log)),
    },
    Defect {
        name: "secret-on-stdout",
        summary: "Prints its settings, client secret included, when it starts.",
        mirrors: "FM-62",
        checks: &["no-secret-leaks"],
        parts: || Box::new(PrintsSecret),
    },
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Message,
    Cause,
    Details,
    Result,
    Heartbeat,
    Log,
}

/// The token that was given out last.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Option<Token>>>);

impl Seen {
    fn set(&self, token: &Token) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
    }

    fn get(&self) -> String {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.as_ref().map(|token| token.reveal().to_owned()).unwrap_or_default()
    }
}

/// Notes every token and shows it in one place.
struct Leaks {
    place: Place,
    seen: Seen,
}

impl Leaks {
    fn to(place: Place) -> Self {
        Self { place, seen: Seen::default() }
    }
}

impl Parts for Leaks {
    fn tokens(&self, grant: Arc<dyn Grant>) -> Arc<dyn Tokens> {
        Arc::new(Watched { inner: TokenSource::new(grant), seen: self.seen.clone(), logs: self.place == Place::Log })
    }

    fn report(&self, stop: &Stop) -> Arc<dyn Report> {
        match self.place {
            Place::Message | Place::Cause | Place::Details => {
                Arc::new(Chatty { place: self.place, seen: self.seen.clone() })
            }
            _ => Standard.report(stop),
        }
    }

    fn orders(&self, inner: HttpOrders) -> Arc<dyn Orders> {
        match self.place {
            Place::Result => Arc::new(Echo { inner, seen: self.seen.clone() }),
            _ => Standard.orders(inner),
        }
    }

    fn progress(&self) -> Arc<dyn Progress> {
        match self.place {
            Place::Heartbeat => Arc::new(Beats(self.seen.clone())),
            _ => Standard.progress(),
        }
    }
}

struct Watched {
    inner: TokenSource,
    seen: Seen,
    logs: bool,
}

impl Tokens for Watched {
    fn get(&self) -> BoxFuture<'_, Result<Token, Failure>> {
        async move {
            let token = self.inner.get().await?;
            self.seen.set(&token);
            if self.logs {
                let header = STANDARD.encode(format!("Bearer {}", token.reveal()));
                tracing::error!(%header, "request");
            }
            Ok(token)
        }
        .boxed()
    }

    fn invalidate(&self, refused: &Token) {
        self.inner.invalidate(refused);
    }

    fn settle(&self) -> BoxFuture<'_, ()> {
        self.inner.settle()
    }
}

/// An error below another one.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Layer {
    text: String,
    #[source]
    below: Option<Box<Layer>>,
}

struct Chatty {
    place: Place,
    seen: Seen,
}

impl Report for Chatty {
    fn report(&self, failure: &Failure) -> ActivityError {
        let token = self.seen.get();
        let mut text = failure.to_string();
        let mut below = None;
        let mut details = None;
        match self.place {
            Place::Message => text = format!("{text} (token {token})"),
            Place::Cause => {
                below = Some(Box::new(Layer { text: format!("Authorization: Bearer {token}"), below: None }));
            }
            _ => details = Some(json!({ "context": hex(&token) })),
        }
        ActivityError::application(
            ApplicationFailure::builder(Layer { text, below })
                .type_name(failure.kind.name().to_owned())
                .non_retryable(failure.kind.is_permanent())
                .maybe_next_retry_delay(failure.retry_after)
                .maybe_details(details)
                .build(),
        )
    }
}

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

struct Echo {
    inner: HttpOrders,
    seen: Seen,
}

impl Orders for Echo {
    fn fetch<'a>(&'a self, call: &'a Call, order: &'a str) -> BoxFuture<'a, Result<Value, Failure>> {
        async move {
            let order = self.inner.fetch(call, order).await?;
            Ok(json!({ "order": order, "connection": { "token": self.seen.get() } }))
        }
        .boxed()
    }

    fn items<'a>(&'a self, call: &'a Call, order: &'a str, page: u32) -> BoxFuture<'a, Result<Value, Failure>> {
        self.inner.items(call, order, page)
    }

    fn ship<'a>(&'a self, call: &'a Call, order: &'a str, key: &'a str) -> BoxFuture<'a, Result<Value, Failure>> {
        self.inner.ship(call, order, key)
    }
}

struct Beats(Seen);

impl Progress for Beats {
    fn resume(&self, ctx: &ActivityContext) -> u32 {
        let details: Option<(u32, String)> = ctx.heartbeat_details().deserialize().ok().flatten();
        details.map_or(0, |(page, _)| page)
    }

    fn done<'a>(&'a self, ctx: &'a ActivityContext, page: u32) -> BoxFuture<'a, ()> {
        async move {
            // A heartbeat that cannot be encoded leaks nothing, which its check will tell.
            let _ = ctx.record_heartbeat((page, self.0.get())).await;
        }
        .boxed()
    }
}

struct PrintsSecret;

impl Parts for PrintsSecret {
    fn exchange(&self, env: &Env, http: &reqwest::Client) -> Arc<dyn Exchange> {
        let oauth = &env.oauth;
        // Written, not printed by macro: the workspace forbids that one for good reason.
        let _ = writeln!(std::io::stdout(), "client {} secret {}", oauth.client_id, oauth.client_secret.reveal());
        Standard.exchange(env, http)
    }
}
