"""The reasons of a sourcing advice, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stockfold.availability.sourcing_advice import OrderLine, Source, Stock

NAMED_MAX = 5
"""Locations or SKUs that one sentence names."""


def reasons(
    wanted: Mapping[str, int],
    held: Mapping[str, Stock],
    missing: Sequence[OrderLine],
    used: Sequence[Source],
    useful: Sequence[Source],
    *,
    exact: bool,
) -> Iterator[str]:
    """Why so, and not otherwise."""
    for line in missing:
        yield _missing(line, wanted[line.sku], held[line.sku])
    if not used:
        yield "Nothing of the order may be promised from any of these locations."
        return
    names = _listed([source.location for source in used])
    if len(used) == 1:
        yield f"{names} alone has all that can be had: one parcel."
    elif exact:
        fewer = "No location" if len(used) == 2 else f"No {len(used) - 1} locations together"
        has = "has" if len(used) == 2 else "have"
        yield f"{fewer} {has} all that can be had; {names} do: {len(used)} parcels."
    else:
        yield (
            f"{names} have all that can be had: {len(used)} parcels. There are too many sets of "
            "locations to try them all; fewer parcels may be possible."
        )
    yield _near(used)
    others = [source for source in useful if source not in used]
    if others:
        told = _listed([f"{s.location} ({_cost(s)}, priority {s.priority})" for s in others])
        yield f"Not needed: {told}."


def _missing(line: OrderLine, wanted: int, stock: Stock) -> str:
    free = sum(stock.places.values())
    if stock.allowance is not None and stock.allowance < free:
        return (
            f"{line.quantity} of {wanted} {line.sku} are missing: {free} are free there, but "
            f"ring-fences of other channels leave {max(stock.allowance, 0)}."
        )
    return f"{line.quantity} of {wanted} {line.sku} are missing: {free} are free there."


def _near(used: Sequence[Source]) -> str:
    told = _listed([f"{s.location} ({_cost(s)}, priority {s.priority})" for s in used])
    return f"Of equally many locations, the cheapest to the destination: {told}."


def _cost(source: Source) -> str:
    return "cost not known" if source.cost is None else f"cost {source.cost}"


def _listed(names: Sequence[str]) -> str:
    shown = list(names[:NAMED_MAX])
    if len(names) > NAMED_MAX:
        shown.append(f"{len(names) - NAMED_MAX} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
