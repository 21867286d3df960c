"""What the monitor told on its small topic: the latest of each window; nothing without it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from stockfold.contracts.codec import decode
from stockfold.contracts.topics import MONITOR
from stockfold.domain.errors import ContractError
from stockfold.domain.times import DAY_US
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings
from stockfold_services.api.asked_topics import Asked, AskedTopics

log = logging.getLogger(__name__)

KEPT_US = 7 * DAY_US
WINDOWS_MAX = 50_000
"""Windows in memory: beyond it the oldest are let go."""
Window = dict[str, Any]


class Windows:
    """The windows of the last seven days. Nothing is connected before the first use."""

    def __init__(self, settings: Settings) -> None:
        self._known: dict[bytes, Window] = {}
        self._topics = AskedTopics(
            settings,
            [Asked(MONITOR, "api.monitor", self._take)],
            self._known.clear,
            unread="what the monitor told was not read",
        )

    async def all(self) -> list[Window]:
        """The latest of each, newest first. UnavailableError when Kafka never answered."""
        await self._topics.look()
        since_us = SYSTEM_CLOCK.now_us() - KEPT_US
        found = [one for one in self._known.values() if one["recorded_at"] > since_us]
        return sorted(found, key=lambda one: (one["began_at"], one["channel"]), reverse=True)

    def close(self) -> None:
        """Let go of the consumer."""
        self._topics.close()

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
