"""From an event that was taken to Kafka's acknowledgement of it."""

from __future__ import annotations

from stockfold.contracts.intake import Taken
from stockfold.runtime.acknowledged import AcknowledgedProducer


class Sending:
    """Sends to the topics of one environment."""

    def __init__(self, producer: AcknowledgedProducer, prefix: str) -> None:
        self._producer = producer
        self._prefix = prefix

    async def send(self, taken: Taken) -> None:
        """Return when Kafka has it; see ``AcknowledgedProducer.send``."""
        await self._producer.send(self._prefix + taken.topic, taken.key, taken.value, taken.headers)
