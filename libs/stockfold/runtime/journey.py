"""What happened under one correlation id, step by step, as the read model has kept it.

From what came in, over what was decided and told, to what each shop made of it. It needs no
tracing: every record names what it came of.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal

import asyncpg
import msgspec

from stockfold.explain.words import duration

STEPS_MAX = 500
"""Steps of one journey that are told; what has more is an import, and told by its SKUs."""

Stage = Literal["input", "order", "journal", "answer", "availability", "delivery", "exception"]

_INPUTS = """
SELECT cause_topic AS topic, cause_partition AS partition, cause_offset AS record_offset,
    caused_at AS at, min(occurred_at) AS occurred_at, min(source) AS source,
    min(event_id) AS event_id, min(sku) AS sku
FROM journal WHERE correlation_id = $1 AND correlation_id <> '' AND caused_at IS NOT NULL
GROUP BY 1, 2, 3, 4 ORDER BY caused_at LIMIT $2
"""
_JOURNAL = """
SELECT sku, seq, partition, record_offset, kind, source, event_id, recorded_at AS at, caused_at,
    flags
FROM journal WHERE correlation_id = $1 AND correlation_id <> ''
ORDER BY recorded_at, sku, seq LIMIT $2
"""
_ANSWERS = """
SELECT s.sku, s.seq, s.partition, s.status, s.reason, s.quantity, s.order_id, s.line,
    s.recorded_at AS at
FROM reservation_status s JOIN journal j ON j.sku = s.sku AND j.seq = s.seq
WHERE j.correlation_id = $1 AND j.correlation_id <> ''
ORDER BY s.recorded_at, s.sku, s.seq LIMIT $2
"""
_ORDERS = """
SELECT channel, order_id, version, status, reason, told, source, event_id, partition,
    record_offset, recorded_at AS at
FROM order_history WHERE correlation_id = $1 AND correlation_id <> ''
ORDER BY recorded_at, record_offset LIMIT $2
"""
_AVAILABILITY = """
SELECT channel, sku, version, quantity, status, seq, partition, record_offset,
    coalesce(told_at, recorded_at) AS at, recorded_at
FROM availability_history WHERE correlation_id = $1 AND correlation_id <> ''
ORDER BY coalesce(told_at, recorded_at), record_offset LIMIT $2
"""
_DELIVERIES = """
SELECT channel, sku, version, quantity, outcome, attempts, detail, partition, record_offset,
    sent_at AS at, finished_at
FROM delivery_history WHERE correlation_id = $1 AND correlation_id <> ''
ORDER BY sent_at, record_offset LIMIT $2
"""
_EXCEPTIONS = """
SELECT kind, folded, sku, source, event_id, cause_topic, cause_partition, cause_offset, partition,
    record_offset, caused_at, recorded_at AS at
FROM exceptions WHERE correlation_id = $1 AND correlation_id <> ''
ORDER BY recorded_at, record_offset LIMIT $2
"""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step. ``until`` is later than ``at`` where it took time. ``offset`` -1: not known.

    ``topic`` is without the environment's prefix.
    """

    stage: Stage
    at: datetime
    until: datetime
    title: str
    detail: str = ""
    ok: bool = True
    topic: str = ""
    partition: int = 0
    offset: int = -1
    sku: str = ""
    channel: str = ""
    order: str = ""

    @property
    def place(self) -> str:
        """Such as ``journal.v1/3/107``; empty when it lies nowhere of its own."""
        name = self.topic.removeprefix("stockfold.")
        return f"{name}/{self.partition}/{self.offset}" if self.offset >= 0 else name


class Journey(msgspec.Struct, frozen=True):
    """All steps, by the time that they began; ``more`` when there are more than are told."""

    correlation_id: str
    steps: tuple[Step, ...]
    more: bool = False

    @property
    def took(self) -> timedelta:
        """From the first step's begin to the last one's end."""
        if not self.steps:
            return timedelta(0)
        return max(step.until for step in self.steps) - self.steps[0].at


def lasted(us: int) -> str:
    """A time between steps: such as ``3.2 ms``, ``1.24 s``, ``5 min``."""
    if us < 1_000_000:
        return f"{us / 1_000:.3g} ms" if us else "0"
    return f"{us / 1_000_000:.3g} s" if us < 100_000_000 else duration(us)


async def journey_of(connection: asyncpg.Connection, correlation_id: str) -> Journey:
    """The journey; without steps when nothing of it is known (here, by now, or any more)."""
    steps: list[Step] = []
    more = False
    for query, read in _READERS:
        rows = await connection.fetch(query, correlation_id, STEPS_MAX + 1)
        more = more or len(rows) > STEPS_MAX
        steps += [step for row in rows[:STEPS_MAX] for step in read(row)]
    # What was refused came in as well, and is told of once.
    steps = list({(step.stage, step.place, step.title): step for step in steps}.values())
    steps.sort(key=lambda step: (step.at, _ORDER.index(step.stage), step.place))
    return Journey(correlation_id, tuple(steps[:STEPS_MAX]), more or len(steps) > STEPS_MAX)


_ORDER: tuple[Stage, ...] = (
    "input",
    "order",
    "journal",
    "answer",
    "exception",
    "availability",
    "delivery",
)


def _input(row: asyncpg.Record) -> Iterator[Step]:
    late = row["at"] - row["occurred_at"]
    yield Step(
        stage="input",
        at=row["at"],
        until=row["at"],
        title=f"event {row['event_id']} of {row['source']}",
        detail=f"occurred {late.total_seconds():,.1f} s before" if late > timedelta(0) else "",
        topic=row["topic"],
        partition=row["partition"],
        offset=row["record_offset"],
        sku=row["sku"],
    )


def _fact(row: asyncpg.Record) -> Iterator[Step]:
    yield Step(
        stage="journal",
        at=row["caused_at"] or row["at"],
        until=row["at"],
        title=f"{row['kind']} of {row['sku']}",
        detail=", ".join([f"fact {row['seq']}", *row["flags"]]),
        topic="stockfold.journal.v1",
        partition=row["partition"],
        offset=row["record_offset"],
        sku=row["sku"],
    )


def _answer(row: asyncpg.Record) -> Iterator[Step]:
    yield Step(
        stage="answer",
        at=row["at"],
        until=row["at"],
        title=f"{row['quantity']} of {row['sku']} {row['status'].replace('_', ' ')}",
        detail=row["reason"].replace("_", " "),
        ok=row["status"] != "rejected",
        topic="stockfold.reservation-status.v1",
        partition=row["partition"],
        sku=row["sku"],
        order=row["order_id"],
    )


def _order(row: asyncpg.Record) -> Iterator[Step]:
    yield Step(
        stage="order",
        at=row["at"],
        until=row["at"],
        title=f"order {row['order_id']} of {row['channel']} {row['status'].replace('_', ' ')}",
        detail=row["reason"].replace("_", " ") or f"the channel says {row['told']}",
        topic="stockfold.order-status.v1",
        partition=row["partition"],
        offset=row["record_offset"],
        channel=row["channel"],
        order=row["order_id"],
    )


def _told(row: asyncpg.Record) -> Iterator[Step]:
    yield Step(
        stage="availability",
        at=row["recorded_at"],
        until=row["at"],
        title=f"{row['channel']} may show {row['quantity']} of {row['sku']}",
        detail=f"version {row['version']}, {row['status'].replace('_', ' ')}",
        topic="stockfold.availability.v1",
        partition=row["partition"],
        offset=row["record_offset"],
        sku=row["sku"],
        channel=row["channel"],
    )


def _delivery(row: asyncpg.Record) -> Iterator[Step]:
    tries = "no request" if not row["attempts"] else f"{row['attempts']} request"
    yield Step(
        stage="delivery",
        at=row["at"],
        until=row["finished_at"],
        title=f"{row['channel']}: {row['sku']} {row['outcome'].replace('_', ' ')}, "
        f"{row['quantity']} shown",
        detail=", ".join(
            part
            for part in (
                f"version {row['version']}",
                tries + ("s" if row["attempts"] > 1 else ""),
                row["detail"],
            )
            if part
        ),
        ok=row["outcome"] in ("applied", "superseded", "shadow"),
        topic="stockfold.deliveries.v1",
        partition=row["partition"],
        offset=row["record_offset"],
        sku=row["sku"],
        channel=row["channel"],
    )


def _exception(row: asyncpg.Record) -> Iterator[Step]:
    if row["caused_at"] is not None and row["cause_topic"]:
        yield Step(
            stage="input",
            at=row["caused_at"],
            until=row["caused_at"],
            title=f"event {row['event_id']} of {row['source']}",
            topic=row["cause_topic"],
            partition=row["cause_partition"],
            offset=row["cause_offset"],
            sku=row["sku"],
        )
    yield Step(
        stage="exception",
        at=row["at"],
        until=row["at"],
        title=row["kind"].replace("_", " "),
        detail="folded all the same" if row["folded"] else "not folded",
        ok=False,
        topic="stockfold.exceptions.v1",
        partition=row["partition"],
        offset=row["record_offset"],
        sku=row["sku"],
    )


_READERS = (
    (_INPUTS, _input),
    (_ORDERS, _order),
    (_JOURNAL, _fact),
    (_ANSWERS, _answer),
    (_AVAILABILITY, _told),
    (_DELIVERIES, _delivery),
    (_EXCEPTIONS, _exception),
)
