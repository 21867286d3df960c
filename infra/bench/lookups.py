"""Questions to the api, alone and beside a ledger at half load, all on one machine.

A real ledger and a real availability process have filled the topics, a real projector the tables.
Then the api is asked at a steady rate, open-loop: each question has its moment, and its latency
counts from it, whatever became of those before. Every answer must be the one that was asked for.
Beside it a ledger folds new events that are produced at a steady rate; nobody else runs. Run alone:
``python -m infra.bench.lookups``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import pickle
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import httpx
import psutil
from confluent_kafka import Producer
from infra.bench.checkout import process, show, summary
from infra.bench.http_load import Answered, Post, offer
from infra.bench.ledger import ledger_progress
from infra.bench.read_side import (
    Servers,
    arrived,
    backlog,
    cpu_s,
    database,
    family_cpu_s,
    fold,
    servers,
)
from infra.bench.results import RESULTS, keep
from infra.bench.workload import CHANNELS, events
from rich.console import Console

from stockfold.domain.errors import UnavailableError
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded import ports
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.settings import Settings

RATE_S = 500
SECONDS = 30
WARM_S = 4
EVENTS_S = 12_500
"""About half of what one ledger folds on such a machine."""
FILL_EVENTS = 40_000
SKUS = 4_000
ASKED = 1_000
BATCHES_S = 5
"""Calls of batchGet a second."""
BATCHES = 100
START_S_MAX = 240.0
QUIET = {"STOCKFOLD_LOG_LEVEL": "WARNING"}

Figures = dict[str, float]


def _project(up: Servers) -> list[tuple[str, str]]:
    """Fill the tables; the listings in them."""
    wanted, dsn = backlog(up.settings), database(up.settings)

    async def written() -> bool:
        connection = await asyncpg.connect(dsn)
        try:
            done = await arrived(connection, up.settings, wanted)
        finally:
            await connection.close()
        return done >= sum(wanted.nexts.values())

    with process(up.settings, "projector", STOCKFOLD_POSTGRES__DSN=dsn, **QUIET):
        _wait(lambda: asyncio.run(written()), "the projector has not written all")
    keys = (key.decode().split("|", 1) for key in wanted.keys["Availability"])
    return [(channel, sku) for channel, sku in keys]


def _wait(done: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + START_S_MAX
    while not done():
        if time.monotonic() > deadline:
            raise UnavailableError(otherwise, remedy="Read the logs above.")
        time.sleep(0.2)


@contextmanager
def _api(settings: Settings) -> Iterator[tuple[psutil.Process, int]]:
    port = ports.free_port()
    told = {"STOCKFOLD_API__PORT": str(port), "STOCKFOLD_POSTGRES__DSN": database(settings)}

    def ready() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/readyz").is_success
        except httpx.TransportError:
            return False

    with process(settings, "api", **told, **QUIET) as child:
        _wait(ready, "the api is not ready")
        yield child, port


def _produce(settings: Settings, path: Path, rate_s: int, go: float) -> None:
    """Produce events at a steady rate from ``go`` on, in a process of its own."""
    producer = Producer(
        {**confluent_config(settings), "partitioner": "murmur2_random", "compression.type": "lz4"}
    )
    made = 0
    with path.open("rb") as file:
        while True:
            due = int((time.time() - go) * rate_s)
            while made < due:
                try:
                    topic, key, value, headers = pickle.load(file)  # noqa: S301 - written below
                except EOFError:
                    producer.flush(30)
                    return
                while True:
                    try:
                        producer.produce(topic, value, key, headers=headers)
                        break
                    except BufferError:  # The broker is behind: what is due is sent later.
                        producer.poll(0.1)
                made += 1
            producer.poll(0)
            time.sleep(0.01)


@contextmanager
def half_load(up: Servers, rate_s: int, seconds: float) -> Iterator[psutil.Process]:
    """A ledger that folds so many events a second meanwhile; UnavailableError if it lags."""
    settings = up.settings
    path = settings.environment.data_dir / "load"
    path.parent.mkdir(parents=True, exist_ok=True)
    count, before = int(rate_s * seconds), _committed(settings)
    now_us = SYSTEM_CLOCK.now_us() + int(seconds * 1e6)
    with path.open("wb") as file:
        for event in events(count, SKUS, int(time.time()), now_us):
            name = event.topic.full_name(settings.prefix)
            # Event ids are new to this ledger.
            value = (name, event.key, event.value, _renamed(event.headers))
            pickle.dump(value, file, pickle.HIGHEST_PROTOCOL)
    with process(settings, "ledger", **QUIET) as ledger:
        time.sleep(WARM_S)
        began = time.time()
        args = (settings, path, rate_s, began)
        child = multiprocessing.get_context("spawn").Process(target=_produce, args=args)
        child.start()
        yield ledger
        rate = (_committed(settings) - before) / (time.time() - began)
        child.terminate()
        child.join()
    if rate < 0.9 * rate_s:
        raise UnavailableError(f"the ledger folded {rate:,.0f} of {rate_s:,} events a second")


def _renamed(headers: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return [(name, b"load-" + raw if name == "ce_id" else raw) for name, raw in headers]


def _committed(settings: Settings) -> int:
    progress = ledger_progress(settings)
    try:
        return progress.committed()
    finally:
        progress.close()


def lookups(
    up: Servers,
    api: psutil.Process,
    port: int,
    listings: Sequence[tuple[str, str]],
    rate_s: int,
    seconds: float,
) -> Figures:
    """Ask for one listing's availability so many times a second; milliseconds and CPU."""
    dice = random.Random(1)

    def asked(count: int) -> list[tuple[str, str]]:
        return [dice.choice(listings) for _ in range(count)]

    def posts(names: Sequence[tuple[str, str]]) -> list[Post]:
        return [
            Post(n / rate_s, f"/v1/availability/{channel}/{sku}", {}, b"", "GET")
            for n, (channel, sku) in enumerate(names)
        ]

    asyncio.run(offer([port], posts(asked(rate_s * WARM_S))))
    names = asked(int(rate_s * seconds))
    before = cpu_s(api), family_cpu_s(up.postgres)
    answers = asyncio.run(offer([port], posts(names)))
    after = cpu_s(api), family_cpu_s(up.postgres)
    for (channel, sku), answer in zip(names, answers, strict=True):
        if (answer.body.get("channel"), answer.body.get("sku")) != (channel, sku):
            raise UnavailableError(f"asked for {sku} at {channel}, the api said {answer}")
    told = {"asked_per_s": rate_s, **summary(answers)}
    told["api_cpu_us"] = round((after[0] - before[0]) / len(names) * 1e6)
    told["postgres_cpu_us"] = round((after[1] - before[1]) / len(names) * 1e6)
    return told


def batches(
    api: psutil.Process,
    port: int,
    listings: Sequence[tuple[str, str]],
    channels: Sequence[str],
    calls: int,
) -> Figures:
    """``batchGet`` of 1,000 SKUs on some channels, some calls a second; milliseconds and CPU."""
    dice = random.Random(2)
    skus = sorted({sku for _, sku in listings})
    posts = [
        Post(n / BATCHES_S, "/v1/availability:batchGet", {}, json.dumps(body).encode())
        for n in range(calls + BATCHES_S)
        for body in [{"channels": channels, "skus": dice.sample(skus, ASKED)}]
    ]
    asyncio.run(offer([port], posts[:BATCHES_S]))
    before = cpu_s(api)
    answers = asyncio.run(offer([port], [p._replace(due_s=p.due_s - 1) for p in posts[BATCHES_S:]]))
    spent_s = cpu_s(api) - before
    _whole(answers, ASKED * len(channels))
    told = {"skus": ASKED, "channels": len(channels), **summary(answers)}
    told["api_cpu_ms"] = round(spent_s / len(answers) * 1000, 1)
    return told


def _whole(answers: Sequence[Answered], count: int) -> None:
    for answer in answers:
        if len(answer.body.get("availability", [])) != count:
            raise UnavailableError(f"{count} listings were asked for: {str(answer)[:200]}")


def run(
    console: Console,
    rate_s: int = RATE_S,
    seconds: int = SECONDS,
    events_s: int = EVENTS_S,
    calls: int = BATCHES,
    fill: int = FILL_EVENTS,
) -> dict[str, Figures]:
    """Measure, and print what was found."""
    told: dict[str, Figures] = {}

    def ask(beside: str) -> None:
        telling = f"look-ups {beside}"
        told[telling] = lookups(up, api, port, listings, rate_s, seconds)
        show(console, telling, told[telling])
        for channels in (CHANNELS[:1], CHANNELS):
            name = f"batchGet of {ASKED:,} SKUs on {len(channels)} channel(s) {beside}"
            told[name] = batches(api, port, listings, channels, calls)
            show(console, name, told[name])

    with servers() as up:
        fold(up.settings, fill, SKUS, 1)
        listings = _project(up)
        console.print(f"look-ups: {len(listings):,} listings are in the tables")
        with _api(up.settings) as (api, port):
            ask("alone")
            last_s = WARM_S + seconds + 2 * (calls / BATCHES_S + 1) + 10
            with half_load(up, events_s, last_s) as ledger:
                began, spent = time.monotonic(), (cpu_s(ledger), cpu_s(up.kafka))
                ask("beside a ledger")
                passed_s = time.monotonic() - began
                told["the ledger beside it"] = {
                    "events_per_s": events_s,
                    "ledger_cores": round((cpu_s(ledger) - spent[0]) / passed_s, 2),
                    "kafka_cores": round((cpu_s(up.kafka) - spent[1]) / passed_s, 2),
                }
                show(console, "the ledger beside it", told["the ledger beside it"])
    return told


def main() -> None:
    """Run it alone; its figures go into build/bench.json beside the others'."""
    parser = argparse.ArgumentParser(prog="bench.lookups", description=__doc__)
    parser.add_argument("--rate", type=int, default=RATE_S)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--events-per-s", type=int, default=EVENTS_S)
    parser.add_argument("--batches", type=int, default=BATCHES, help="calls of batchGet")
    parser.add_argument("--fill-events", type=int, default=FILL_EVENTS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    told = run(
        Console(width=200),
        options.rate,
        options.seconds,
        options.events_per_s,
        options.batches,
        options.fill_events,
    )
    keep(options.out, lookups=told)


if __name__ == "__main__":
    main()
