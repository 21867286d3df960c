"""How long a SKU was at zero at a channel that had sold it before. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

SOLD_BEFORE_S = 28 * 86_400
"""A SKU that was not sold for so long before it ran out is not missed."""

Known = dict[str, float]
"""Of one channel and SKU, in seconds since 1970: ``sold`` last, at zero ``since`` (0: it sells)."""


class Episode(NamedTuple):
    """From the moment it ran out; ``ended_s`` is None while it lasts."""

    began_s: float
    ended_s: float | None


def after(known: Known, measured: Mapping[str, Any]) -> tuple[Known, Episode | None]:
    """What is known after a sale or a change of what the channel may sell; an episode that began or
    ended by it.
    """
    at_s = float(measured["at"])
    sold_s, since_s = known.get("sold", 0.0), known.get("since", 0.0)
    if measured["what"] == "sold":
        return {"sold": max(sold_s, at_s), "since": since_s}, None
    if measured["sells"]:
        now = {"sold": sold_s, "since": 0.0}
        return now, _episode(sold_s, since_s, at_s) if since_s else None
    if since_s:
        return known, None
    return {"sold": sold_s, "since": at_s}, _episode(sold_s, at_s, None)


def _episode(sold_s: float, began_s: float, ended_s: float | None) -> Episode | None:
    missed = sold_s > max(began_s - SOLD_BEFORE_S, 0)
    return Episode(began_s, ended_s) if missed else None
