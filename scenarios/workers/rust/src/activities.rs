//! The activities: thin, so that everything that can go wrong lies in parts that are tested alone.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::failure::Report;
use crate::orders::{Call, IdempotencyKeys, Orders};

/// What `FetchOrder` and `ShipOrder` get.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct OrderInput {
    /// The order's id.
    pub order: String,
}

/// What `ListItems` gets.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ItemsInput {
    /// The order's id.
    pub order: String,
    /// How many pages there are.
    pub pages: u32,
}

/// Where a long activity is, kept by Temporal from one attempt to the next.
pub trait Progress: Send + Sync {
    /// The pages that earlier attempts finished.
    fn resume(&self, ctx: &ActivityContext) -> u32;

    /// Reports that `page` is done.
    fn done<'a>(&'a self, ctx: &'a ActivityContext, page: u32) -> BoxFuture<'a, ()>;
}

/// The page number as heartbeat details, and nothing else: details are stored in plain text (FM-63).
#[derive(Clone, Copy, Debug, Default)]
pub struct PageNumber;

impl Progress for PageNumber {
    fn resume(&self, ctx: &ActivityContext) -> u32 {
        let details = ctx.heartbeat_details().deserialize();
        details.ok().flatten().unwrap_or(0)
    }

    fn done<'a>(&'a self, ctx: &'a ActivityContext, page: u32) -> BoxFuture<'a, ()> {
        async move {
            if ctx.record_heartbeat(page).await.is_err() {
                tracing::warn!("a heartbeat could not be encoded");
            }
        }
        .boxed()
    }
}

/// The activities and what they are made of.
pub struct OrderActivities {
    pub(crate) orders: Arc<dyn Orders>,
    pub(crate) keys: Arc<dyn IdempotencyKeys>,
    pub(crate) progress: Arc<dyn Progress>,
    pub(crate) report: Arc<dyn Report>,
}

fn call(ctx: &ActivityContext) -> Call {
    let info = ctx.info();
    Call {
        workflow_id: info.workflow_id.clone().unwrap_or_default(),
        activity_id: info.activity_id.clone(),
        attempt: info.attempt,
    }
}

#[activities]
impl OrderActivities {
    /// Reads an order.
    #[activity(name = "FetchOrder")]
    pub async fn fetch_order(self: Arc<Self>, ctx: ActivityContext, input: OrderInput) -> Result<Value, ActivityError> {
        self.orders.fetch(&call(&ctx), &input.order).await.map_err(|failure| self.report.report(&failure))
    }

    /// Reads all pages of an order's items. A retry goes on after the last page that was reported (FM-08); a cancelled
    /// activity stops at once.
    #[activity(name = "ListItems")]
    pub async fn list_items(self: Arc<Self>, ctx: ActivityContext, input: ItemsInput) -> Result<u32, ActivityError> {
        let call = call(&ctx);
        for page in self.progress.resume(&ctx) + 1..=input.pages {
            tokio::select! {
                biased;
                () = ctx.cancelled() => return Err(ActivityError::cancelled()),
                items = self.orders.items(&call, &input.order, page) => {
                    items.map_err(|failure| self.report.report(&failure))?;
                }
            }
            self.progress.done(&ctx, page).await;
        }
        Ok(input.pages)
    }

    /// Ships an order, once, however often it is attempted.
    #[activity(name = "ShipOrder")]
    pub async fn ship_order(self: Arc<Self>, ctx: ActivityContext, input: OrderInput) -> Result<Value, ActivityError> {
        let call = call(&ctx);
        let key = self.keys.key(&call);
        self.orders.ship(&call, &input.order, &key).await.map_err(|failure| self.report.report(&failure))
    }
}
