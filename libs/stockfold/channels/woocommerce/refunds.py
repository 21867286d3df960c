"""``GET orders/ID/refunds``: how many units of each line were refunded, restocked or not.

An order itself tells of refunds only what they cost, and per line only what was restocked
(``_restock_refunded_items``). A refund's lines name what they refund by ``_refunded_item_id`` and
count it below zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from stockfold.channels.orders import NotWholeError, text, whole
from stockfold.channels.port import Failure, Request, Response
from stockfold.channels.woocommerce import asking

REFUNDS_MAX = 100
"""As many as one page may hold; of an order with more the rest is not counted."""
_KEY = "_refunded_item_id"
Units = Mapping[str, int]
"""By the order's own line."""


def has_refunds(tree: Mapping[str, Any]) -> bool:
    """Whether an order tells of any."""
    return bool(tree.get("refunds"))


def refunds_of(order: str) -> Request:
    """The question."""
    return asking.get(f"orders/{order}/refunds", ("per_page", str(REFUNDS_MAX)))


def read_refunds(request: Request, answer: Response | Failure) -> Units:
    """Units by line; none of an order that is gone by now. NotServedError."""
    try:
        rows = asking.read(request, answer, asking.NO_ORDER)
    except asking.NotThereError:
        return {}
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise asking.not_understood(request, answer)
    units: Counter[str] = Counter()
    for row in rows:
        for line in _objects(row, "line_items"):
            units[_refunded_line(line)] += _units(line)
    return units


def _refunded_line(line: Mapping[str, Any]) -> str:
    named = [m.get("value") for m in _objects(line, "meta_data") if m.get("key") == _KEY]
    return text(named[-1]) if named else ""


def _units(line: Mapping[str, Any]) -> int:
    """A refund counts its units below zero; one of money alone has none."""
    try:
        return whole(text(line.get("quantity")).removeprefix("-"))
    except NotWholeError:
        return 0


def _objects(tree: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    found = tree.get(name)
    for item in found if isinstance(found, list) else ():
        if isinstance(item, dict):
            yield item
