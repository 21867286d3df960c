"""What every listing of a channel shall show, read whole from the compacted availability."""

from __future__ import annotations

import logging
from collections.abc import Iterator

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
    promise = Promise(body["status"], body["next_available"], body["lead_time_days"])
    return StockUpdate(body["sku"], body["quantity"], body["version"], 0, promise)
