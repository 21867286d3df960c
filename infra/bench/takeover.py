"""How long partitions are not served when one of two ledger processes is killed, stopped or joins.

``python -m infra.bench.takeover --sku-locations 100000 1000000``: two ledgers share 64 partitions
of that many SKU-locations, and an event comes to each partition twice a second all the while. For
each partition counts the time from the kill (stop) until an event that was sent after it is
committed; when a second one joins, and for those that did not move, the longest that one of their
events waited. Then the same with two partitions of the same size, where a single one moves. Table,
build/takeover.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psutil
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from infra.bench.checkout import process
from infra.bench.journal import JournalReader
from infra.bench.scale import (
    PARTITIONS,
    TOPICS,
    check_memory,
    homes,
    new_environment,
    probe,
    write_stock,
)
from rich.console import Console
from rich.table import Table

from stockfold.domain.errors import UnavailableError
from stockfold.runtime.kafka import confluent_config, create_topics, group_id
from stockfold.runtime.settings import Settings

SIZES = (100_000, 1_000_000)
EVERY_S = 0.5
LOOK_S = 0.05
WAIT_S_MAX = 300.0
CALM_S = 3.0
Row = dict[str, float | str]


class Probes:
    """One event to each partition twice a second, and when each was sent and committed."""

    def __init__(self, settings: Settings) -> None:
        partitions = settings.kafka.sku_partitions
        self._skus = [f"SKU-{mine[0]:07d}" for mine in homes(1_000, partitions)]
        self._prefix = settings.prefix
        self._reader = JournalReader(settings)
        self._producer = Producer(
            {**confluent_config(settings), "partitioner": "murmur2_random", "linger.ms": 2}
        )
        self.sent_s: list[list[tuple[str, float]]] = [[] for _ in self._skus]
        """By partition: event ids and wall-clock times."""
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _send(self) -> None:
        number = 0
        while not self._end.wait(EVERY_S):
            for partition, sku in enumerate(self._skus):
                number += 1
                event = probe(sku, number)
                name = event.topic.full_name(self._prefix)
                self._producer.produce(name, event.value, event.key, headers=list(event.headers))
                self.sent_s[partition].append((f"p-{number}-{sku}", time.time()))
            self._producer.poll(0)

    def served_s(self, since_s: float) -> list[float | None]:
        """By partition: when the first event that was sent since then was committed, if it was."""
        seen = self._reader.first_seen_s()
        return [
            next((seen[name] for name, at_s in rows if at_s >= since_s and name in seen), None)
            for rows in self._recent()
        ]

    def waited_s(self, since_s: float) -> list[float]:
        """By partition: the longest from sending to commit of events from then on."""
        seen, now_s = self._reader.first_seen_s(), time.time()
        return [
            max(seen.get(name, now_s) - at_s for name, at_s in rows if at_s >= since_s)
            for rows in self._recent()
        ]

    def _recent(self) -> list[list[tuple[str, float]]]:
        return [list(rows) for rows in self.sent_s]

    def wait(self, since_s: float) -> list[float]:
        """``served_s`` of all. UnavailableError when one is not served for five minutes."""
        deadline = time.monotonic() + WAIT_S_MAX
        while True:
            found = self.served_s(since_s)
            served = [at_s for at_s in found if at_s is not None]
            if len(served) == len(found):
                return served
            if time.monotonic() > deadline:
                raise UnavailableError(
                    f"{len(found) - len(served)} of {len(found)} partitions are not served",
                    remedy="Read the ledgers' logs above.",
                )
            time.sleep(LOOK_S)

    def close(self) -> None:
        """End. UnavailableError when an event that was sent was never committed."""
        self._end.set()
        self._thread.join()
        left = self._producer.flush(30)
        try:
            self._reader.wait_for([name for rows in self.sent_s for name, _ in rows])
        finally:
            self._reader.close()
        if left:
            raise UnavailableError(f"{left} events were not sent", remedy="Read the broker's log.")


class Pair:
    """Two ledgers of one group."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._group = group_id(settings, "ledger")
        self._admin = AdminClient(confluent_config(settings))

    @contextmanager
    def one(self, number: int) -> Iterator[psutil.Process]:
        """One of them, until the end of the block or its own."""
        instance = f"ledger-{number}"
        with process(
            self._settings,
            "ledger",
            STOCKFOLD_LEDGER__INSTANCE=instance,
            STOCKFOLD_LOG_LEVEL="WARNING",
        ) as started:
            yield started

    def partitions(self, number: int) -> set[int]:
        """What one of them has now, by the group."""
        group = self._admin.describe_consumer_groups([self._group])[self._group].result(30)
        return {
            place.partition
            for member in group.members
            if member.group_instance_id == f"ledger-{number}" and member.assignment is not None
            for place in member.assignment.topic_partitions
        }

    def wait_for_shares(self) -> None:
        """Until each has half of the partitions. UnavailableError after five minutes."""
        deadline, half = time.monotonic() + WAIT_S_MAX, self._settings.kafka.sku_partitions // 2
        while not all(len(self.partitions(number)) == half for number in (1, 2)):
            if time.monotonic() > deadline:
                raise UnavailableError("they do not share", remedy="Read their logs above.")
            time.sleep(LOOK_S)


def measure(settings: Settings, skus: int, console: Console) -> list[Row]:
    """Everything that may happen to the second of two, in turn; a row for each."""
    check_memory(skus)
    create_topics(settings, TOPICS)
    write_stock(settings, skus)
    pair = Pair(settings)
    rows: list[Row] = []
    with ExitStack() as stack:
        stack.enter_context(pair.one(1))
        probes = stack.enter_context(closing(Probes(settings)))
        probes.wait(time.time())

        def told(what: str, act: Callable[[], object], *, joins: bool = False) -> None:
            moved = set() if joins else pair.partitions(2)
            at_s = time.time()
            act()
            took = [served - at_s for served in probes.wait(at_s)]
            if joins:
                pair.wait_for_shares()
                moved = pair.partitions(2)
            time.sleep(CALM_S)  # What still moves shows in the waits of the others.
            waits = probes.waited_s(at_s - EVERY_S)
            row = _row(what, waits if joins else took, waits, moved)
            rows.append({"sku_locations": skus, "partitions": len(took), **row})
            console.print(rows[-1], highlight=False)

        second = ExitStack()
        stack.push(second)

        def start() -> psutil.Process:
            return second.enter_context(pair.one(2))

        running: list[psutil.Process] = []
        told("a second one joins", lambda: running.append(start()), joins=True)
        told("killed, not started again", running[-1].kill)
        told("a second one joins again", lambda: running.append(start()), joins=True)

        def again() -> None:
            running[-1].kill()
            running.append(start())

        told("killed, started again at once", again)
        pair.wait_for_shares()
        told("stopped in order", running[-1].terminate)
    return rows


def _row(what: str, took_s: Sequence[float], waits: Sequence[float], moved: set[int]) -> Row:
    took = sorted(took_s[number] for number in moved)
    others = [wait for number, wait in enumerate(waits) if number not in moved]
    return {
        "second_of_two": what,
        "moved": len(moved),
        "first_s": round(took[0], 2),
        "median_s": round(statistics.median(took), 2),
        "last_s": round(took[-1], 2),
        "moved_wait_s_most": round(max(waits[number] for number in moved), 2),
        "others_wait_s_most": round(max(others), 2) if others else 0.0,
    }


def run(console: Console, sizes: Sequence[int]) -> list[Row]:
    """Each size over 64 partitions, then as many SKU-locations a partition in two."""
    rows: list[Row] = []
    for skus in sizes:
        for partitions, count in ((PARTITIONS, skus), (2, max(skus * 2 // PARTITIONS, 1_000))):
            with new_environment(partitions) as settings:
                rows += measure(settings, count, console)
    return rows


def main() -> None:
    """Measure; a table, and build/takeover.json."""
    parser = argparse.ArgumentParser(prog="bench.takeover", description=__doc__)
    parser.add_argument("--sku-locations", type=int, nargs="*", default=list(SIZES))
    parser.add_argument("--out", type=Path, default=Path("build/takeover.json"))
    options = parser.parse_args()
    console = Console(width=160)
    rows = run(console, options.sku_locations)
    table = Table(title="Seconds until partitions that moved serve again")
    for column in rows[0]:
        table.add_column(column.replace("_", " "), justify="right")
    for row in rows:
        table.add_row(*(f"{one:,}" if not isinstance(one, str) else one for one in row.values()))
    console.print(table)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
