"""What a product's JSON shows of its stock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stockfold.channels.port import Observed

QUANTITY_MAX = 10**12
"""More is nonsense."""


def observe(sku: str, product: Mapping[str, Any], written: int | None = None) -> Observed:
    """What one product or variation shows; ``written`` is what this request has set it to.

    A variation whose stock is its parent's (``manage_stock`` is "parent") has none of its own.
    """
    managed = product.get("manage_stock") is True
    return Observed(
        sku,
        whole(product.get("stock_quantity")) if managed else None,
        managed,
        str(product.get("id", "")),
        str(product.get("backorders") or ""),
        written,
        str(product.get("stock_status") or ""),
    )


def whole(value: Any) -> int | None:
    """A quantity as the shop writes it: a number, or with some plugins its text."""
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return int(number) if number.is_integer() and abs(number) <= QUANTITY_MAX else None
