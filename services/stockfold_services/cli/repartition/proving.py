"""Proof that two journals hold the same: per SKU the same facts in order, and equal digests."""

from __future__ import annotations

import msgspec

from stockfold.contracts.journal import Mark, decode_entry
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import JOURNAL
from stockfold.domain.errors import DefectError
from stockfold.ledger.digest import MODULUS, digest
from stockfold.ledger.evolve import evolve
from stockfold.ledger.state import SkuState
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings


class Journal(msgspec.Struct):
    """What folding a journal gives. ``marks`` are the newest by partition: next offset by topic."""

    facts: int = 0
    skus: int = 0
    digest: str = ""
    ends: dict[int, int] = {}
    marks: dict[int, dict[str, int]] = {}


def fold(settings: Settings, *, at_home: bool = False) -> Journal:
    """Fold a journal, a partition at a time; DefectError when a SKU's sequence has a gap.

    With ``at_home`` also when a SKU is in a partition that its key does not lead to.
    """
    reader = PartitionReader(settings)
    found = Journal()
    total = 0
    for partition in range(settings.kafka.sku_partitions):
        end = reader.stable_end(JOURNAL, partition)
        states: dict[str, SkuState] = {}
        for batch in reader.read(JOURNAL, partition, None, end):
            for record in batch:
                _fold_one(settings, found, states, partition, record)
        if at_home:
            _refuse_strays(settings, states, partition)
        found.ends[partition] = end
        found.skus += len(states)
        total = (total + int(digest(states.values()), 16)) % MODULUS
    found.digest = f"{total:032x}"
    return found


def _fold_one(
    settings: Settings,
    found: Journal,
    states: dict[str, SkuState],
    partition: int,
    record: Record,
) -> None:
    entry = decode_entry(record.value())
    if isinstance(entry, Mark):
        found.marks[partition] = entry.next_offsets
        return
    sku = entry.cause.sku
    state = states.setdefault(sku, SkuState(sku))
    where = f"{JOURNAL.full_name(settings.prefix)} partition {partition} offset {record.offset()}"
    if entry.seq != state.seq + 1:
        raise DefectError(f"SKU {sku} has fact {entry.seq} after fact {state.seq}", where=where)
    evolve(state, entry)
    found.facts += 1


def _refuse_strays(settings: Settings, states: dict[str, SkuState], partition: int) -> None:
    for sku in states:
        if partition_of(sku.encode(), settings.kafka.sku_partitions) != partition:
            raise DefectError(
                f"SKU {sku} does not belong here",
                where=f"{JOURNAL.full_name(settings.prefix)} partition {partition}",
            )


def refuse_difference(source: Journal, target: Journal) -> None:
    """DefectError when the copy is not the same."""
    for name in ("facts", "skus", "digest"):
        was, now = getattr(source, name), getattr(target, name)
        if was != now:
            raise DefectError(
                f"the copy has other {name}: {now} instead of {was}",
                where="the journals of both environments",
                remedy="Do not use the copy. Find out who wrote to either journal meanwhile, then "
                "run the command again with --restart.",
            )
