"""Sending what was read straight to Kafka, with a mark of how far all of it is acknowledged."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import orjson
from confluent_kafka import KafkaError, Message, Producer

from stockfold.contracts.intake import Taken
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.settings import Settings
from stockfold_services.cli.loading.opening import BadRow, Item

MARK_EVERY_ROWS = 50_000
STEP_ROWS = 1_000
BAD_ROWS_TOLD_MAX = 1_000
ACKNOWLEDGED_S_MAX = 30.0
QUEUE_FULL_S_MAX = 60.0


class Loaded(msgspec.Struct):
    """What a load did. ``skipped`` rows had been acknowledged by an earlier run."""

    rows: int = 0
    good: int = 0
    bad: int = 0
    skipped: int = 0
    bad_rows: list[BadRow] = []
    zeros: int | None = None
    """Of a complete snapshot: rows of zero for what it does not list."""
    withheld: str = ""
    noun: str = "rows"
    """What is counted: rows, or orders of several rows."""


class Mark:
    """How many rows of a load are acknowledged, in a file that outlives the process."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._path = settings.environment.data_dir / "imports" / f"{name}.json"

    def read(self) -> int:
        """Rows that need not be sent again; 0 at first, or when the file is damaged."""
        try:
            return int(orjson.loads(self._path.read_bytes())["rows"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def write(self, rows: int) -> None:
        """Remember that so many rows are acknowledged."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(".new")
        with beside.open("wb") as file:
            file.write(orjson.dumps({"rows": rows}))
            file.flush()
            os.fsync(file.fileno())
        beside.rename(self._path)

    def clear(self) -> None:
        """The load is whole."""
        self._path.unlink(missing_ok=True)


class Sender:
    """Sends in bulk; ``flush`` returns when everything is acknowledged by every replica."""

    def __init__(self, settings: Settings) -> None:
        self._prefix = settings.prefix
        self._where = f"Kafka at {settings.kafka.bootstrap}"
        self._failure = ""
        config: dict[str, Any] = {
            "compression.type": "lz4",
            "linger.ms": 20,
            **confluent_config(settings),
            "acks": "all",
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
            "delivery.timeout.ms": int(ACKNOWLEDGED_S_MAX * 1000),
            "log_level": 0,
        }
        self._producer = Producer(config)

    def send(self, taken: Taken) -> None:
        """Queue one; UnavailableError when the queue stays full, or one before it failed."""
        deadline_s = time.monotonic() + QUEUE_FULL_S_MAX
        while True:
            try:
                self._producer.produce(
                    self._prefix + taken.topic,
                    taken.value,
                    taken.key,
                    on_delivery=self._told,
                    headers=list(taken.headers),
                )
            except BufferError:
                if time.monotonic() > deadline_s:
                    raise self._unavailable("the queue stays full") from None
                self._producer.poll(0.1)
            else:
                self._producer.poll(0)
                break
        if self._failure:
            raise self._unavailable(self._failure)

    def flush(self) -> None:
        """Wait for every acknowledgement; UnavailableError when one does not come."""
        left = self._producer.flush(ACKNOWLEDGED_S_MAX + 1)
        if left or self._failure:
            raise self._unavailable(self._failure or f"{left} rows still wait")

    def _told(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._failure = error.str()

    def _unavailable(self, why: str) -> UnavailableError:
        return UnavailableError(
            f"rows were not acknowledged: {why}",
            where=self._where,
            remedy="Check the broker, then run the same command: it goes on where it stopped.",
        )


def load(
    read: Iterable[Item],
    sender: Sender | None,
    mark: Mark,
    advance: Callable[[int], None],
) -> Loaded:
    """Send every good row; without ``sender`` only look. Rows before the mark are not sent again.

    Bad rows are told, the first thousand by name, and hold nothing up.
    """
    found = Loaded(skipped=mark.read() if sender else 0)
    for item in read:
        found.rows += 1
        if isinstance(item, Taken | tuple):
            found.good += 1
            if sender is not None and found.rows > found.skipped:
                for taken in item if isinstance(item, tuple) else (item,):
                    sender.send(taken)
        else:
            found.bad += 1
            found.bad_rows += item[: max(BAD_ROWS_TOLD_MAX - len(found.bad_rows), 0)]
        if found.rows % STEP_ROWS == 0:
            advance(STEP_ROWS)
        if sender is not None and found.rows % MARK_EVERY_ROWS == 0 and found.rows > found.skipped:
            sender.flush()
            mark.write(found.rows)
    advance(found.rows % STEP_ROWS)
    if sender is not None:
        sender.flush()
        mark.clear()
    return found
