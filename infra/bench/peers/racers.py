"""Who takes part in the race, and how each is started and watched."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psutil
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from infra.bench import processes
from infra.bench.ledger import Progress, feed, measure, watch
from infra.bench.peers import java, proof
from infra.bench.peers.fold import JOURNAL, POSITIONS
from infra.bench.spent import cpu_s

from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.settings import Settings

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
BUILT = ROOT / "build" / "peers"
STOP_S = 20
WARM_UP = 4
"""One event in so many goes by before a racer is timed: a JVM compiles meanwhile."""


class Course(NamedTuple):
    """What a racer is to run: ``again`` of the events come a second time, to be refused."""

    settings: Settings
    events: int
    skus: int
    seed: int
    again: int
    folder: Path
    broker: psutil.Process


Racer = Callable[[Course], dict[str, float]]


def ledger(course: Course) -> dict[str, float]:
    """The ledger of stockfold, one process, on its own topics, merged by time."""
    settings, count, skus, seed, again, _, broker = course
    warm_up = count // WARM_UP
    row = measure(settings, count, skus, seed, again=again, broker=broker, warm_up=warm_up)
    proof.check_ledger(settings, count)
    return row


def ledgers(course: Course) -> dict[str, float]:
    """Two of it, which divide the partitions before there is anything to read."""
    settings, count, skus, seed, again, _, broker = course
    warm_up = count // WARM_UP
    row = processes.measure(
        settings, count, skus, seed, 2, again=again, broker=broker, warm_up=warm_up
    )
    proof.check_ledger(settings, count)
    return row


def kafka_alone(course: Course) -> dict[str, float]:
    """Reading alone: the ceiling of whatever consumes with librdkafka here."""
    settings, count = course.settings, course.events + course.again
    inputs = _inputs(course)
    consumer = Consumer(
        {**confluent_config(settings), "group.id": "ceiling", "isolation.level": "read_committed"}
    )
    partitions = range(settings.kafka.sku_partitions)
    consumer.assign([TopicPartition(inputs, number, 0) for number in partitions])
    began, read = time.monotonic(), 0
    own_s, broker_s = time.process_time(), cpu_s(course.broker)
    while read < count:
        read += sum(message.error() is None for message in consumer.consume(10_000, timeout=1.0))
    seconds = time.monotonic() - began
    own_s, broker_s = time.process_time() - own_s, cpu_s(course.broker) - broker_s
    consumer.close()
    return {
        "events": count,
        "seconds": round(seconds, 2),
        "events_per_s": round(count / seconds),
        "running_cpu_s_per_million": round(own_s / count * 1e6, 1),
        "memory_mb": 0,
        "broker_cpu_s_per_million": round(broker_s / count * 1e6, 1),
    }


def in_python(module: str, name: str, *arguments: str) -> Callable[[str, str, Path], list[str]]:
    """The command of a peer in a Python environment of its own."""

    def command(bootstrap: str, prefix: str, state: Path) -> list[str]:
        start = [_environment(name), "-W", "ignore", "-m", f"infra.bench.peers.{module}"]
        return [*start, bootstrap, prefix, str(state), *arguments]

    return command


def in_java(threads: int) -> Callable[[str, str, Path], list[str]]:
    """The command of Kafka Streams with so many stream threads."""

    def command(bootstrap: str, prefix: str, state: Path) -> list[str]:
        return java.command(BUILT / "kafka_streams", bootstrap, prefix, state, threads)

    return command


def peer(name: str, command: Callable[[str, str, Path], list[str]], scale: float = 1) -> Racer:
    """A peer, which its consumer group and topics are named by.

    It is given ``scale`` times the events: less of them when it is slow, so that a race ends. What
    it takes for each is told all the same.
    """

    def run(course: Course) -> dict[str, float]:
        count, again = int(course.events * scale), int(course.again * scale)
        mine = course._replace(events=count, again=again)
        settings, prefix = course.settings, course.settings.environment.prefix
        state = course.folder / f"{prefix}{name}"
        start = command(settings.kafka.bootstrap or "", prefix, state)
        progress = Progress(settings, f"{prefix}{name}", [_inputs(mine, name)])
        child = subprocess.Popen(  # noqa: S603  (our own)
            start,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(("libs", "schemas", "."))},
        )
        try:
            started, all_of_it = [psutil.Process(child.pid)], count + again
            row = watch(started, progress, all_of_it, course.broker, count // WARM_UP)
        finally:
            _stop(child)
            progress.close()
            shutil.rmtree(state, ignore_errors=True)
        proof.check(settings, name, mine.events)
        return row

    return run


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait(STOP_S)


def _inputs(course: Course, *peers: str) -> str:
    """The workload in one topic: a peer need not merge seven by time. Its outputs' topics too."""
    settings = course.settings
    prefix = settings.environment.prefix
    name = f"{prefix}inputs"
    outputs = [f"{prefix}{peer}.{one}" for peer in peers for one in (JOURNAL, POSITIONS)]
    wanted = [NewTopic(topic, settings.kafka.sku_partitions, 1) for topic in (name, *outputs)]
    admin = AdminClient(confluent_config(settings))
    for made in admin.create_topics(wanted).values():
        made.result()
    feed(settings, course.events, course.skus, course.seed, into=name, again=course.again)
    return name


def _environment(name: str) -> str:
    """The Python of a peer's environment, which is made when it is not there."""
    folder = BUILT / name
    python = folder / "bin" / "python"
    constraints = HERE / f"{name}-constraints.txt"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)  # noqa: S603
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, "-r", str(constraints)], check=True)  # noqa: S603
    return str(python)
