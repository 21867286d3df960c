"""What a SKU is made of, for answers about dates. The catalogue is followed on Kafka.

Without the broker, or before it has answered, nothing is known of kits; answers say so.
"""

from __future__ import annotations

import asyncio
import logging
import time

from confluent_kafka import KafkaException

from stockfold.domain.bills import Tree
from stockfold.domain.errors import ContractError, UnavailableError
from stockfold.runtime.bills import BillBook
from stockfold.runtime.settings import Settings
from stockfold_services.api.problems import Problem

log = logging.getLogger(__name__)

READ_S_MAX = 10.0
PAUSE_S = 5.0
"""After a failure the broker is left alone for so long, and answers do not wait for it."""


class KitsUnknown(Exception):  # noqa: N818  (a state, not a defect)
    """Whether a SKU is a kit could not be read."""


class Kits:
    """The bills of the catalogue. Nothing is connected before the first use."""

    def __init__(self, settings: Settings) -> None:
        self._book = BillBook(settings) if settings.kafka.bootstrap else None
        self._asking = asyncio.Lock()
        self._late: asyncio.Task[Tree | None] | None = None
        """A question that was given up but still holds the book: it is not for several threads."""
        self._not_before = 0.0

    async def tree_of(self, sku: str) -> Tree | None:
        """What a SKU is made of, None when it is no kit.

        KitsUnknown without the broker. Problem 409 when its bill makes no sense.
        """
        if self._book is None:
            raise KitsUnknown
        async with self._asking:
            is_held = self._late is not None and not self._late.done()
            if is_held or time.monotonic() < self._not_before:
                raise KitsUnknown
            question = asyncio.create_task(asyncio.to_thread(self._book.tree_of, sku))
            await asyncio.wait({question}, timeout=READ_S_MAX)
            if not question.done():
                self._late = question
                raise self._unknown("it did not answer in time")
            try:
                return question.result()
            except ContractError as error:
                raise Problem(409, "Bill of materials not valid", error.what) from None
            except (KafkaException, UnavailableError) as error:
                raise self._unknown(error) from error

    def _unknown(self, why: object) -> KitsUnknown:
        self._not_before = time.monotonic() + PAUSE_S
        log.warning("the catalogue was not read, kits are not known: %s", why)
        return KitsUnknown()
