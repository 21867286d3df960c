"""What eBay's error objects say: ``{"errors": [{"errorId", "category", "message", …}]}``.

Ids are those that the description of the Sell Inventory API lists for the calls we make.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from stockfold.channels import statuses
from stockfold.channels.port import Response

NOT_THERE = frozenset({25701, 25702, 25710, 25713})
"""SKU or offer not in the system; at getOffers also: a SKU that has no offer."""
AUCTION_ALLOCATION = 25759
"""The ship-to quantity is less than what auctions hold."""
NO_AUCTION_QUANTITY = 25762
"""The offer has become an auction."""
NO_LOCATION = 25900
_BEYOND = "(limit|exceed|maximum|too many|threshold)"
_REVISED_TOO_OFTEN = re.compile(
    rf"{_BEYOND}[^.]*revis(ion|ed)|revis(ion|ed)[^.]*{_BEYOND}", re.IGNORECASE
)
"""eBay documents the limit of revisions, but no id of its error: its words have to do."""


class Told(msgspec.Struct, frozen=True):
    """The first error of a row or a response; ``id`` is 0 where there is none that we know."""

    id: int
    category: str
    message: str

    @property
    def code(self) -> str:
        """How it is called in outcomes."""
        return f"ebay_{self.id}"

    @property
    def is_revision_limit(self) -> bool:
        """True where a listing was revised too often today."""
        return bool(_REVISED_TOO_OFTEN.search(self.message))


def first_of(told: Any) -> Told | None:
    """The first of an array of errors or warnings; None where there is none."""
    if not isinstance(told, list) or not told or not isinstance(told[0], dict):
        return None
    error = told[0]
    number, category = error.get("errorId"), error.get("category")
    message = error.get("longMessage") or error.get("message") or ""
    return Told(
        number if isinstance(number, int) and not isinstance(number, bool) else 0,
        category if isinstance(category, str) else "",
        str(message)[: statuses.EXCERPT_CHARACTERS],
    )


def of_response(response: Response) -> Told | None:
    """The first error of a whole response; None where the body is not eBay's."""
    try:
        body = statuses.decoded(response.body)
    except statuses.NotJsonError:
        return None
    return first_of(body.get("errors")) if isinstance(body, dict) else None
