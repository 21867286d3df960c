"""What is open of a SKU: only that, so that whole journals can be read through in little memory."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from stockfold.explain.entry import Entry
from stockfold.ledger.accounts import QUALITY_HOLD
from stockfold.ledger.entities import Change, Inbound, Line, Transfer
from stockfold.ledger.forgetting import (
    is_finished_inbound,
    is_finished_line,
    is_finished_transfer,
)
from stockfold.ledger.state import LineKey

T = TypeVar("T")


class Held(msgspec.Struct, Generic[T]):
    """Something open, as it is after the last fact about it."""

    entity: T
    last: Entry


class OpenReturn(msgspec.Struct):
    """A return: units awaited, and units of it in quality hold by location."""

    id: str
    awaited: int = 0
    in_hold: dict[str, int] = {}


class Book:
    """What is open of one SKU."""

    __slots__ = ("inbounds", "lines", "returns", "sku", "transfers")

    def __init__(self, sku: str) -> None:
        self.sku = sku
        self.lines: dict[LineKey, Held[Line]] = {}
        self.transfers: dict[str, Held[Transfer]] = {}
        self.inbounds: dict[str, Held[Inbound]] = {}
        self.returns: dict[str, Held[OpenReturn]] = {}

    def is_empty(self) -> bool:
        """Whether nothing is open."""
        return not (self.lines or self.transfers or self.inbounds or self.returns)

    def fold(self, entry: Entry) -> None:
        """Take the SKU's next fact."""
        change = entry.fact.change
        if change is None:
            return
        if change.line is not None:
            key = (change.line.order, change.line.line)
            _put(self.lines, key, change.line, entry, over=is_finished_line(change.line))
        if change.transfer is not None:
            over = is_finished_transfer(change.transfer)
            _put(self.transfers, change.transfer.id, change.transfer, entry, over=over)
        if change.inbound is not None:
            over = is_finished_inbound(change.inbound)
            _put(self.inbounds, change.inbound.id, change.inbound, entry, over=over)
        if change.returned is not None:
            self._return(entry, change)

    def _return(self, entry: Entry, change: Change) -> None:
        """The ledger keeps a return's totals; where its units lie, the movements tell."""
        assert change.returned is not None
        totals = change.returned
        known = self.returns.get(totals.id)
        in_hold = dict(known.entity.in_hold) if known is not None else {}
        if entry.fact.deltas:
            account, location, _, moved = entry.fact.deltas[0]
            if account == QUALITY_HOLD:
                in_hold[location] = in_hold.get(location, 0) + moved
        in_hold = {place: number for place, number in in_hold.items() if number}
        awaited = max(totals.authorized - totals.received, 0)
        returned = OpenReturn(totals.id, awaited, in_hold)
        _put(self.returns, totals.id, returned, entry, over=not in_hold and not awaited)


K = TypeVar("K")


def _put(table: dict[K, Held[T]], key: K, entity: T, entry: Entry, *, over: bool) -> None:
    if over:
        table.pop(key, None)
    else:
        table[key] = Held(entity, entry)


class Books:
    """What is open of many SKUs; those with nothing open take no memory."""

    def __init__(self) -> None:
        self.skus: dict[str, Book] = {}

    def fold(self, entry: Entry) -> None:
        """Take the next fact of any SKU; each SKU's in their order."""
        change = entry.fact.change
        if change is None:
            return
        sku = entry.fact.cause.sku
        book = self.skus.get(sku)
        if book is None:
            book = self.skus[sku] = Book(sku)
        book.fold(entry)
        if book.is_empty():
            del self.skus[sku]
