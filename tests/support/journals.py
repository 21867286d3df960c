"""Journals of the real ledger for generated histories, with the positions that it told."""

from __future__ import annotations

from collections.abc import Iterable

from stockfold.contracts.codec import decode
from stockfold.contracts.topics import JOURNAL, POSITIONS
from stockfold.domain.errors import ContractError
from stockfold.runtime.records import LoopRecord

from .histories import Input
from .ledger_process import LedgerProcess


class Journal:
    """What a ledger wrote: the journal's records, and the last position record of each place."""

    def __init__(self, process: LedgerProcess) -> None:
        self.process = process
        self.records: list[LoopRecord] = process.log.records.get(JOURNAL.name, [])
        self.positions: dict[tuple[str, str], dict] = {}
        for message in process.log.records.get(POSITIONS.name, []):
            record = decode(message.value())[1]
            self.positions[record["sku"], record.get("location", "")] = record


def journal_of(history: Iterable[Input]) -> Journal:
    """Tell a ledger a history, one input a transaction, and let its timers run."""
    process = LedgerProcess()
    for item in history:
        process.now_us = item.now_us
        if process.processor.tick_due(item.now_us):
            process.processor.tick(process.log, item.now_us)
        try:
            process.tell(
                item.event_type,
                source=item.source,
                event_id=item.event_id,
                occurred_us=item.occurred_us,
                **item.body,
            )
        except ContractError:
            continue
    return Journal(process)


def without_seq(record: dict) -> dict:
    """A position record in canonical form.

    Without the number of the fact that it is as of: the ledger names the last of its batch, a
    rebuild the last of the SKU. Lists are sorted.
    """
    kept = {name: value for name, value in record.items() if name != "seq"}
    for name, value in kept.items():
        if isinstance(value, list):
            kept[name] = sorted(value, key=str)
    return kept
