//! Effects that happen twice, or not at all, and reads that do not.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::Defect;
use crate::failure::Failure;
use crate::orders::{Call, HttpOrders, IdempotencyKeys, Orders};
use crate::parts::Parts;

pub(super) const DEFECTS: &[Defect] = &[
    Defect {
        name: "new-key-per-attempt",
        summary: "Makes a new idempotency key for each attempt.",
        mirrors: "FM-46",
        checks: &["effect-once"],
        parts: || Box::new(KeyPerAttempt),
    },
    Defect {
        name: "ships-twice",
        summary: "Ships again, under another key, in every attempt after the first.",
        mirrors: "FM-21",
        checks: &["effect-once"],
        parts: || Box::new(ShipsTwice),
    },
    Defect {
        name: "pretends-success",
        summary: "Reports a shipment as done when it failed.",
        mirrors: "FM-38",
        checks: &["effect-once", "recovers"],
        parts: || Box::new(Pretends),
    },
    Defect {
        name: "skips-failed-page",
        summary: "Takes a page that could not be read for an empty one, and goes on.",
        mirrors: "FM-38",
        checks: &["nothing-skipped"],
        parts: || Box::new(SkipsPages),
    },
];

struct KeyPerAttempt;

impl Parts for KeyPerAttempt {
    fn keys(&self) -> Arc<dyn IdempotencyKeys> {
        Arc::new(Self)
    }
}

impl IdempotencyKeys for KeyPerAttempt {
    fn key(&self, call: &Call) -> String {
        format!("{}/{}/{}", call.workflow_id, call.activity_id, call.attempt)
    }
}

type Shipped<'a> = BoxFuture<'a, Result<Value, Failure>>;
type Ship = for<'a> fn(&'a HttpOrders, &'a Call, &'a str, &'a str) -> Shipped<'a>;

/// The correct API client but for shipping.
struct Shipper {
    inner: HttpOrders,
    ship: Ship,
}

impl Orders for Shipper {
    fn fetch<'a>(&'a self, call: &'a Call, order: &'a str) -> Shipped<'a> {
        self.inner.fetch(call, order)
    }

    fn items<'a>(&'a self, call: &'a Call, order: &'a str, page: u32) -> Shipped<'a> {
        self.inner.items(call, order, page)
    }

    fn ship<'a>(&'a self, call: &'a Call, order: &'a str, key: &'a str) -> Shipped<'a> {
        (self.ship)(&self.inner, call, order, key)
    }
}

struct ShipsTwice;

impl Parts for ShipsTwice {
    fn orders(&self, inner: HttpOrders) -> Arc<dyn Orders> {
        Arc::new(Shipper { inner, ship: twice_on_retry })
    }
}

fn twice_on_retry<'a>(inner: &'a HttpOrders, call: &'a Call, order: &'a str, key: &'a str) -> Shipped<'a> {
    async move {
        if call.attempt > 1 {
            inner.ship(call, order, &format!("{key}/again")).await?;
        }
        inner.ship(call, order, key).await
    }
    .boxed()
}

struct Pretends;

impl Parts for Pretends {
    fn orders(&self, inner: HttpOrders) -> Arc<dyn Orders> {
        Arc::new(Shipper { inner, ship: pretend })
    }
}

fn pretend<'a>(inner: &'a HttpOrders, call: &'a Call, order: &'a str, key: &'a str) -> Shipped<'a> {
    async move {
        let shipped = inner.ship(call, order, key).await;
        Ok(shipped.unwrap_or_else(|_| json!({ "shipped": order })))
    }
    .boxed()
}

struct SkipsPages;

impl Parts for SkipsPages {
    fn orders(&self, inner: HttpOrders) -> Arc<dyn Orders> {
        Arc::new(Skipper(inner))
    }
}

/// The correct API client but for pages.
struct Skipper(HttpOrders);

impl Orders for Skipper {
    fn fetch<'a>(&'a self, call: &'a Call, order: &'a str) -> Shipped<'a> {
        self.0.fetch(call, order)
    }

    fn items<'a>(&'a self, call: &'a Call, order: &'a str, page: u32) -> Shipped<'a> {
        async move { Ok(self.0.items(call, order, page).await.unwrap_or_else(|_| json!({ "items": [] }))) }.boxed()
    }

    fn ship<'a>(&'a self, call: &'a Call, order: &'a str, key: &'a str) -> Shipped<'a> {
        self.0.ship(call, order, key)
    }
}
