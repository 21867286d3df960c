"""All that the state of a SKU holds, to compare one with another."""

from __future__ import annotations

from typing import Any

from stockfold.ledger.ranked import Ranked
from stockfold.ledger.state import SkuState

UNORDERED = ("reservations", "allocations")
"""Tables whose order means nothing: looked up, or sorted before use."""


def content(state: SkuState) -> dict[str, Any]:
    """Every slot, in its order where that matters."""
    slots = {name: getattr(state, name) for name in SkuState.__slots__}
    for name, table in slots.items():
        if hasattr(table, "items"):
            slots[name] = dict(table) if name in UNORDERED else list(table.items())
        elif isinstance(table, Ranked):
            slots[name] = table.ranks or None
    slots["numbers"] = [(source, known.row()) for source, known in state.numbers.items()]
    return slots
