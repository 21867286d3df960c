"""``POST /v1/availability:batchGet`` of 1,000 SKUs on three channels, over HTTP.

The api runs in a process of its own, on an embedded PostgreSQL that the projector's own code has
filled. Run alone: ``python -m infra.bench.batch_get``.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import statistics
import tempfile
import time
from pathlib import Path

import httpx
import psutil
import uvloop
from infra.bench.spent import cpu_s
from rich.console import Console

from stockfold.contracts.codec import encode
from stockfold.contracts.topics import AVAILABILITY
from stockfold.runtime.embedded.ports import free_port
from stockfold.runtime.embedded.postgres import EmbeddedPostgres
from stockfold.runtime.http_server import serve_app
from stockfold.runtime.serve import keep_what_is_imported
from stockfold.runtime.settings import Settings
from stockfold_services.api.app import create_app
from stockfold_services.cli.running import interrupt_once
from stockfold_services.projector.batch import Batch, Consumed
from stockfold_services.projector.store import Store

SKUS = 20_000
"""In the tables."""
ASKED = 1_000
CHANNELS = ("amazon", "walmart", "woo-de")
CALLS = 200
WARM_UP = 20
START_S_MAX = 20.0
BATCH = 5_000


def _record(channel: str, sku: str, quantity: int) -> bytes:
    return encode(
        "stockfold.Availability",
        {
            "channel": channel,
            "sku": sku,
            "quantity": quantity,
            "status": "in_stock",
            "next_available": None,
            "lead_time_days": 2,
            "locations": [],
            "version": 1,
            "policy_revision": 1,
            "seq": 1,
            "steps": [{"what": "on_hand", "quantity": quantity, "detail": "on the shelf"}] * 4,
            "recorded_at": 1_800_000_000_000_000,
            "correlation_id": "order-1",
            "caused_at": 1_800_000_000_000_000,
        },
    )


async def _fill(settings: Settings) -> None:
    listings = [(channel, f"SKU-{n:06d}") for n in range(SKUS) for channel in CHANNELS]
    async with Store.opened(settings) as store:
        nexts = await store.offsets({(AVAILABILITY.name, 0): 0})
        for start in range(0, len(listings), BATCH):
            batch = Batch(nexts)
            for number, (channel, sku) in enumerate(listings[start : start + BATCH], start):
                value = _record(channel, sku, number % 100)
                key = f"{channel}|{sku}".encode()
                batch.add(Consumed(AVAILABILITY.name, 0, number, key, value, 0))
            await store.write(batch)
            nexts = {**nexts, **batch.next_offsets}


def _serve(settings: Settings) -> None:
    app = create_app(settings, None)
    api = settings.api
    keep_what_is_imported()  # As every service does.
    uvloop.run(serve_app(app, "api", api.host, api.port, asyncio.Event(), app.state.changes.close))


def _wait(client: httpx.Client) -> None:
    deadline = time.monotonic() + START_S_MAX
    while True:
        try:
            client.get("/healthz")
        except httpx.ConnectError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _ask(client: httpx.Client, api: psutil.Process) -> dict[str, float]:
    chosen = random.Random(1)
    names = [f"SKU-{n:06d}" for n in range(SKUS)]
    took_ms = []
    size = 0
    spent_s = 0.0
    for call in range(WARM_UP + CALLS):
        if call == WARM_UP:
            spent_s = cpu_s(api)
        asked = {"channels": CHANNELS, "skus": chosen.sample(names, ASKED)}
        began = time.perf_counter()
        answer = client.post("/v1/availability:batchGet", json=asked)
        took_ms.append((time.perf_counter() - began) * 1000)
        size = len(answer.raise_for_status().content)
    took_ms = took_ms[WARM_UP:]
    spent_s = cpu_s(api) - spent_s
    return {
        "batch_get_listings": ASKED * len(CHANNELS),
        "batch_get_bytes": size,
        "batch_get_api_cpu_ms": round(spent_s / CALLS * 1000, 1),
        "batch_get_p50_ms": round(statistics.median(took_ms), 1),
        "batch_get_p99_ms": round(statistics.quantiles(took_ms, n=100)[-1], 1),
    }


def measure() -> dict[str, float]:
    """The figures of the benchmark: one caller, call after call, each for other SKUs."""
    interrupt_once()
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        settings = Settings.model_validate(
            {"postgres": {"dsn": postgres.start()}, "api": {"port": free_port()}}
        )
        api = multiprocessing.get_context("spawn").Process(target=_serve, args=(settings,))
        try:
            asyncio.run(_fill(settings))
            api.start()
            with httpx.Client(base_url=f"http://127.0.0.1:{settings.api.port}") as client:
                _wait(client)
                return _ask(client, psutil.Process(api.pid))
        finally:
            if api.is_alive():
                api.terminate()
                api.join()
            postgres.stop()


def run(console: Console) -> dict[str, float]:
    """Measure, and print what was found."""
    found = measure()
    for name, value in found.items():
        console.print(f"{name.replace('_', ' ')}: {value:,}")
    return found


if __name__ == "__main__":
    run(Console())
