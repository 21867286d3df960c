"""Of a channel whose orders are not read before a write: a reading that has nothing to ask."""

from __future__ import annotations

from stockfold.channels.port import Failure, OrderPage, Request, Response


class NothingRead:
    """See ``stockfold.channels.port.OrderReading``."""

    latest_us = 0

    @property
    def request(self) -> Request | None:
        """See ``OrderReading.request``: there is none."""
        return None

    def receive(self, answer: Response | Failure) -> OrderPage:
        """See ``OrderReading.receive``."""
        del answer
        return OrderPage()
