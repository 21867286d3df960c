"""The steps in words that a merchant understands."""

from __future__ import annotations

from collections.abc import Sequence

NAMED_MAX = 5


def units(number: int) -> str:
    """Such as ``1 unit`` or ``12 units``."""
    return f"{number} unit" if number in (1, -1) else f"{number} units"


def _are(number: int) -> str:
    return "is" if number in (1, -1) else "are"


def on_hand(total: int, places: int, chosen: bool) -> str:
    """Where the units are."""
    if not places:
        where = "none of this channel's locations has" if chosen else "no location has"
        return f"{where} ever held this SKU"
    where = "location" if places == 1 else "locations"
    whose = f"{places} of this channel's {where}" if chosen else f"{places} {where}"
    if total < 0:
        return f"the shelf count at {whose} is {units(total)}: a receipt is missing"
    return f"{units(total)} {_are(total)} on the shelf at {whose}"


def promised(claims: int) -> str:
    """What orders hold."""
    return f"{units(claims)} {_are(claims)} promised to orders already"


def deficit(missing: Sequence[tuple[str, int]]) -> str:
    """Where more is promised than there is."""
    total = sum(number for _, number in missing)
    named = ", ".join(f"{location} ({number})" for location, number in missing[:NAMED_MAX])
    more = f" and {len(missing) - NAMED_MAX} more" if len(missing) > NAMED_MAX else ""
    return (
        f"{units(total)} {_are(total)} missing at {named}{more}; "
        "that takes nothing from the stock of other locations"
    )


def safety_stock(kept: int) -> str:
    """What is kept back."""
    return f"{units(kept)} {_are(kept)} kept back as safety stock"


def published(quantity: int, running: int) -> str:
    """What goes out."""
    if running < 0:
        return f"{units(-running)} short, so this channel is told 0"
    return f"this channel may sell {units(quantity)}"
