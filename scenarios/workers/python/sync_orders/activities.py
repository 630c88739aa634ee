"""The activities: thin, so that everything that can go wrong lies in parts that are tested alone."""

from dataclasses import dataclass
from typing import Any

from temporalio import activity

from .orders import Call, Orders


@dataclass
class OrderInput:
    """What `FetchOrder` and `ShipOrder` get."""

    order: str


@dataclass
class ItemsInput:
    """What `ListItems` gets."""

    order: str
    pages: int


class OrderActivities:
    """The activities and what they are made of."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    @activity.defn(name="FetchOrder")
    async def fetch_order(self, input: OrderInput) -> Any:
        """Reads an order."""
        return await self._orders.fetch(_call(), input.order)

    @activity.defn(name="ListItems")
    async def list_items(self, input: ItemsInput) -> int:
        """Reads all pages of an order's items. A retry goes on after the last page that was reported; a cancelled
        activity stops at once, because the SDK cancels its task when a heartbeat brings the news."""
        done = activity.info().heartbeat_details
        for page in range((done[0] if done else 0) + 1, input.pages + 1):
            await self._orders.items(_call(), input.order, page)
            # The number and nothing else: details are stored in plain text.
            activity.heartbeat(page)
        return input.pages

    @activity.defn(name="ShipOrder")
    async def ship_order(self, input: OrderInput) -> Any:
        """Ships an order, once, however often it is attempted."""
        return await self._orders.ship(_call(), input.order)


def _call() -> Call:
    info = activity.info()
    return Call(info.workflow_id or "", info.activity_id)
