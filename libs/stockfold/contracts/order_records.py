"""What orders tell: where an order stands, and its cases."""

from __future__ import annotations

from typing import Any

from stockfold.contracts.codec import encoder
from stockfold.contracts.order_journal import Cause, cause_fields
from stockfold.orders.lifecycle import WAITING
from stockfold.orders.state import Case, Demand, OrderState
from stockfold.orders.wanted import Key, targets, unshipped_restocked
from stockfold.orders.words import Line

_encode_status = encoder("stockfold.OrderStatus")
_encode_case = encoder("stockfold.OrderCase")


def encode_order_status(state: OrderState, cause: Cause, recorded_us: int) -> bytes:
    """Where the order stands, line by line."""
    order = state.order
    wanted, by_line = targets(state), _demands_by_line(state)
    return _encode_status(
        {
            "channel": state.channel,
            "order": state.order_id,
            "revision": state.suspended_body[0] if order is None else order.revision,
            "version": state.seq,
            "status": state.status,
            "reason": state.suspended or state.refused or state.reason,
            "told": "" if order is None else order.told,
            "accepted": order is not None and order.accepted,
            "expires_at": state.expires_us or None,
            "ledger_order": state.ledger_order,
            "lines": []
            if order is None
            else [_line(state, line, by_line.get(line.line, []), wanted) for line in order.lines],
            **cause_fields(cause, recorded_us),
        }
    )


def _demands_by_line(state: OrderState) -> dict[str, list[Demand]]:
    found: dict[str, list[Demand]] = {}
    for demand in state.demands:
        found.setdefault(demand.line, []).append(demand)
    return found


def _line(
    state: OrderState, line: Line, demands: list[Demand], wanted: dict[Key, int]
) -> dict[str, Any]:
    reasons = [demand.reason for demand in demands if demand.reason]
    status = _line_status(state, line, demands, wanted)
    return {
        "line": line.line,
        "sku": line.sku,
        "quantity": line.quantity - unshipped_restocked(state, line),
        "refunded": line.refunded,
        "status": status,
        "reason": reasons[-1] if reasons and status in ("partial", "rejected") else "",
        "bill": line.bill,
        "taxes": [
            {"code": tax.code, "rate_ppm": tax.rate_ppm, "included": tax.included}
            for tax in line.taxes
        ],
        "demands": [
            {
                "sku": demand.sku,
                "ledger_line": demand.ledger_line,
                "reservation": demand.reservation,
                "asked": demand.asked,
                "held": demand.reserved + demand.allocated,
                "backordered": demand.backordered,
                "shipped": demand.shipped,
            }
            for demand in demands
        ],
    }


def _line_status(
    state: OrderState, line: Line, demands: list[Demand], wanted: dict[Key, int]
) -> str:
    """Where a line stands; while the order waits for answers, a line that lacks units waits too."""
    keys = [(line.line, sku) for sku, _ in line.parts]
    if not any(wanted.get(key) for key in keys):
        return "released"
    served = {key: sum(d.covers for d in demands if d.sku == key[1]) for key in keys}
    if all(served[key] >= wanted[key] for key in keys):
        if not any(demand.open for demand in demands):
            return "shipped"
        return "backordered" if any(demand.backordered for demand in demands) else "confirmed"
    if state.status in WAITING:
        return "waiting"
    return "partial" if any(served.values()) else "rejected"


def encode_case(state: OrderState, case: Case) -> bytes:
    """A case of the order."""
    return _encode_case(
        {
            "case": case.case,
            "channel": state.channel,
            "order": state.order_id,
            "line": case.line,
            "kind": "oversold",
            "state": case.state,
            "owner": case.owner,
            "sku": case.sku,
            "missing": case.missing,
            "reason": case.reason,
            "by": case.by,
            "opened_at": case.opened_us,
            "changed_at": case.changed_us,
        }
    )
