"""Reservations over HTTP: how long a decision takes, and what a hot SKU comes to.

``python -m infra.bench.checkout`` runs it alone, on an embedded broker of its own, with the real
ledger and the real reservation service as processes of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import httpx
import psutil
from confluent_kafka import Producer
from infra.bench.broker import new_broker
from infra.bench.http_load import Answered, Post, offer
from infra.bench.results import RESULTS, keep
from infra.bench.spent import cpu_s
from rich.console import Console
from rich.table import Table

from stockfold.contracts import codec, envelope
from stockfold.contracts.topics import RECEIPTS, RESERVATION_STATUS
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded import ports
from stockfold.runtime.kafka import confluent_config, ensure_topics
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings

RATE_S = 200
SECONDS = 60
WARM_S = 5
SKUS = 2_000
LINES_OF_MANY = 3
BUYERS, HOT_UNITS = 500, 100
START_S_MAX = 60.0
CHANNEL = "woo-de"

Figures = dict[str, float]


def process(
    settings: Settings, service: str, **variables: str
) -> AbstractContextManager[psutil.Process]:
    """A service of ours as a process of its own, with the settings of an environment."""
    return _process(settings, service, variables, apart=False)


def process_apart(
    settings: Settings, service: str, **variables: str
) -> AbstractContextManager[psutil.Process]:
    """The same in a session of its own, as `stockfold up` starts them.

    Linux may share out the cores by sessions first.
    """
    return _process(settings, service, variables, apart=True)


@contextmanager
def _process(
    settings: Settings, service: str, variables: Mapping[str, str], *, apart: bool
) -> Iterator[psutil.Process]:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "stockfold.toml"
        config.write_text("")
        child = subprocess.Popen(  # noqa: S603  (our own module)
            [sys.executable, "-m", f"stockfold_services.{service}.main"],
            env={
                **os.environ,
                "STOCKFOLD_CONFIG": str(config),
                "STOCKFOLD_ENVIRONMENT__PREFIX": settings.prefix,
                "STOCKFOLD_ENVIRONMENT__DATA_DIR": str(settings.environment.data_dir),
                "STOCKFOLD_KAFKA__BOOTSTRAP": settings.kafka.bootstrap or "",
                "STOCKFOLD_KAFKA__SKU_PARTITIONS": str(settings.kafka.sku_partitions),
                **variables,
            },
            start_new_session=apart,
        )
        try:
            yield psutil.Process(child.pid)
        finally:
            child.terminate()
            child.wait(30)


@contextmanager
def checkouts(settings: Settings, count: int = 1) -> Iterator[list[int]]:
    """The ports of so many reservation services, ready."""
    with ExitStack() as stack:
        found = []
        for _ in range(count):
            port = ports.free_port()
            stack.enter_context(process(settings, "checkout", STOCKFOLD_CHECKOUT__PORT=str(port)))
            found.append(port)
        for port in found:
            _wait_ready(port)
        yield found


def _wait_ready(port: int) -> None:
    deadline = time.monotonic() + START_S_MAX
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise UnavailableError("the reservation service is not ready", remedy="Read its log above.")


def stock(settings: Settings, units: dict[str, int]) -> None:
    """Receipts of units of SKUs at DC, flushed."""
    producer = Producer({**confluent_config(settings), "partitioner": "murmur2_random"})
    name, topic = "stockfold.GoodsReceived", RECEIPTS.full_name(settings.prefix)
    for sku, quantity in units.items():
        told = envelope.Envelope(f"grn-{sku}", "/bench/wms", name, SYSTEM_CLOCK.now_us())
        body = {"sku": sku, "location": "DC", "quantity": quantity}
        producer.produce(
            topic, codec.encode(name, body), sku.encode(), headers=[*envelope.build(told, sku)]
        )
    producer.flush(60)


def request(due_s: float, skus: Sequence[str], wait_s: float = 20) -> Post:
    """One unit of each SKU, for a checkout that waits."""
    body = {
        "channel": CHANNEL,
        "locations": ["DC"],
        "lines": [{"sku": sku, "quantity": 1} for sku in skus],
    }
    headers = {"Idempotency-Key": uuid.uuid4().hex, "Prefer": f"wait={wait_s:g}"}
    return Post(due_s, "/v1/reservations", headers, json.dumps(body).encode())


def rate(settings: Settings, rate_s: int, seconds: int, lines: int, seed: int) -> Figures:
    """Offer so many reservations a second to a ledger that has nothing else to do. Milliseconds."""
    dice = random.Random(seed)
    skus = [f"SKU-{number:05d}" for number in range(SKUS)]
    stock(settings, dict.fromkeys(skus, 10**6))
    with process(settings, "ledger") as ledger, checkouts(settings) as found:
        asyncio.run(
            offer(found, [request(n / 50, dice.sample(skus, lines)) for n in range(50 * WARM_S)])
        )
        before_s = cpu_s(ledger)
        wanted = [request(n / rate_s, dice.sample(skus, lines)) for n in range(rate_s * seconds)]
        answers = asyncio.run(offer(found, wanted))
        spent_s = cpu_s(ledger) - before_s
        told = {"lines": lines, "offered_per_s": rate_s, "seconds": seconds, **summary(answers)}
        told["ledger_cpu"] = round(spent_s / seconds, 2)
        return told | stages(settings, answers)


def summary(answers: Sequence[Answered]) -> Figures:
    """Latencies in milliseconds, counted from when each request was due; and statuses."""
    latencies = sorted(answer.latency_s * 1000 for answer in answers)
    statuses = Counter(answer.status for answer in answers)
    return {
        "p50_ms": round(_at(latencies, 0.5), 1),
        "p90_ms": round(_at(latencies, 0.9), 1),
        "p99_ms": round(_at(latencies, 0.99), 1),
        "worst_ms": round(latencies[-1], 1),
        **{f"status_{status}": count for status, count in sorted(statuses.items())},
    }


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def stages(settings: Settings, answers: Sequence[Answered]) -> Figures:
    """Medians of the parts of a single line's latency, in milliseconds.

    In: until the broker has stamped the command. Ledger: until its transaction has begun. Out:
    until the answer is there, the commit included.
    """
    due = {
        answer.body["reservation"]: answer
        for answer in answers
        if answer.status == 201 and len(answer.body["lines"]) == 1
    }
    parts: dict[str, list[float]] = {"in_ms": [], "ledger_ms": [], "out_ms": []}
    reader = PartitionReader(settings)
    for partition in range(settings.kafka.sku_partitions):
        for batch in reader.read(RESERVATION_STATUS, partition):
            for record in batch:
                told = codec.decode(record.value())[1]
                answer = due.get(told["reservation"].partition(".")[0])
                if answer is None:
                    continue
                due_ms = answer.due_at_s * 1000
                caused_ms, recorded_ms = told["caused_at"] / 1000, told["recorded_at"] / 1000
                parts["in_ms"].append(caused_ms - due_ms)
                parts["ledger_ms"].append(recorded_ms - caused_ms)
                parts["out_ms"].append(due_ms + answer.latency_s * 1000 - recorded_ms)
    return {f"{name}_median": round(statistics.median(n), 1) for name, n in parts.items() if n}


def hot_sku(settings: Settings, buyers: int, units: int, instances: int) -> Figures:
    """So many buyers want the same SKU at the same moment; RuntimeError unless it adds up."""
    stock(settings, {"HOT": units})
    with process(settings, "ledger"), checkouts(settings, instances) as found:
        answers = asyncio.run(offer(found, [request(0, ["HOT"]) for _ in range(buyers)]))
    told = summary(answers)
    if told.get("status_201") != units or told.get("status_409") != buyers - units:
        raise RuntimeError(f"{units} units were to be confirmed once each: {told}")
    return {"buyers": buyers, "units": units, "instances": instances, **told}


def run(console: Console, *, seconds: int = SECONDS, rate_s: int = RATE_S) -> dict[str, Figures]:
    """Every benchmark of reservations, on a broker of their own."""
    told: dict[str, Figures] = {}
    with new_broker() as broker:

        def fresh(name: str) -> Settings:
            settings = broker.as_installed(f"{name}.")
            ensure_topics(settings)
            return settings

        told["one line"] = rate(fresh("one"), rate_s, seconds, 1, 1)
        show(console, "reservations of one line", told["one line"])
        name = f"{LINES_OF_MANY} lines"
        told[name] = rate(fresh("many"), rate_s // LINES_OF_MANY, seconds // 2, LINES_OF_MANY, 2)
        show(console, f"reservations of {name}", told[name])
        told["hot SKU"] = hot_sku(fresh("hot"), BUYERS, HOT_UNITS, 2)
        show(console, "reservations of a hot SKU", told["hot SKU"])
    return told


def show(console: Console, title: str, figures: Figures) -> None:
    """One benchmark as a table."""
    table = Table(title=title[:1].upper() + title[1:])
    for column in figures:
        table.add_column(column.replace("_", " "), justify="right")
    table.add_row(*(f"{value:,}" for value in figures.values()))
    console.print(table)


def main() -> None:
    """Run it alone; its figures go into build/bench.json beside the others'."""
    parser = argparse.ArgumentParser(prog="bench.checkout", description=__doc__)
    parser.add_argument("--rate", type=int, default=RATE_S)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    told = run(Console(width=200), seconds=options.seconds, rate_s=options.rate)
    keep(options.out, checkout=told)


if __name__ == "__main__":
    main()
