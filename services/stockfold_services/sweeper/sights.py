"""Where a canary is looked for: in the shop, or, in shadow, among what would have been sent."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

from confluent_kafka import Consumer, KafkaException, TopicPartition

from stockfold.channels.woocommerce.asking import NotServedError
from stockfold.channels.woocommerce.showing import quantity_of
from stockfold.contracts.codec import decode
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import DELIVERIES
from stockfold.domain.errors import ContractError, UnavailableError
from stockfold.runtime.kafka import confluent_config, group_id, partitions_of
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings
from stockfold.runtime.shop_http import Transport
from stockfold_services.sweeper.canary import Proof, follows, next_count

log = logging.getLogger(__name__)

OFFSETS_S_MAX = 5.0
BACK_MS = 2_000
"""The broker's clock and ours may differ by so much."""


class ShopSight:
    """The shop itself. NotServedError; ContractError when the canary is no fit product."""

    def __init__(self, shop: Transport, sku: str) -> None:
        self._shop = shop
        self._sku = sku

    async def next_count(self, last: Proof, units: int) -> int:
        """What to count next, so that the shop must change; one that is silent shows the last."""
        try:
            return next_count(await self._shown(), units)
        except (NotServedError, ContractError):
            return next_count(last.counted, units)

    async def sees(self, proof: Proof) -> bool:
        """Whether the shop shows what was counted."""
        return follows(proof.counted, await self._shown())

    async def _shown(self) -> int | None:
        return await self._shop.converse(quantity_of(self._sku))

    async def close(self) -> None:
        """Nothing to let go of."""


class ShadowSight:
    """The deliveries of a connection that does not write its canary. UnavailableError."""

    def __init__(self, settings: Settings, channel: str, sku: str) -> None:
        self._settings = settings
        self._key = f"{channel}|{sku}".encode()
        self._group = group_id(settings, f"sweeper.monitor.{channel}")
        partition = partition_of(sku.encode(), partitions_of(settings, DELIVERIES))
        self._place = (DELIVERIES.full_name(settings.prefix), partition)
        self._consumer: Consumer | None = None
        self._correlation = ""

    async def next_count(self, last: Proof, units: int) -> int:
        """The other of the two: nobody shows what would have been sent."""
        return next_count(last.counted, units)

    async def sees(self, proof: Proof) -> bool:
        """Whether a delivery came of the count."""
        try:
            return await asyncio.to_thread(self._sees, proof)
        except KafkaException as error:
            await self.close()
            raise UnavailableError(
                f"deliveries were not read: {error}",
                where=DELIVERIES.name,
                remedy="None needed: it tries again.",
            ) from error

    def _sees(self, proof: Proof) -> bool:
        if self._correlation != proof.correlation:
            self._begin(proof)
        assert self._consumer is not None
        for message in self._consumer.consume(500, timeout=0.1):
            error = message.error()
            if error is not None:
                raise KafkaException(error)
            record = cast("Record", message)
            if record.key() == self._key and _body(record).get("correlation_id") == (
                proof.correlation
            ):
                return True
        return False

    def _begin(self, proof: Proof) -> None:
        if self._consumer is None:
            self._consumer = Consumer(
                {
                    **confluent_config(self._settings),
                    "group.id": self._group,
                    "enable.auto.commit": False,
                    "isolation.level": "read_committed",
                    "auto.offset.reset": "latest",
                }
            )
        at = TopicPartition(*self._place, proof.since_us // 1_000 - BACK_MS)
        (found,) = self._consumer.offsets_for_times([at], timeout=OFFSETS_S_MAX)
        self._consumer.assign([found])
        self._correlation = proof.correlation

    async def close(self) -> None:
        """Let go of the consumer."""
        consumer, self._consumer, self._correlation = self._consumer, None, ""
        if consumer is not None:
            await asyncio.to_thread(consumer.close)


def _body(record: Record) -> dict[str, Any]:
    try:
        return decode(record.value())[1]
    except ContractError as error:
        log.error("a delivery cannot be read: %s", error)  # noqa: TRY400 - it says all
        return {}
