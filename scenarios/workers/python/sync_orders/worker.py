"""Puts the parts together, polls, and stops when asked."""

import asyncio
import signal
from datetime import timedelta

from temporalio.client import Client
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.worker import PollerBehaviorSimpleMaximum, Worker

from .activities import OrderActivities
from .frontend_key import follow_key, read_key
from .grant import ClientCredentials, Grant, Refresh
from .orders import Orders
from .reporting import TypedFailures
from .settings import Settings
from .token_endpoint import TokenEndpoint
from .token_file import RefreshTokenFile
from .token_source import TokenSource
from .workflow import SyncOrders


async def run(settings: Settings) -> None:
    """Runs the worker until SIGTERM or SIGINT; then running activities and grants finish. Raises what ended it."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    endpoint = TokenEndpoint(settings.oauth, settings.http_timeout)
    file = settings.oauth.refresh_token_file
    grant: Grant = Refresh(endpoint, RefreshTokenFile(file)) if file else ClientCredentials(endpoint)
    tokens = TokenSource(grant)
    orders = Orders(settings.api_url, tokens, settings.http_timeout)
    following: asyncio.Task[None] | None = None
    try:
        client = await _connect(settings)
        if settings.temporal_api_key_file:
            following = asyncio.create_task(follow_key(settings.temporal_api_key_file, client))
        # Leaving the block shuts down gracefully; a worker that ends by itself interrupts the wait and raises.
        async with _worker(client, settings.task_queue, OrderActivities(orders)):
            await stop.wait()
    finally:
        if following:
            following.cancel()
        await tokens.settle()
        await orders.aclose()
        await endpoint.aclose()


async def _connect(settings: Settings) -> Client:
    file = settings.temporal_api_key_file
    key = read_key(file) if file else settings.temporal_api_key
    return await Client.connect(
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        api_key=key.reveal() if key else None,
        tls=settings.temporal_tls,
        # Worker heartbeats to the server are for its user interface only; nothing here needs the extra calls.
        runtime=Runtime(telemetry=TelemetryConfig(), worker_heartbeat_interval=None),
    )


def _worker(client: Client, task_queue: str, activities: OrderActivities) -> Worker:
    return Worker(
        client,
        task_queue=task_queue,
        workflows=[SyncOrders],
        activities=[activities.fetch_order, activities.list_items, activities.ship_order],
        interceptors=[TypedFailures()],
        # The default is a checksum over all loaded modules: a good part of the start.
        build_id="sync-orders-1",
        # Pinned: left open, the namespace may turn on autoscaling.
        workflow_task_poller_behavior=PollerBehaviorSimpleMaximum(2),
        activity_task_poller_behavior=PollerBehaviorSimpleMaximum(2),
        # How much progress a killed worker may lose; the default is most of the heartbeat timeout.
        max_heartbeat_throttle_interval=timedelta(milliseconds=200),
        graceful_shutdown_timeout=timedelta(seconds=5),
    )
