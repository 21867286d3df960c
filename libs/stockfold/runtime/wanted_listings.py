"""What every listing of a channel shall show, read whole from the compacted availability."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from stockfold.channels import Promise, StockUpdate
from stockfold.contracts.codec import decode
from stockfold.contracts.topics import AVAILABILITY
from stockfold.domain.errors import ContractError
from stockfold.runtime.kafka_errors import MAKE_TOPICS, reading
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)


def wanted_listings(
    settings: Settings, channel: str, partitions: int
) -> Iterator[dict[str, StockUpdate]]:
    """The newest update of each SKU, those of each partition together.

    ``partitions`` is how many availability has on the broker. What cannot be read is told in the
    log and left out, as the publisher does. UnavailableError when Kafka does not answer.
    """
    prefix = f"{channel}|".encode()
    with reading(settings, AVAILABILITY, MAKE_TOPICS):
        reader = PartitionReader(settings)
        for partition in range(partitions):
            newest: dict[bytes, bytes] = {}
            end = reader.settled_end(AVAILABILITY, partition)
            for batch in reader.read(AVAILABILITY, partition, end=end):
                for record in batch:
                    key, value = record.key() or b"", record.value()
                    if key.startswith(prefix) and value is not None:
                        newest[key] = value
                    elif value is None:
                        newest.pop(key, None)
            updates = [_update(value) for value in newest.values()]
            yield {update.sku: update for update in updates if update is not None}


def _update(value: bytes) -> StockUpdate | None:
    try:
        _, body = decode(value)
    except ContractError as error:
        log.error("availability cannot be read and is left out: %s", error)  # noqa: TRY400
        return None
    return update_of(body)


def update_of(availability: Mapping[str, Any]) -> StockUpdate:
    """What a record of availability asks a channel to show."""
    promise = Promise(
        availability["status"], availability["next_available"], availability["lead_time_days"]
    )
    return StockUpdate(
        availability["sku"],
        availability["quantity"],
        availability["version"],
        promise=promise,
        locations=locations_of(availability["locations"]),
    )


def locations_of(rows: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, int], ...]:
    """See ``StockUpdate.locations``."""
    return tuple((row["location"], row["quantity"]) for row in rows)
