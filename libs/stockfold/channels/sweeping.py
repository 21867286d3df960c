"""What every shop's sweep looks like: requests out, pages of changed orders in."""

from __future__ import annotations

from typing import Protocol

import msgspec

from stockfold.channels.orders import ChannelOrder
from stockfold.channels.port import Failure, Request, Response
from stockfold.domain.errors import ContractError


class Page(msgspec.Struct, frozen=True):
    """What one answer held. ``unread`` are orders that could not be read, each with its reason."""

    orders: tuple[ChannelOrder, ...]
    unread: tuple[ContractError, ...] = ()


class Sweep(Protocol):
    """One sweep over the orders of a shop that changed after some moment.

    ``request`` until it is None; each answer goes to ``receive``. NotServedError from ``receive``
    when the shop does not serve: the same request may be made again, or a smaller one after
    ``halve``. ``latest_us`` is the newest change seen, in the shop's own time. ``pause_s`` is how
    long to leave the shop alone before the next request.
    """

    latest_us: int
    pause_s: float

    @property
    def request(self) -> Request | None:
        """The next request; None when everything was read."""
        ...

    def halve(self) -> None:
        """Ask for less at once from here on."""
        ...

    def receive(self, answer: Response | Failure) -> Page:
        """The orders of an answer."""
        ...
