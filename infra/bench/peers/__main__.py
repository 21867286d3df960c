"""``make bench PEERS=1``: the same events through the ledger and its peers, in turns."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from infra.bench.broker import new_broker
from infra.bench.ledger import Progress, feed, measure, watch
from infra.bench.peers import page
from infra.bench.peers.fold import JOURNAL, POSITIONS
from rich.console import Console
from rich.table import Table

from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.settings import Settings

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
ENVIRONMENTS = ROOT / "build" / "peers"
STOP_S = 20
LEDGER = "stockfold ledger"

Run = Callable[[Settings, int, int, int, Path], dict[str, float]]


def ledger(settings: Settings, count: int, skus: int, seed: int, folder: Path) -> dict[str, float]:
    """The ledger of stockfold, on its own topics, merged by time."""
    del folder
    return measure(settings, count, skus, seed)


def kafka_alone(
    settings: Settings, count: int, skus: int, seed: int, folder: Path
) -> dict[str, float]:
    """Reading alone: the ceiling of whatever consumes with librdkafka here."""
    del folder
    inputs = _inputs(settings, count, skus, seed)
    consumer = Consumer(
        {**confluent_config(settings), "group.id": "ceiling", "isolation.level": "read_committed"}
    )
    partitions = range(settings.kafka.sku_partitions)
    consumer.assign([TopicPartition(inputs, number, 0) for number in partitions])
    began, cpu_s, read = time.monotonic(), time.process_time(), 0
    while read < count:
        read += sum(message.error() is None for message in consumer.consume(10_000, timeout=1.0))
    seconds, cpu_s = time.monotonic() - began, time.process_time() - cpu_s
    consumer.close()
    return {
        "events": count,
        "seconds": round(seconds, 2),
        "events_per_s": round(count / seconds),
        "cpu_s_per_million": round(cpu_s / count * 1e6, 1),
        "memory_mb": 0,
    }


def peer(module: str, name: str, *arguments: str, share: int = 1) -> Run:
    """A peer in an environment of its own, which its consumer group and topics are named by.

    A slow one is given one event in ``share``; what it takes for each is told all the same.
    """

    def run(settings: Settings, count: int, skus: int, seed: int, folder: Path) -> dict[str, float]:
        prefix = settings.environment.prefix
        count //= share
        inputs = _inputs(settings, count, skus, seed)
        python = _environment(name)
        progress = Progress(settings, f"{prefix}{name}", [inputs])
        state = folder / f"{prefix}{name}"
        bootstrap = settings.kafka.bootstrap or ""
        command = [python, "-W", "ignore", "-m", f"infra.bench.peers.{module}"]
        child = subprocess.Popen(  # noqa: S603  (our own module)
            [*command, bootstrap, prefix, str(state), *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(("libs", "schemas", "."))},
        )
        try:
            return watch(psutil.Process(child.pid), progress, count)
        finally:
            child.terminate()
            try:
                child.wait(STOP_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait(STOP_S)
            progress.close()
            shutil.rmtree(state, ignore_errors=True)

    return run


RUNS: dict[str, Run] = {
    "Kafka alone, reading": kafka_alone,
    LEDGER: ledger,
    "Quix Streams, exactly once": peer("quix", "quix", share=2),
    "faust-streaming, exactly once": peer("faust_streaming", "faust", "exactly_once", share=20),
}


def _inputs(settings: Settings, count: int, skus: int, seed: int) -> str:
    """The workload in one topic: a peer need not merge seven by time. Its outputs' topics too."""
    prefix = settings.environment.prefix
    name = f"{prefix}inputs"
    outputs = [
        f"{prefix}{peer}.{one}" for peer in ("quix", "faust") for one in (JOURNAL, POSITIONS)
    ]
    admin = AdminClient(confluent_config(settings))
    wanted = [NewTopic(topic, settings.kafka.sku_partitions, 1) for topic in (name, *outputs)]
    for made in admin.create_topics(wanted).values():
        made.result()
    feed(settings, count, skus, seed, into=name)
    return name


def _environment(name: str) -> str:
    """The Python of a peer's environment, which is made when it is not there."""
    folder = ENVIRONMENTS / name
    python = folder / "bin" / "python"
    constraints = HERE / f"{name}-constraints.txt"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)  # noqa: S603
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, "-r", str(constraints)], check=True)  # noqa: S603
    return str(python)


def race(
    names: list[str], repeats: int, count: int, skus: int, console: Console
) -> dict[str, list[dict[str, float]]]:
    """Each in turn, the order turned round every time; each time on a broker of its own."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for repeat in range(repeats):
        for name in names if repeat % 2 == 0 else reversed(names):
            with new_broker() as broker:
                settings = broker.for_backlog("race.")
                row = RUNS[name](settings, count, skus, 1 + repeat, broker.folder)
            found[name].append(row)
            console.print(f"{name}, run {repeat + 1}: {row['events_per_s']:,.0f} events/s")
    return found


def main() -> None:
    """Run them all; a table, and build/peers.json."""
    parser = argparse.ArgumentParser(prog="bench.peers", description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--skus", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=list(RUNS), choices=list(RUNS))
    parser.add_argument("--out", type=Path, default=Path("build/peers.json"))
    parser.add_argument("--write-page", action="store_true", help="into infra/docs/peers.md, too")
    options = parser.parse_args()
    console = Console()
    found = race(options.only, options.repeats, options.events, options.skus, console)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(found, indent=2) + "\n")
    if LEDGER not in found:
        return
    console.print(f"{options.events:,} events, {options.skus:,} SKUs, {options.repeats} runs")
    shown = Table(*page.COLUMNS)
    for name, *figures, share in page.figures(found, LEDGER):
        shown.add_row(str(name), *(f"{figure:,.0f}" for figure in figures), f"{share:.0%}")
    console.print(shown)
    options.out.with_suffix(".svg").write_text(page.picture(found, LEDGER))
    if options.write_page:
        page.write(ROOT / "infra/docs/peers.md", ROOT / "infra/docs/peers.svg", found, LEDGER)


if __name__ == "__main__":
    main()
