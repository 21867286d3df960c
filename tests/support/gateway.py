"""The gateway, serving on a port of its own in a thread of the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from stockfold.runtime.embedded import ports
from stockfold.runtime.settings import Settings
from stockfold_services.gateway.main import run
from tests.support.kafka_io import wait_for
from tests.support.running_ledger import running

AsyncRun = Callable[[Settings, asyncio.Event], Awaitable[None]]
BATCH = "application/cloudevents-batch+json"
STRUCTURED = "application/cloudevents+json"
NOW = "2026-11-20T12:00:00Z"


def in_thread(run: AsyncRun) -> Callable[[Settings, threading.Event], None]:
    """An asyncio service as one that runs in a thread."""

    def work(given: Settings, stop: threading.Event) -> None:
        async def body() -> None:
            ended = asyncio.Event()
            serving = asyncio.create_task(run(given, ended))
            waiting = asyncio.create_task(asyncio.to_thread(stop.wait))
            await asyncio.wait((serving, waiting), return_when=asyncio.FIRST_COMPLETED)
            ended.set()
            await serving

        asyncio.run(body())

    return work


@contextmanager
def gateway(settings: Settings, *, ready: bool = True, **section: Any) -> Iterator[httpx.Client]:
    """A client of a gateway that serves while the block runs, and must not fail meanwhile.

    ``ready`` waits until it knows the keys, which it never does without Kafka.
    """
    with served(run, "gateway", settings, ready=ready, **section) as client:
        yield client


@contextmanager
def served(
    run: AsyncRun, name: str, settings: Settings, *, ready: bool = True, **section: Any
) -> Iterator[httpx.Client]:
    """The same for any service that is reached over HTTP; ``name`` is its section's."""
    port = ports.free_port()
    update = getattr(settings, name).model_copy(update={"port": port, **section})
    with (
        running(in_thread(run), settings.model_copy(update={name: update})),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client,
    ):
        wait_for(f"the {name}", lambda: ports.answers(port))
        wait_for("its readiness", lambda: not ready or client.get("/readyz").is_success)
        yield client


def event(sku: str = "SKU-1", **changes: Any) -> dict[str, Any]:
    """A receipt of five units as a structured CloudEvent; None leaves an attribute out."""
    data = {"sku": sku, "location": "DC", "quantity": 5, **changes.pop("data", {})}
    told = {
        "specversion": "1.0",
        "id": f"grn-{sku}",
        "source": "/erp/main",
        "type": "stockfold.GoodsReceived",
        "time": NOW,
        "data": data,
        **changes,
    }
    return {name: value for name, value in told.items() if value is not None}
