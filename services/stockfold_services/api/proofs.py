"""What the canaries proved, followed on their small topic.

Read whole at the first question, and polled at later ones; while Kafka is away what was known is
told with its age.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable

from stockfold.contracts.channel_proofs import ChannelProof, Standing, decode_proof, standing
from stockfold.contracts.topics import CHANNEL_PROOFS
from stockfold.domain.errors import ContractError, UnavailableError
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings
from stockfold_services.api.asked_topics import Asked, AskedTopics

log = logging.getLogger(__name__)

KEPT_MAX = 2_000
"""Records of a channel: more than a day has at the usual rhythm."""


class Proofs:
    """Where each canary stands. Nothing is connected before the first use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[str, deque[ChannelProof]] = {}
        self._topics = AskedTopics(
            settings,
            [Asked(CHANNEL_PROOFS, "api.proofs", self._take)],
            self._known.clear,
            unread="what the canaries proved was not read",
        )

    async def all(self) -> list[Standing]:
        """Every channel that ever had a canary; none without channels.

        UnavailableError when Kafka never answered.
        """
        if not self._settings.channels:
            return []
        await self._topics.look()
        now_us = SYSTEM_CLOCK.now_us()
        return [standing(list(self._known[name]), now_us) for name in sorted(self._known)]

    async def late(self) -> list[Standing]:
        """Those that are late, of channels that have a canary now; none while nobody can say."""
        watched = {one.name for one in self._settings.channels if one.monitor.sku}
        if not watched:
            return []
        try:
            found = await self.all()
        except UnavailableError as error:
            log.warning("%s", error)
            return []
        return [one for one in found if one.outcome == "late" and one.channel in watched]

    def close(self) -> None:
        """Let go of the consumer."""
        self._topics.close()

    def _take(self, records: Iterable[Record]) -> None:
        for record in records:
            try:
                proof = decode_proof(record.value())
            except ContractError as error:
                log.warning("%s, offset %d: %s", CHANNEL_PROOFS.name, record.offset(), error)
                continue
            self._known.setdefault(proof.channel, deque(maxlen=KEPT_MAX)).append(proof)
