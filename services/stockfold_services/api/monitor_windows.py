"""What the monitor told, followed on its small topic: the latest of each window.

Read whole at the first question, and polled at later ones. Without a monitor there is nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from confluent_kafka import KafkaException

from stockfold.contracts.codec import decode
from stockfold.contracts.topics import MONITOR
from stockfold.domain.errors import ContractError, SettingsError, UnavailableError
from stockfold.domain.times import DAY_US
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.follow import TopicFollower
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)

READ_S_MAX = 5.0
KEPT_US = 7 * DAY_US
WINDOWS_MAX = 50_000
"""Windows in memory: beyond it the oldest are let go."""
Window = dict[str, Any]


class Windows:
    """The windows of the last seven days. Nothing is connected before the first use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._follower = TopicFollower(settings, MONITOR, "api.monitor")
        self._known: dict[bytes, Window] = {}
        self._whole = False
        self._reading = asyncio.Lock()

    async def all(self) -> list[Window]:
        """The latest of each, newest first. UnavailableError when Kafka never answered."""
        async with self._reading:
            try:
                await asyncio.wait_for(asyncio.to_thread(self._read), READ_S_MAX)
            except (KafkaException, SettingsError, UnavailableError, TimeoutError) as error:
                if not self._whole:
                    raise UnavailableError(
                        "what the monitor told was not read",
                        where=f"Kafka at {self._settings.kafka.bootstrap}",
                        remedy="Ask again when the broker is there.",
                    ) from error
                log.warning("what the monitor told before stands: %s", error)
            since_us = SYSTEM_CLOCK.now_us() - KEPT_US
            found = [one for one in self._known.values() if one["recorded_at"] > since_us]
        return sorted(found, key=lambda one: (one["began_at"], one["channel"]), reverse=True)

    def close(self) -> None:
        """Let go of the consumer."""
        self._follower.close()

    def _read(self) -> None:
        if self._whole:
            while records := self._follower.poll():
                self._take(records)
            return
        self._known.clear()
        for batch in self._follower.read_whole(PartitionReader(self._settings)):
            self._take(batch)
        self._whole = True

    def _take(self, records: Iterable[Record]) -> None:
        for record in records:
            key = record.key() or b""
            try:
                told = decode(record.value(), expected=MONITOR.schemas[0])[1]
            except ContractError as error:
                log.warning("%s, offset %d: %s", MONITOR.name, record.offset(), error)
                continue
            self._known.pop(key, None)
            self._known[key] = told
        while len(self._known) > WINDOWS_MAX:
            self._known.pop(next(iter(self._known)))
