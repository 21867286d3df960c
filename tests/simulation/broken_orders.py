"""Orders with one mistake each, the kind that sells twice or loses. The simulation must notice."""

from __future__ import annotations

from itertools import count
from typing import Any

import msgspec

from stockfold.contracts.topics import ORDER_JOURNAL
from stockfold.orders.facts import Forgotten, Given, OrderTold
from stockfold.runtime.order_snapshots import recover_orders
from stockfold_services.orders.processor import OrdersProcessor

from .broken import BROKEN
from .orders import OrderParts


class _ForgetsWhatItForgot(OrdersProcessor):
    """Takes a forgotten order for a new one."""

    def recover(self, partition: int, reader: Any) -> dict[str, int]:
        starts = super().recover(partition, reader)
        self.partitions[partition].forgotten.get = _nothing  # type: ignore[method-assign]
        return starts


def _nothing(key: str) -> Forgotten | None:
    del key
    return None


class _BelievesTheLastToCome(OrdersProcessor):
    """Takes whatever comes later for newer, whatever its revision says."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._come = count(1_000)

    def _read(self, schema: str, body: Any) -> Given:
        given = super()._read(schema, body)
        if isinstance(given, OrderTold):
            order = msgspec.structs.replace(given.order, revision=next(self._come))
            return OrderTold(order)
        return given


class _TrustsTheSnapshotAlone(OrdersProcessor):
    """Goes on from the snapshot, without what the journal has behind it."""

    def recover(self, partition: int, reader: Any) -> dict[str, int]:
        starts = super().recover(partition, reader)
        end = reader.stable_end(ORDER_JOURNAL, partition)
        _, head = recover_orders(reader, self._snapshots, partition, end)
        if head is not None:
            self.partitions[partition] = self._snapshots.load(partition, head.next_offset)[1]
            return dict(head.next_offsets)
        return starts


BROKEN_ORDERS: dict[str, OrderParts] = {
    "a forgotten order is taken for a new one": OrderParts(orders=_ForgetsWhatItForgot),
    "what comes last is taken for the newest": OrderParts(orders=_BelievesTheLastToCome),
    "the journal behind a snapshot is not folded": OrderParts(orders=_TrustsTheSnapshotAlone),
    **{
        mistake: OrderParts(loop=BROKEN[mistake].loop, clients=BROKEN[mistake].clients)
        for mistake in (
            "offsets are committed outside of the transaction",
            "memory is kept after an abort",
            "a reader sees what was not committed",
        )
    },
}
