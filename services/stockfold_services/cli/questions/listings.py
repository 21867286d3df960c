"""What channels were told and held of a SKU, as far as the topics keep it.

Deliveries are kept for 30 days. Availability is compacted: versions that have been compacted away
are missing, and an answer says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stockfold.contracts.codec import decode
from stockfold.contracts.topics import AVAILABILITY, DELIVERIES, Topic
from stockfold.domain.times import from_us
from stockfold.explain.listings import Delivered, Listing, Published, listings_at
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold_services.cli.questions.journal import Read, journal_errors


class Channels:
    """Everything the topics keep of one SKU's channels; read once, asked for several times."""

    def __init__(self, settings: Settings, read: Read) -> None:
        with journal_errors(settings):
            reader = PartitionReader(settings)
            told = list(_records(reader, AVAILABILITY, read))
            delivered = list(_records(reader, DELIVERIES, read))
        self._published = [_published(record) for record in told]
        self._delivered = [_delivered(record) for record in delivered]

    def at(self, us: int) -> list[Listing]:
        """Each channel at a time."""
        return listings_at(self._published, self._delivered, us)


def _records(reader: PartitionReader, topic: Topic, read: Read) -> Iterator[dict[str, Any]]:
    """The bodies of a topic's records about the SKU; their keys are channel|SKU."""
    for batch in reader.read(topic, read.partition):
        for record in batch:
            _, _, sku = (record.key() or b"").partition(b"|")
            value = record.value()
            if sku == read.sku.encode() and value is not None:
                yield decode(value)[1]


def _published(record: dict[str, Any]) -> Published:
    return Published(
        channel=record["channel"],
        version=record["version"],
        quantity=record["quantity"],
        status=record["status"],
        policy_revision=record["policy_revision"],
        seq=record["seq"],
        recorded_at=from_us(record["recorded_at"]),
    )


def _delivered(record: dict[str, Any]) -> Delivered:
    return Delivered(
        channel=record["channel"],
        version=record["version"],
        quantity=record["quantity"],
        outcome=record["outcome"],
        detail=record["detail"],
        finished_at=from_us(record["finished_at"]),
    )
