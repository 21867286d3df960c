"""Listings of one channel that shall be sent once more, as they are asked for."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from confluent_kafka import KafkaException

from stockfold.channels import Promise
from stockfold.contracts.codec import decode
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import AVAILABILITY, RESENDS
from stockfold.domain.errors import ContractError, UnavailableError
from stockfold.runtime.followed import FollowedTopic
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold.runtime.resends import decode_resend
from stockfold.runtime.settings import Settings
from stockfold.runtime.wanted_listings import locations_of
from stockfold_services.publisher.wanted import Wanted

log = logging.getLogger(__name__)

RESENT_OFFSET = -1
"""Where a resend was read: nowhere in availability, so that no offset waits for its outcome."""


class Resends:
    """What is asked for and was not taken yet: at most one a listing, the newest.

    Filled by the thread that follows the topic, emptied by the connection.
    """

    def __init__(self, settings: Settings, channel: str) -> None:
        self._settings = settings
        self._channel = channel
        self._prefix = f"{channel}|".encode()
        self._partitions = settings.kafka.sku_partitions
        self._waiting: dict[str, Wanted] = {}
        self._lock = threading.Lock()

    def apply(self, record: Record) -> None:
        """Take a record of the topic."""
        if not (record.key() or b"").startswith(self._prefix):
            return
        try:
            asked = decode_resend(record.value())
        except ContractError as error:
            log.error("a resend of %s cannot be read: %s", self._channel, error)  # noqa: TRY400
            return
        if not asked.is_due:
            return
        wanted = Wanted(
            asked.sku,
            asked.quantity,
            asked.version,
            partition_of(asked.sku.encode(), self._partitions),
            RESENT_OFFSET,
            asked.correlation_id,
            0,
            Promise(asked.status, asked.next_available, asked.lead_time_days),
            seq=asked.seq,
        )
        self.put_back([wanted])

    def put_back(self, wanted: Sequence[Wanted]) -> None:
        """These wait; of each listing the newest version."""
        with self._lock:
            for one in wanted:
                known = self._waiting.get(one.sku)
                if known is None or known.version <= one.version:
                    self._waiting[one.sku] = one

    async def take(self, knows: Callable[[str], bool]) -> list[Wanted]:
        """Everything that waits; it does not wait any more. Nothing while Kafka cannot be asked.

        Of a listing that ``knows`` denies, nothing was read since the start: a version newer than
        the one asked for may have been written before. So what availability holds is looked up,
        and what is older than that is left out.
        """
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        unknown = [wanted for sku, wanted in waiting.items() if not knows(sku)]
        try:
            newest = await asyncio.to_thread(self._newest, unknown) if unknown else {}
        except (KafkaException, UnavailableError) as error:
            log.warning("resends of %s wait, availability was not read: %s", self._channel, error)
            self.put_back(list(waiting.values()))
            return []
        return [found for one in waiting.values() if (found := _as_is(one, newest))]

    def _newest(self, wanted: Sequence[Wanted]) -> dict[str, _Newest]:
        """The newest version of each of these in availability; whole partitions are read."""
        skus = {one.sku for one in wanted}
        found: dict[str, _Newest] = {}
        reader = PartitionReader(self._settings)
        for partition in sorted({one.partition for one in wanted}):
            end = reader.settled_end(AVAILABILITY, partition)
            for batch in reader.read(AVAILABILITY, partition, None, end):
                for record in batch:
                    sku = self._sku(record)
                    if sku in skus and record.value() is not None:
                        body = decode(record.value())[1]
                        found[sku] = _Newest(body["version"], locations_of(body["locations"]))
        return found

    def _sku(self, record: Record) -> str:
        key = record.key() or b""
        return key[len(self._prefix) :].decode() if key.startswith(self._prefix) else ""


class _Newest(NamedTuple):
    version: int
    locations: tuple[tuple[str, int], ...]


def _as_is(asked: Wanted, newest: Mapping[str, _Newest]) -> Wanted | None:
    """What is to be sent, by location as availability has it; None when a newer one is there."""
    known = newest.get(asked.sku)
    if known is None or known.version < asked.version:
        return asked
    if known.version > asked.version:
        return None
    return msgspec.structs.replace(asked, locations=known.locations)


def follow_resends(settings: Settings, resends: Resends, channel: str) -> FollowedTopic:
    """Fill ``resends`` while the context is open, with those of the last hour first."""
    return FollowedTopic(settings, RESENDS, f"publisher.{channel}.resends", resends.apply)
