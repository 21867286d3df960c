"""The restored journal: its fillers, and the outputs that are made from it again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stockfold.contracts.codec import schema_of
from stockfold.contracts.journal import Mark, decode_entry, encode_mark
from stockfold.contracts.topics import POSITIONS, RESERVATION_STATUS, Topic
from stockfold.domain.errors import DefectError
from stockfold.ledger.evolve import evolve
from stockfold.ledger.facts import Fact
from stockfold.ledger.state import SkuState
from stockfold.runtime.processor import Outputs
from stockfold_services.cli.archiving.segments import Kept
from stockfold_services.cli.archiving.sending import FILLER
from stockfold_services.ledger.outputs import BatchOutputs

_HEADER = (FILLER, b"1")


def with_fillers(partition: int, records: Iterable[Kept], end: int) -> Iterator[Kept]:
    """The records, and at every offset that has none the last mark once more.

    The ledger writes a marker with every transaction, far too many to be made one by one; and
    folding a mark again changes nothing.
    """
    mark, at_ms, free = encode_mark(partition, {}, 0), 1, 0
    for record in records:
        for offset in range(free, record.offset):
            yield Kept(offset, at_ms, None, mark, [_HEADER])
        yield record
        free, at_ms = record.offset + 1, record.at_ms
        if record.key is None and schema_of(record.value).name == "stockfold.InputsRead":
            assert record.value is not None
            mark = record.value
    for offset in range(free, end):
        yield Kept(offset, at_ms, None, mark, [_HEADER])


def is_filler(record: Kept) -> bool:
    """Whether ``with_fillers`` made it."""
    return _HEADER in record.headers


class JournalOutputs(Outputs):
    """Folds one journal partition, and keeps what the ledger wrote beside it, as it wrote it."""

    def __init__(self, partition: int, statuses_from_us: int) -> None:
        self._partition = partition
        self._statuses_from_us = statuses_from_us
        self._batch: BatchOutputs | None = None
        self._batch_us = 0
        self.states: dict[str, SkuState] = {}
        self.positions: dict[bytes, tuple[int, bytes]] = {}
        """By key: (recorded, UTC microseconds; value)."""
        self.statuses: list[Kept] = []
        self.facts = 0

    def fold(self, record: Kept) -> None:
        """Take one record of the journal. DefectError when a SKU's sequence has a gap."""
        entry = decode_entry(record.value)
        if isinstance(entry, Mark):
            if self._batch is not None:
                self._batch.finish({})
                self._batch = None
            return
        sku = entry.cause.sku
        state = self.states.get(sku)
        if state is None:
            state = self.states[sku] = SkuState(sku)
        if entry.seq != state.seq + 1:
            raise DefectError(
                f"SKU {sku} has fact {entry.seq} after fact {state.seq}",
                where=f"journal partition {self._partition} offset {record.offset}",
                remedy="The archive is not whole: restore from another copy.",
            )
        evolve(state, entry)
        self.facts += 1
        self._tell(state, entry)

    def _tell(self, state: SkuState, fact: Fact) -> None:
        if self._batch is None:
            self._batch_us = fact.recorded_us
            self._batch = BatchOutputs(self, self._partition, fact.recorded_us)
        self._batch.facts(state, [fact])

    def produce(
        self,
        topic: Topic,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, str | bytes | None]] | None = None,
    ) -> None:
        """What the ledger writes; see ``stockfold.runtime.processor.Outputs``."""
        del partition, headers
        if topic is POSITIONS:
            assert key is not None
            assert value is not None
            self.positions[key] = (self._batch_us, value)
        elif topic is RESERVATION_STATUS and self._batch_us >= self._statuses_from_us:
            self.statuses.append(Kept(0, self._batch_us // 1000, key, value, []))
