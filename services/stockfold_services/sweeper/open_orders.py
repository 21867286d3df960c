"""The orders of a channel that hold stock, or wait for it, as the orders service last told."""

from __future__ import annotations

import logging

from stockfold.contracts.codec import decode
from stockfold.contracts.topics import ORDER_STATUS
from stockfold.domain.errors import ContractError
from stockfold.orders.lifecycle import FULFILLED, RELEASED
from stockfold.runtime.kafka import partitions_of
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)

_ENDED = (RELEASED, FULFILLED)


def open_orders(settings: Settings, channel: str) -> list[str]:
    """Their ids. Reads the whole topic, and is for a thread; UnavailableError."""
    found: dict[str, None] = {}
    head = f"{channel}|".encode()
    reader = PartitionReader(settings)
    for partition in range(partitions_of(settings, ORDER_STATUS)):
        for batch in reader.read(ORDER_STATUS, partition):
            for record in batch:
                key, value = record.key() or b"", record.value()
                if not key.startswith(head):
                    continue
                try:
                    order, ended = _told(key[len(head) :].decode(), value)
                except (ContractError, UnicodeDecodeError) as error:
                    log.error("an order's status cannot be read: %s", error)  # noqa: TRY400
                    continue
                if ended:
                    found.pop(order, None)
                else:
                    found[order] = None
    return list(found)


def _told(order: str, value: bytes | None) -> tuple[str, bool]:
    return order, value is None or decode(value)[1]["status"] in _ENDED
