"""What topics say of a channel's listings: wanted, how far, and which orders are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from stockfold.channels import Shown, StockUpdate
from stockfold.contracts.codec import decode
from stockfold.contracts.topics import AVAILABILITY, LISTINGS, ORDER_STATUS, Topic
from stockfold.domain.errors import ContractError
from stockfold.reconcile.listings import Standing, Wanted
from stockfold.runtime.kafka import partitions_of
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.resends import OF_AVAILABILITY, Resend, resend_of
from stockfold.runtime.settings import Settings
from stockfold.runtime.wanted_listings import update_of

ToShow = Callable[[StockUpdate], Shown]


class Told(msgspec.Struct, frozen=True):
    """What is wanted of a listing, and what asks for it once more."""

    wanted: Wanted
    resend: Resend


class ListingTopics:
    """Reads the topics of one channel whole, a call each; for a thread.

    KafkaException, UnavailableError.
    """

    def __init__(self, settings: Settings, channel: str) -> None:
        self._settings = settings
        self._channel = channel
        self._reader = PartitionReader(settings)

    def wanted(self, to_show: ToShow, reason: str, by: str) -> dict[str, Told]:
        """The newest availability of each SKU, as the adapter shows it."""
        return {
            sku: Told(_wanted(body, to_show), resend_of(body, reason, by))
            for sku, body in self._latest(AVAILABILITY, _availability).items()
        }

    def standing(self) -> dict[str, Standing]:
        """How far the publisher is with each SKU."""
        return self._latest(LISTINGS, _standing)

    def orders(self) -> dict[str, int]:
        """The revision of each order that is known here."""
        return self._latest(ORDER_STATUS, _revision)

    def _latest(self, topic: Topic, read: Callable[[dict[str, Any], int], Any]) -> dict[str, Any]:
        head = f"{self._channel}|".encode()
        found: dict[str, Any] = {}
        for partition in range(partitions_of(self._settings, topic)):
            end = self._reader.settled_end(topic, partition)
            for batch in self._reader.read(topic, partition, end=end):
                for record in batch:
                    key = record.key() or b""
                    if not key.startswith(head):
                        continue
                    name = key[len(head) :].decode("utf-8", "replace")
                    if record.value() is None:
                        found.pop(name, None)
                        continue
                    try:
                        body, told_us = decode(record.value())[1], record.timestamp()[1] * 1000
                        found[name] = read(body, told_us)
                    except ContractError:  # As for their readers: the record before stands.
                        continue
        return found


def _availability(body: dict[str, Any], told_us: int) -> dict[str, Any]:
    # Steps are most of a record, and are not needed.
    told = {name: body[name] for name in (*OF_AVAILABILITY, "locations")}
    return told | {"told_us": told_us}


def _wanted(body: dict[str, Any], to_show: ToShow) -> Wanted:
    shown = to_show(update_of(body))
    return Wanted(body["sku"], body["version"], shown.quantity, shown.backorders, body["told_us"])


def _standing(body: dict[str, Any], _: int) -> Standing:
    return Standing(
        body["desired_version"],
        body["outcome"],
        body["detail"],
        body["applied_quantity"],
        body["applied_at"],
    )


def _revision(body: dict[str, Any], _: int) -> int:
    revision: int = body["revision"]
    return revision
