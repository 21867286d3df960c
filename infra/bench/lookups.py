"""Questions to the api, alone and beside a ledger at half load, all on one machine.

A real ledger and a real availability process have filled the topics, a real projector the tables.
Then the api is asked at a steady rate, open-loop: each question has its moment, and its latency
counts from it, whatever became of those before. Every answer must be the one that was asked for.
Beside it a ledger folds new events that are produced at a steady rate; with ``--projector`` one
projector follows it, as far as it comes. Whoever asks and whoever produces needs the same cores,
and what each takes is told. Run alone: ``python -m infra.bench.lookups``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import asyncpg
import httpx
import psutil
import uvloop
from infra.bench.checkout import process, process_apart, show, summary
from infra.bench.http_load import Answered, Post, offer
from infra.bench.read_side import (
    Servers,
    arrived,
    backlog,
    database,
    fold,
    servers,
)
from infra.bench.results import RESULTS, keep
from infra.bench.spent import cpu_s, family_cpu_s
from infra.bench.steady_load import QUIET, SKUS, committed, half_load, wait
from infra.bench.workload import CHANNELS
from rich.console import Console

from stockfold.domain.errors import UnavailableError
from stockfold.runtime.embedded import ports
from stockfold.runtime.settings import Settings

RATE_S = 500
SECONDS = 30
WARM_S = 4
EVENTS_S = 15_000
"""Half of what one ledger folds of a backlog on such a machine."""
FILL_EVENTS = 40_000
ASKED = 1_000
LEAST_SHARE = 0.9
"""Of the events a second, that the ledger must have folded: else look-ups had too much room."""
BATCHES_S = 5
"""Calls of batchGet a second."""
BATCHES = 100


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
        wait(lambda: asyncio.run(written()), "the projector has not written all")
    keys = (key.decode().split("|", 1) for key in wanted.keys["Availability"])
    return [(channel, sku) for channel, sku in keys]


@contextmanager
def _api(settings: Settings) -> Iterator[tuple[psutil.Process, int]]:
    port = ports.free_port()
    told = {"STOCKFOLD_API__PORT": str(port), "STOCKFOLD_POSTGRES__DSN": database(settings)}

    def ready() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/readyz").is_success
        except httpx.TransportError:
            return False

    with process_apart(settings, "api", **told, **QUIET) as child:
        wait(ready, "the api is not ready")
        yield child, port


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

    uvloop.run(offer([port], posts(asked(rate_s * WARM_S))))
    names = asked(int(rate_s * seconds))
    before = cpu_s(api), family_cpu_s(up.postgres)
    answers = uvloop.run(offer([port], posts(names)))
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
    uvloop.run(offer([port], posts[:BATCHES_S]))
    before = cpu_s(api)
    answers = uvloop.run(offer([port], [p._replace(due_s=p.due_s - 1) for p in posts[BATCHES_S:]]))
    spent_s = cpu_s(api) - before
    _whole(answers, ASKED * len(channels))
    told = {"skus": ASKED, "channels": len(channels), **summary(answers)}
    told["api_cpu_ms"] = round(spent_s / len(answers) * 1000, 1)
    return told


def _whole(answers: Sequence[Answered], count: int) -> None:
    for answer in answers:
        if len(answer.body.get("availability", [])) != count:
            raise UnavailableError(f"{count} listings were asked for: {str(answer)[:200]}")


def beside(
    up: Servers,
    api: psutil.Process,
    port: int,
    listings: Sequence[tuple[str, str]],
    rate_s: int,
    seconds: float,
    events_s: int,
    *,
    projector: bool,
) -> tuple[Figures, Figures]:
    """Look-ups beside a ledger at work; and how much of a core everybody took meanwhile."""
    settings = up.settings
    with ExitStack() as stack:
        parts = {"api": api, "kafka": up.kafka, "client": psutil.Process()}
        if projector:
            told = {"STOCKFOLD_POSTGRES__DSN": database(settings), **QUIET}
            parts["projector"] = stack.enter_context(process(settings, "projector", **told))
        parts |= stack.enter_context(half_load(up, events_s, WARM_S + seconds))
        first, began = committed(settings), time.monotonic()
        spent = {name: cpu_s(part) for name, part in parts.items()}
        postgres_s = family_cpu_s(up.postgres)
        found = lookups(up, api, port, listings, rate_s, seconds)
        passed_s = time.monotonic() - began
        if projector:
            del found["postgres_cpu_us"]  # PostgreSQL works for both.
        cores: Figures = {"events_per_s": round((committed(settings) - first) / passed_s)}
        for name, part in parts.items():
            cores[f"{name}_cores"] = round((cpu_s(part) - spent[name]) / passed_s, 2)
        cores["postgres_cores"] = round((family_cpu_s(up.postgres) - postgres_s) / passed_s, 2)
    return found, cores


def run(
    console: Console,
    rate_s: int = RATE_S,
    seconds: int = SECONDS,
    events_s: int = EVENTS_S,
    calls: int = BATCHES,
    fill: int = FILL_EVENTS,
    *,
    projector: bool = False,
) -> dict[str, Figures]:
    """Measure, and print what was found."""
    told: dict[str, Figures] = {}

    def tell(name: str, figures: Figures) -> None:
        told[name] = figures
        show(console, name, figures)

    with servers() as up:
        fold(up.settings, fill, SKUS, 1)
        listings = _project(up)
        console.print(f"look-ups: {len(listings):,} listings are in the tables")
        with _api(up.settings) as (api, port):
            tell("look-ups alone", lookups(up, api, port, listings, rate_s, seconds))
            for channels in (CHANNELS[:1], CHANNELS):
                name = f"batchGet of {ASKED:,} SKUs on {len(channels)} channel(s)"
                tell(name, batches(api, port, listings, channels, calls))
            found, cores = beside(
                up, api, port, listings, rate_s, seconds, events_s, projector=projector
            )
            whom = "a ledger and a projector" if projector else "a ledger"
            tell(f"look-ups beside {whom}", found)
            tell("cores meanwhile", cores)
            if cores["events_per_s"] < LEAST_SHARE * events_s:
                raise UnavailableError(f"the ledger was to fold {events_s:,} events a second")
    return told


def main() -> None:
    """Run it alone; its figures go into build/bench.json beside the others'."""
    parser = argparse.ArgumentParser(prog="bench.lookups", description=__doc__)
    parser.add_argument("--rate", type=int, default=RATE_S)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--events-per-s", type=int, default=EVENTS_S)
    parser.add_argument("--projector", action="store_true", help="one follows the ledger")
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
        projector=options.projector,
    )
    keep(options.out, lookups=told)


if __name__ == "__main__":
    main()
