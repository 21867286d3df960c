"""A fact with its place in the journal, and how an answer shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar, dataclass_transform

import msgspec

from stockfold.domain.times import from_us
from stockfold.explain.describe import describe
from stockfold.ledger.facts import Fact

T = TypeVar("T")


class Entry(msgspec.Struct, frozen=True):
    """One fact of a SKU as the journal holds it: at ``offset`` of ``partition``."""

    fact: Fact
    partition: int
    offset: int


History = Sequence[Entry]
"""The facts of one SKU, all of them, in journal order."""


@dataclass_transform(frozen_default=True)
def answer(cls: type[T]) -> type[T]:
    """A part of an answer: a frozen dataclass whose attribute docstrings document the interface."""
    cls.__pydantic_config__ = {"use_attribute_docstrings": True}  # type: ignore[attr-defined]
    return dataclass(frozen=True, slots=True)(cls)


@answer
class Place:
    """Where a record lies."""

    topic: str
    """Topic, without the environment prefix."""
    partition: int
    """Partition."""
    offset: int
    """Offset."""


@answer
class Evidence:
    """A fact of the journal, with everything that it takes to find it and its producer."""

    seq: int
    """Number of the fact within the SKU."""
    kind: str
    """Kind of the fact."""
    what: str
    """What happened, in words."""
    journal: Place
    """The fact's own place in the journal."""
    cause: Place | None
    """The event that caused it; null for what the ledger decided by its own clock."""
    source: str
    """The producer of that event."""
    event_id: str
    """The producer's id of that event."""
    correlation_id: str
    """The business that it belongs to."""
    occurred_at: datetime
    """When it happened, as the producer told."""
    broker_at: datetime | None
    """When the event reached the broker."""
    recorded_at: datetime
    """When the ledger journalled the fact."""
    late_ms: int
    """How long after it happened it was recorded."""
    flags: tuple[str, ...]
    """Findings that the fact caused."""


def evidence(entry: Entry) -> Evidence:
    """A fact as an answer shows it."""
    fact = entry.fact
    cause = fact.cause
    return Evidence(
        seq=fact.seq,
        kind=fact.kind,
        what=describe(fact),
        journal=Place("stockfold.journal.v1", entry.partition, entry.offset),
        cause=Place(cause.topic, cause.partition, cause.offset) if cause.topic else None,
        source=cause.source,
        event_id=cause.event_id,
        correlation_id=cause.correlation_id,
        occurred_at=from_us(fact.occurred_us),
        broker_at=from_us(cause.caused_us) if cause.caused_us else None,
        recorded_at=from_us(fact.recorded_us),
        late_ms=late_us(fact) // 1000,
        flags=fact.flags,
    )


def late_us(fact: Fact) -> int:
    """How long after it happened a fact was recorded."""
    return max(fact.recorded_us - fact.occurred_us, 0)
