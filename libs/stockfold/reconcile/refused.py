"""What an event that was refused would have moved: it may be what the other side has booked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stockfold.ledger.accounts import IN_TRANSIT, NAMES, QUALITY_HOLD
from stockfold.reconcile.book import Place
from stockfold.reconcile.statement import UNPLACED

_SHELF, _HOLD, _TRANSIT = NAMES[0], NAMES[QUALITY_HOLD], NAMES[IN_TRANSIT]


def movements_of(event_type: str, body: Mapping[str, Any]) -> dict[Place, int]:
    """Units by place, as semantics.md has it for a first telling; empty for what moves none.

    Quantities that are told in a unit are none, since what they are in base units is not known.
    """
    if body.get("unit") is not None:
        return {}
    here, units = body.get("location") or "", body.get("quantity") or 0
    match event_type.removeprefix("stockfold."):
        case "GoodsReceived":
            moved = [(here, body["condition"], units)]
        case "StockShipped":
            moved = [(here, _SHELF, -units)]
        case "StockAdjusted":
            moved = [(here, body["bucket"], body["delta"])]
        case "StockStatusChanged":
            moved = [(here, body["from"], -units), (here, body["to"], units)]
        case "TransferDispatched":
            moved = [(body["from"], _SHELF, -units), (body["to"], _TRANSIT, units)]
        case "TransferReceived":
            moved = [(here, _TRANSIT, -units), (here, body["condition"], units)]
        case "ReturnReceived":
            moved = [(here, body["condition"] or _HOLD, units)]
        case "ReturnDispositioned":
            moved = [(here, _HOLD, -units), (here, body["to"], units)]
        case _:
            return {}
    return {("" if account in UNPLACED else place, account): n for place, account, n in moved if n}
