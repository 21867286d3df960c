"""What a complete snapshot is compared with: the positions and aliases as Kafka has them now."""

from __future__ import annotations

from collections.abc import Iterator

from stockfold.contracts.complete_runs import CompleteRun, Place, PositionRecord
from stockfold.contracts.reference import decode_reference
from stockfold.contracts.topics import POSITIONS, REFERENCE
from stockfold.domain.errors import ContractError
from stockfold.domain.reference import Alias
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings


def missing_of(run: CompleteRun, settings: Settings) -> list[tuple[Place, str]]:
    """What the run does not list; UnavailableError when Kafka does not answer.

    Reads every position, so it takes a while: some seconds for a million.
    """
    reader = PartitionReader(settings)
    return run.missing(_positions(settings, reader), list(_aliases(reader)))


def _positions(settings: Settings, reader: PartitionReader) -> Iterator[PositionRecord]:
    for partition in range(settings.kafka.sku_partitions):
        for batch in reader.read(POSITIONS, partition):
            for record in batch:
                key, value = record.key(), record.value()
                # Without a location it is the summary of a SKU.
                if key is not None and value is not None and not key.startswith(b"|"):
                    yield key, value


def _aliases(reader: PartitionReader) -> Iterator[Alias]:
    for batch in reader.read(REFERENCE, 0):
        for record in batch:
            if record.value() is None:
                continue
            try:
                known = decode_reference(record.value(), record.key())
            except ContractError:  # The ledger's log tells it; the record before stays in force.
                continue
            if isinstance(known, Alias):
                yield known
