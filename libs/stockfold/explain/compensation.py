"""Events that would end what was never ended, in full, under ids that follow from what they end."""

from __future__ import annotations

import hashlib
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from stockfold.explain.entry import answer

Remainder = Literal["lost", "returned_to_source"]
Disposition = Literal["on_hand", "damaged", "scrapped"]
ID_BYTES_MAX = 512


class Choices(msgspec.Struct, frozen=True):
    """What a person must decide: where a transfer's rest goes, and what a return is taken for.

    The defaults make nothing sellable that nobody has seen.
    """

    remainder: Remainder = "lost"
    disposition: Disposition = "damaged"


@answer
class Proposal:
    """An event that can be sent as it is."""

    type: str
    """Event type."""
    event_id: str
    """Its id: the same as long as nothing new is told about what it ends, so that sending it twice
    is a repeat."""
    body: dict[str, Any]
    """Its fields."""


def proposal(event_type: str, ends: tuple[str, str, int], fields: dict[str, Any]) -> Proposal:
    """The event that ends (SKU, name, number of the last fact about it)."""
    sku, name, seq = ends
    parts = ("leak", event_type, sku, name, seq)
    told = "/".join(quote(str(part), safe="") for part in parts)
    if len(told) > ID_BYTES_MAX:
        told = f"leak/{event_type}/{hashlib.blake2b(told.encode(), digest_size=16).hexdigest()}"
    return Proposal(event_type, told, {"sku": sku, **fields})
