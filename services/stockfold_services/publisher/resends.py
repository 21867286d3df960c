"""Listings of one channel that shall be sent once more, as they are asked for."""

from __future__ import annotations

import logging
import threading

from stockfold.channels import Promise
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import RESENDS
from stockfold.domain.errors import ContractError
from stockfold.runtime.followed import FollowedTopic
from stockfold.runtime.records import Record
from stockfold.runtime.resends import decode_resend
from stockfold.runtime.settings import Settings
from stockfold_services.publisher.wanted import Wanted

log = logging.getLogger(__name__)

RESENT_OFFSET = -1
"""Where a resend was read: nowhere in availability, so that no offset waits for its outcome."""


class Resends:
    """What is asked for and was not taken yet: at most one a listing, the newest.

    Filled by the thread that follows the topic, emptied by the connection.
    """

    def __init__(self, channel: str, sku_partitions: int) -> None:
        self._channel = channel
        self._prefix = f"{channel}|".encode()
        self._partitions = sku_partitions
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
        )
        with self._lock:
            known = self._waiting.get(asked.sku)
            if known is None or known.version <= wanted.version:
                self._waiting[asked.sku] = wanted

    def take(self) -> list[Wanted]:
        """Everything that waits; it does not wait any more."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        return list(waiting.values())


def follow_resends(settings: Settings, resends: Resends, channel: str) -> FollowedTopic:
    """Fill ``resends`` while the context is open, with those of the last hour first."""
    return FollowedTopic(settings, RESENDS, f"publisher.{channel}.resends", resends.apply)
