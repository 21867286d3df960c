"""Which version of its Admin API Shopify serves us, and until when.

A version is named by its month, and served for twelve months at least (shopify.dev, API
versioning). One that has ended is not refused: the oldest that is still served answers in its
place, and says so in a header. None of this was tried on a shop of Shopify's.
"""

from __future__ import annotations

import re
from datetime import date

from stockfold.channels.port import Response
from stockfold.channels.shopify import asking
from stockfold.channels.versions import Part
from stockfold.channels.woocommerce.asking import Conversation
from stockfold.domain.days import EPOCH_DAY

QUERY = "query { publicApiVersions { handle supported } }"
SERVED = "x-shopify-api-version"
_HANDLE = re.compile(r"(\d{4})-(\d{2})")


def versions() -> Conversation[tuple[Part, ...]]:
    """The version that really answers, and the newest stable one. NotServedError."""
    request = asking.ask(QUERY, {})
    answer = yield request
    told = asking.read(request, answer).data.get("publicApiVersions")
    rows = told if isinstance(told, list) else []
    stable = [
        str(row["handle"])
        for row in rows
        if isinstance(row, dict) and row.get("supported") is True and ends_on(row.get("handle"))
    ]
    headers = answer.headers if isinstance(answer, Response) else {}
    served = headers.get(SERVED, "") or asking.VERSION
    found = [Part("api", served, ends_on(served))]
    if stable:
        found.append(Part("newest api", max(stable), ends_on(max(stable))))
    return tuple(found)


def ends_on(handle: object) -> int | None:
    """The day from which a version named like ``2026-01`` may be gone; None for other names."""
    named = _HANDLE.fullmatch(handle) if isinstance(handle, str) else None
    if named is None or not 1 <= int(named[2]) <= 12:
        return None
    return (date(int(named[1]) + 1, int(named[2]), 1) - EPOCH_DAY).days
