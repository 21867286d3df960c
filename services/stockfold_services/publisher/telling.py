"""Orders that were read before a write are told like the sweep's: what is kept off sale arrives."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence

from stockfold.channels.orders import ChannelOrder
from stockfold.contracts.shop_orders import order_record
from stockfold.domain.errors import ContractError, UnavailableError
from stockfold.runtime.acknowledged import AcknowledgedProducer
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry.tracing import traces_of

log = logging.getLogger(__name__)

WAITING_MAX = 10_000
RECENT_MAX = 20_000
RETRY_S = 1.0


class OrderTeller:
    """Sends orders in the background. What is too much, or never taken, is left to the sweep."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._waiting: asyncio.Queue[ChannelOrder] = asyncio.Queue(WAITING_MAX)
        self._recent: OrderedDict[str, None] = OrderedDict()

    def tell(self, orders: Sequence[ChannelOrder]) -> None:
        """Tell those that were not told just like this."""
        for order in orders:
            name = order.event_id
            if name in self._recent or self._waiting.full():
                continue
            self._recent[name] = None
            if len(self._recent) > RECENT_MAX:
                self._recent.popitem(last=False)
            self._waiting.put_nowait(order)

    async def run(self) -> None:
        """Send them, one after the other, for ever."""
        async with AcknowledgedProducer(
            self._settings, traces=traces_of(self._settings, "publisher")
        ) as producer:
            while True:
                await self._send(producer, await self._waiting.get())

    async def _send(self, producer: AcknowledgedProducer, order: ChannelOrder) -> None:
        while True:
            try:
                record = order_record(order)
                name = self._settings.prefix + record.topic
                await producer.send(name, record.key, record.value, record.headers)
            except UnavailableError:
                await asyncio.sleep(RETRY_S)
            except ContractError as error:
                log.error(  # noqa: TRY400  (the sentence says it all)
                    "order %s of channel %s: %s", order.order, order.channel, error
                )
                return
            else:
                return
