"""What a shop says that it has sold, and what the ledger says that it has claimed for it."""

from __future__ import annotations

import msgspec

from stockfold.channels.orders import ChannelOrder


class SoldLine(msgspec.Struct, frozen=True):
    """Units of a line that the shop has sold: accepted, and not put back by a refund; or none."""

    line: str
    sku: str
    units: int


class ShopOrder(msgspec.Struct, frozen=True):
    """An order as the shop shows it."""

    order: str
    revision: int
    placed_us: int
    lines: tuple[SoldLine, ...] = ()


def shop_order(order: ChannelOrder) -> ShopOrder:
    """What an order says about units sold."""
    lines = tuple(
        SoldLine(line.line, line.code, line.quantity - line.restocked if order.accepted else 0)
        for line in order.lines
        if line.code and not line.problem
    )
    return ShopOrder(order.order, order.revision, order.created_at, lines)


class Claim(msgspec.Struct, frozen=True):
    """How a line of the ledger stands at ``seq`` of its SKU: the units it answers for.

    Reserved, allocated, waiting, shipped, or refused: refused units were sold by the shop and are a
    case for a person, but they have reached us.
    """

    order: str
    ledger_line: str
    sku: str
    seq: int
    units: int


def all_seen(sku: str, seq: int) -> int:
    """``SoldThere.unseen`` of a channel whose sales nobody looks at."""
    del sku, seq
    return 0
