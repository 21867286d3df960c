"""Event ids that follow from the document: exported again, an event is a repeat (ruling 22)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from stockfold.contracts.envelope import MAX_ATTRIBUTE_BYTES

_NAMED_BY = {
    "InboundExpected": ("inbound", "line"),
    "InboundClosed": ("inbound", "line"),
    "RingFenceSet": ("channel",),
    "BackorderLimitSet": ("channel",),
}
"""Types that carry a revision of their own, and what it is a revision of."""


_OF_ORDERS = {
    "OrderChanged": ("channel", "order", "revision"),
    "OrderReviewed": ("channel", "order", "occurred_at"),
    "OrderCaseChanged": ("channel", "order", "case", "occurred_at"),
}
"""Types about orders, and what tells one event of an order from another."""


def derive_id(event_type: str, body: Mapping[str, Any], revision: int | None) -> str | None:
    """The id of an event by (document, line, revision), or None when they are not all there.

    ``revision`` counts how often the document line itself was restated; 0 when None. The same
    line always gives the same id; another SKU, type or revision gives another one.
    """
    name = event_type.removeprefix("stockfold.")
    parts: tuple[object, ...]
    if name in _OF_ORDERS:
        parts = tuple(body[field] for field in _OF_ORDERS[name])
    elif name in _NAMED_BY:
        if body.get("revision") is None:
            return None
        names = (body.get(field) or "" for field in _NAMED_BY[name])
        parts = (body["sku"], *names, body["revision"])
    else:
        document, line = body.get("document"), body.get("document_line")
        if document is None or line is None:
            return None
        parts = (body["sku"], document, line, revision or 0)
    told = "/".join(quote(str(part), safe="") for part in (name, *parts))
    if len(told) <= MAX_ATTRIBUTE_BYTES:
        return told
    return f"{name}/{hashlib.blake2b(told.encode(), digest_size=16).hexdigest()}"
