"""One SKU's state, folded from the journal on the broker: for commands that ask about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stockfold.contracts.journal import Mark, decode_entry
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import JOURNAL
from stockfold.ledger.evolve import evolve
from stockfold.ledger.facts import Fact
from stockfold.ledger.state import SkuState
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings


def facts_of(settings: Settings, sku: str) -> Iterator[Fact]:
    """The SKU's facts in order. Reads its whole journal partition."""
    key = sku.encode()
    partition = partition_of(key, settings.kafka.sku_partitions)
    for batch in PartitionReader(settings).read(JOURNAL, partition):
        for record in batch:
            if record.key() == key:
                entry = decode_entry(record.value())
                assert not isinstance(entry, Mark), "marks have no key"
                yield entry


def state_of(settings: Settings, sku: str) -> SkuState:
    """The SKU's state after all of its facts; empty (seq 0) when it has none."""
    state = SkuState(sku)
    for fact in facts_of(settings, sku):
        evolve(state, fact)
    return state


def states_of(settings: Settings, skus: Iterable[str]) -> dict[str, SkuState]:
    """The states of several SKUs; each of their partitions is read once."""
    states = {sku: SkuState(sku) for sku in skus}
    wanted: dict[int, dict[bytes, SkuState]] = {}
    for sku, state in states.items():
        key = sku.encode()
        partition = partition_of(key, settings.kafka.sku_partitions)
        wanted.setdefault(partition, {})[key] = state
    reader = PartitionReader(settings)
    for partition, mine in wanted.items():
        for batch in reader.read(JOURNAL, partition):
            for record in batch:
                found = mine.get(record.key() or b"")
                if found is not None:
                    entry = decode_entry(record.value())
                    assert not isinstance(entry, Mark), "marks have no key"
                    evolve(found, entry)
    return states
