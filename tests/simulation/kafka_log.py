"""Partitions and transactions of a Kafka in memory.

What its clients can tell apart is as on a broker: control records take offsets, markers are written
some time after the decision and partition by partition, the last stable offset is that of the first
open transaction, and an epoch that was superseded is refused everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException

from .world import World

Place = tuple[str, int]
MARKER_DELAYS_S = (0.0, 0.0, 0.0, 0.0, 0.02, 0.2, 1.5)


def kafka_error(code: int, what: str, *, fatal: bool = False) -> KafkaException:
    """An error as confluent-kafka raises it."""
    return KafkaException(KafkaError(code, what, fatal=fatal))


@dataclass(eq=False)
class Transaction:
    """What one epoch of a producer wrote between begin and end; ``marked`` says how it ended."""

    producer: str
    decided: bool | None = None
    places: list[Place] = field(default_factory=list)
    offsets: dict[str, dict[Place, int]] = field(default_factory=dict)
    marked: dict[Place, bool] = field(default_factory=dict)


class Entry:
    """A record, a control record, or an error in place of a record."""

    __slots__ = ("_at_ms", "_error", "_headers", "_key", "_offset", "_place", "_value", "txn")

    def __init__(
        self,
        place: Place,
        offset: int,
        at_ms: int,
        key: bytes | None = None,
        value: bytes | None = None,
        headers: list[tuple[str, bytes | None]] | None = None,
        txn: Transaction | None = None,
        error: KafkaError | None = None,
    ) -> None:
        self._place, self._offset, self._at_ms = place, offset, at_ms
        self._key, self._value, self._headers = key, value, headers
        self.txn, self._error = txn, error

    def topic(self) -> str:
        return self._place[0]

    def partition(self) -> int:
        return self._place[1]

    def offset(self) -> int:
        return self._offset

    def timestamp(self) -> tuple[int, int]:
        return (2, self._at_ms)

    def key(self) -> bytes | None:
        return self._key

    def value(self) -> bytes | None:
        return self._value

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        return self._headers

    def error(self) -> KafkaError | None:
        return self._error


class Partition:
    """One partition; None in ``entries`` is a control record."""

    def __init__(self) -> None:
        self.entries: list[Entry | None] = []
        self.open: dict[Transaction, int] = {}

    @property
    def high(self) -> int:
        return len(self.entries)

    @property
    def stable(self) -> int:
        return min(self.open.values()) if self.open else len(self.entries)

    def newest(self) -> Entry | None:
        """The newest committed record."""
        for offset in range(self.stable - 1, -1, -1):
            entry = self.entries[offset]
            if entry is not None and is_committed(entry):
                return entry
        return None

    def committed(self) -> list[Entry]:
        """What a reader of committed data sees."""
        return [entry for entry in self.entries[: self.stable] if entry and is_committed(entry)]


def is_committed(entry: Entry) -> bool:
    """Whether a reader of committed data may see an entry below the last stable offset."""
    txn = entry.txn
    return txn is None or txn.marked.get((entry.topic(), entry.partition()), False)


@dataclass
class _Producer:
    epoch: int = -1
    txn: Transaction | None = None
    markers_due: int = 0


class Log:
    """All partitions, and the coordinator of transactions."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.partitions: dict[Place, Partition] = {}
        self.group_offsets: dict[str, dict[Place, int]] = {}
        self._producers: dict[str, _Producer] = {}
        self._pending: dict[str, dict[Place, int]] = {}

    def partition(self, place: Place) -> Partition:
        found = self.partitions.get(place)
        if found is None:
            found = self.partitions[place] = Partition()
        return found

    def append(
        self,
        place: Place,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes | None]] | None = None,
        txn: Transaction | None = None,
    ) -> Entry:
        partition = self.partition(place)
        at_ms = self.world.broker_ms()
        entry = Entry(place, partition.high, at_ms, key, value, headers, txn)
        if txn is not None and place not in txn.places:
            txn.places.append(place)
            partition.open[txn] = partition.high
        partition.entries.append(entry)
        return entry

    # --- transactions -------------------------------------------------------------------------

    def fence(self, producer: str) -> int:
        """A new epoch; what an earlier one left open is aborted."""
        known = self._producers.setdefault(producer, _Producer())
        if known.txn is not None:
            self._decide(known, commit=False)
        known.epoch += 1
        return known.epoch

    def is_settled(self) -> bool:
        """Whether no transaction is open and every marker is written."""
        return not any(known.txn or known.markers_due for known in self._producers.values())

    def is_ending(self, producer: str) -> bool:
        """Whether markers of the producer's last transaction are still to be written."""
        return self._producers[producer].markers_due > 0

    def open_transaction(self, producer: str, epoch: int, timeout_s: float) -> Transaction:
        """The producer's open transaction, begun if there is none. _FENCED when superseded."""
        known = self._current(producer, epoch)
        if known.txn is None:
            txn = known.txn = Transaction(producer)
            self.world.at(timeout_s, lambda: self._time_out(producer, txn))
        return known.txn

    def add_offsets(self, txn: Transaction, group: str, offsets: dict[Place, int]) -> None:
        """Offsets that become the group's with the commit."""
        held = txn.offsets.setdefault(group, {})
        waiting = self._pending.setdefault(group, {})
        for place in offsets.keys() - held.keys():
            waiting[place] = waiting.get(place, 0) + 1
        held.update(offsets)

    def are_stable(self, group: str, places: list[Place]) -> bool:
        """Whether no open transaction holds offsets of these."""
        waiting = self._pending.get(group, {})
        return not any(waiting.get(place) for place in places)

    def end_transaction(self, producer: str, epoch: int, *, commit: bool) -> None:
        """Decide the open transaction, if there is one. _FENCED when superseded."""
        known = self._current(producer, epoch)
        if known.txn is not None:
            self._decide(known, commit=commit)

    def _current(self, producer: str, epoch: int) -> _Producer:
        known = self._producers[producer]
        if known.epoch != epoch:
            raise kafka_error(KafkaError._FENCED, f"{producer} was fenced", fatal=True)
        return known

    def _time_out(self, producer: str, txn: Transaction) -> None:
        known = self._producers[producer]
        if known.txn is txn:
            self.world.tell("broker", f"aborts the transaction of {producer}: timed out")
            known.epoch += 1
            self._decide(known, commit=False)

    def _decide(self, known: _Producer, *, commit: bool) -> None:
        txn, known.txn = known.txn, None
        assert txn is not None
        txn.decided = commit
        markers: list[Callable[[], None]] = [
            lambda place=place: self._mark(txn, place) for place in txn.places
        ]
        markers += [lambda group=group: self._settle_offsets(txn, group) for group in txn.offsets]
        known.markers_due += len(markers)
        for marker in markers:
            delay_s = self.world.random.choice(MARKER_DELAYS_S)
            if delay_s:
                self.world.at(delay_s, lambda marker=marker: self._write(known, marker))
            else:
                self._write(known, marker)

    @staticmethod
    def _write(known: _Producer, marker: Callable[[], None]) -> None:
        marker()
        known.markers_due -= 1

    def _mark(self, txn: Transaction, place: Place) -> None:
        partition = self.partitions[place]
        txn.marked[place] = bool(txn.decided)
        partition.entries.append(None)
        del partition.open[txn]

    def _settle_offsets(self, txn: Transaction, group: str) -> None:
        waiting, offsets = self._pending[group], txn.offsets[group]
        for place in offsets:
            waiting[place] -= 1
        if txn.decided:
            self.group_offsets.setdefault(group, {}).update(offsets)
