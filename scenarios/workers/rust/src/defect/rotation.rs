//! Rotated refresh tokens handled wrongly. All of them need grant `refresh_token`; with another they change nothing.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, join};

use super::Defect;
use crate::env::OAuth;
use crate::failure::Failure;
use crate::parts::{Parts, Standard};
use crate::secret::Secret;
use crate::token::{Exchange, Grant, GrantRequest, RefreshTokenFile, Token};

pub(super) const DEFECTS: &[Defect] = &[
    Defect {
        name: "reads-before-lock",
        summary: "Reads the refresh token before it takes the lock, and does not look again.",
        mirrors: "FM-01",
        checks: &["single-redemption"],
        parts: || Box::new(Wrong(reads_before_lock)),
    },
    Defect {
        name: "redeems-twice",
        summary: "Redeems one refresh token in two requests at once.",
        mirrors: "FM-01",
        checks: &["single-redemption"],
        parts: || Box::new(Wrong(redeems_twice)),
    },
    Defect {
        name: "keeps-old-refresh-token",
        summary: "Presents its first refresh token for ever and saves no other.",
        mirrors: "FM-07",
        checks: &["single-redemption", "recovers"],
        parts: || Box::new(Wrong(keeps_old)),
    },
    Defect {
        name: "never-saves",
        summary: "Keeps the rotated refresh token in memory only, so that a restart presents the old one.",
        mirrors: "FM-07",
        checks: &["single-redemption", "recovers"],
        parts: || Box::new(Wrong(never_saves)),
    },
    Defect {
        name: "saves-late",
        summary: "Saves a rotated refresh token only when it needs the next one.",
        mirrors: "FM-07",
        checks: &["single-redemption", "recovers"],
        parts: || Box::new(Wrong(saves_late)),
    },
];

type Redeem = fn(Arc<Careless>) -> BoxFuture<'static, Result<Token, Failure>>;

struct Wrong(Redeem);

impl Parts for Wrong {
    fn grant(&self, oauth: &OAuth, exchange: Arc<dyn Exchange>) -> Arc<dyn Grant> {
        match &oauth.refresh_token_file {
            None => Standard.grant(oauth, exchange),
            Some(path) => Arc::new(By {
                state: Arc::new(Careless {
                    exchange,
                    path: path.clone(),
                    file: RefreshTokenFile::new(path),
                    memory: Mutex::default(),
                }),
                redeem: self.0,
            }),
        }
    }
}

struct By {
    state: Arc<Careless>,
    redeem: Redeem,
}

impl Grant for By {
    fn grant(&self) -> BoxFuture<'_, Result<Token, Failure>> {
        (self.redeem)(Arc::clone(&self.state))
    }
}

/// A refresh token in the file and perhaps another in memory.
struct Careless {
    exchange: Arc<dyn Exchange>,
    path: PathBuf,
    file: RefreshTokenFile,
    memory: Mutex<Option<Secret>>,
}

impl Careless {
    async fn present(&self, token: &Secret) -> Result<(Token, Secret), Failure> {
        let request = GrantRequest::RefreshToken(token.clone());
        let issued = self.exchange.exchange(request).await?;
        let next = issued.refresh_token.unwrap_or_else(|| token.clone());
        Ok((issued.access_token, next))
    }

    fn remembered(&self) -> Option<Secret> {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.clone()
    }

    fn remember(&self, token: Secret) {
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
    }
}

fn reads_before_lock(state: Arc<Careless>) -> BoxFuture<'static, Result<Token, Failure>> {
    async move {
        // The first time with the lock: workers that start together are not to break each other before anything happens.
        let stale = match state.remembered() {
            None => None,
            Some(_) => Some(std::fs::read_to_string(&state.path).map_err(|_| Failure::store("cannot read"))?),
        };
        let locked = state.file.lock().await?;
        let stale = stale.map_or_else(|| locked.read(), |text| Ok(Secret::new(text.trim())))?;
        let (access, next) = state.present(&stale).await?;
        locked.write(&next)?;
        state.remember(next);
        Ok(access)
    }
    .boxed()
}

fn redeems_twice(state: Arc<Careless>) -> BoxFuture<'static, Result<Token, Failure>> {
    async move {
        let locked = state.file.lock().await?;
        let token = locked.read()?;
        let (first, second) = join(state.present(&token), state.present(&token)).await;
        let (access, next) = first.or(second)?;
        locked.write(&next)?;
        Ok(access)
    }
    .boxed()
}

fn keeps_old(state: Arc<Careless>) -> BoxFuture<'static, Result<Token, Failure>> {
    async move {
        let token = match state.remembered() {
            Some(token) => token,
            None => state.file.lock().await?.read()?,
        };
        state.remember(token.clone());
        Ok(state.present(&token).await?.0)
    }
    .boxed()
}

fn never_saves(state: Arc<Careless>) -> BoxFuture<'static, Result<Token, Failure>> {
    async move {
        let token = match state.remembered() {
            Some(token) => token,
            None => state.file.lock().await?.read()?,
        };
        let (access, next) = state.present(&token).await?;
        state.remember(next);
        Ok(access)
    }
    .boxed()
}

fn saves_late(state: Arc<Careless>) -> BoxFuture<'static, Result<Token, Failure>> {
    async move {
        let locked = state.file.lock().await?;
        if let Some(token) = state.remembered() {
            locked.write(&token)?;
        }
        let (access, next) = state.present(&locked.read()?).await?;
        state.remember(next);
        Ok(access)
    }
    .boxed()
}
