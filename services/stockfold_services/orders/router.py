"""Hands the ledger's answers on to whoever has the order's partition.

The ledger answers by SKU, an order is decided in one place: between the two the answers change
their key. Without memory; an answer handed on twice is known by the SKU's sequence number.
"""

from __future__ import annotations

from collections.abc import Sequence

from stockfold.contracts.codec import decode
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import ORDER_ANSWERS, RESERVATION_STATUS, Topic
from stockfold.orders.words import split_ledger_order
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.processor import Outputs
from stockfold.runtime.records import Record


class AnswerRouter:
    """A processor of the exactly-once loop."""

    name = "order-answers"
    inputs: Sequence[Topic] = (RESERVATION_STATUS,)

    def __init__(self, order_partitions: int) -> None:
        self._order_partitions = order_partitions

    def recover(self, partition: int, reader: PartitionReader) -> None:
        """Nothing is remembered: reading goes on where the group has committed."""

    def drop(self, partition: int) -> None:
        """Nothing is remembered."""

    def process(self, partition: int, records: Sequence[Record], out: Outputs, now_us: int) -> None:
        """Hand on those that are about orders of ours; every other claim is somebody else's."""
        del partition, now_us
        for record in records:
            value = record.value()
            _, status = decode(value)
            order = split_ledger_order(status["order"], status["channel"])
            if order is not None:
                key = f"{status['channel']}|{order}".encode()
                number = partition_of(key, self._order_partitions)
                # Of a status the ledger's trace is the only header there may be.
                out.produce(ORDER_ANSWERS, number, key, value, [*(record.headers() or ())] or None)

    def tick_due(self, now_us: int) -> bool:
        """Time brings nothing."""
        del now_us
        return False

    def tick(self, out: Outputs, now_us: int) -> None:
        """Time brings nothing."""
