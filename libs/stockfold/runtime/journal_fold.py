"""The scalar fold of one partition's journal: every fact decoded and evolved, one by one.

This is the definition. ``journal_columns`` gives the same numbers faster, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stockfold.contracts.journal import Mark, decode_entry
from stockfold.contracts.places import Record as PlaceRecord
from stockfold.contracts.places import Touched, place_record, places_changed
from stockfold.domain.errors import DefectError
from stockfold.ledger.evolve import evolve
from stockfold.ledger.state import SkuState
from stockfold.runtime.records import Record
from stockfold.runtime.resting_skus import States


class JournalFold:
    """The SKUs of a partition, and why each of their places was last changed.

    ``states`` are those of a snapshot, where the fold begins with one.
    """

    def __init__(self, partition: int, states: States | None = None) -> None:
        self.partition = partition
        self.states: States = {} if states is None else states
        self.touched: dict[tuple[str, str], Touched] = {}
        self.facts = 0

    def add(self, records: Sequence[Record]) -> None:
        """Fold records of the journal, in order. DefectError when a SKU's sequence has a gap."""
        states, touched = self.states, self.touched
        for record in records:
            fact = decode_entry(record.value())
            if isinstance(fact, Mark):
                continue
            cause = fact.cause
            sku = cause.sku
            state = states.get(sku)
            if state is None:
                state = states[sku] = SkuState(sku)
            if fact.seq != state.seq + 1:
                raise DefectError(
                    f"SKU {sku} has fact {fact.seq} after fact {state.seq}",
                    where=f"journal partition {self.partition} offset {record.offset()}",
                    remedy="The journal was changed, or written by two ledgers: restore it.",
                )
            evolve(state, fact)
            self.facts += 1
            why = Touched(fact.recorded_us, cause.correlation_id, cause.caused_us)
            for place in places_changed(fact):
                touched[(sku, place)] = why

    @property
    def skus(self) -> int:
        """SKUs that have facts."""
        return len(self.states)

    def records(self) -> Iterator[PlaceRecord]:
        """The record of every place that was changed."""
        for (sku, place), why in self.touched.items():
            yield place_record(self.states[sku], place, why)
