"""A ledger in memory that is told a generated history, and followers of the journal it writes."""

from __future__ import annotations

from collections.abc import Sequence

from stockfold.contracts.topics import JOURNAL
from stockfold.domain.errors import ContractError
from stockfold.runtime.partition_memory import Partition
from stockfold.runtime.records import LoopRecord

from .histories import Input
from .ledger_process import LedgerProcess

IDS_MAX = 20
"""So few that event ids are forgotten, and finished entities with them."""


def tell(ledger: LedgerProcess, events: Sequence[Input]) -> None:
    """Tell a history, time's own events between; the ERP numbers what it says."""
    for event in events:
        ledger.now_us = event.now_us
        body = {name: value for name, value in event.body.items() if name != "sku"}
        try:
            ledger.tell(
                event.event_type,
                source=event.source,
                sku=event.body["sku"],
                event_id=event.event_id,
                occurred_us=event.occurred_us,
                sequence=int(event.event_id[1:]) if event.source == "erp" else None,
                **body,
            )
        except ContractError:
            continue  # No producer can encode it.
        if ledger.processor.tick_due(event.now_us):
            ledger.processor.tick(ledger.log, event.now_us)


def journal(ledger: LedgerProcess) -> list[LoopRecord]:
    """What the ledger wrote."""
    return ledger.log.records.get(JOURNAL.name, [])


def folded(records: Sequence[LoopRecord], into: Partition | None = None) -> Partition:
    """A follower's memory."""
    memory = into or Partition(0, IDS_MAX)
    for record in records:
        memory.fold(record.value(), record.offset())
    return memory
