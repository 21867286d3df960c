"""What orders ask of the ledger, as its inputs."""

from __future__ import annotations

from typing import Any, NamedTuple

from stockfold.contracts import envelope
from stockfold.contracts.codec import encode
from stockfold.contracts.topics import INPUT_OF, Topic
from stockfold.orders.evolve import command_id
from stockfold.orders.facts import (
    Asked,
    Cancelled,
    Extended,
    Fact,
    Released,
    ReturnAgreed,
    Returned,
    Shipped,
)
from stockfold.orders.state import OrderState

SOURCE = "stockfold/orders"


class Command(NamedTuple):
    """An input of the ledger."""

    topic: Topic
    sku: str
    value: bytes
    headers: list[tuple[str, str | bytes | None]]


def command_of(
    state: OrderState, seq: int, fact: Fact, correlation_id: str, now_us: int
) -> Command | None:
    """What a fact of number ``seq`` asks; ``state`` is as it is behind it."""
    found = _body(state, seq, fact)
    if found is None:
        return None
    name, body = found
    schema = f"stockfold.{name}"
    headers = envelope.build(
        envelope.Envelope(
            command_id(state, seq), SOURCE, schema, now_us, correlation_id or state.key
        )
    )
    return Command(INPUT_OF[schema], body["sku"], encode(schema, body), [*headers])


def _body(state: OrderState, seq: int, fact: Fact) -> tuple[str, dict[str, Any]] | None:
    match fact:
        case Asked():
            return "ReserveStock", _reserve(state, fact)
        case Extended():
            return "ExtendReservation", {
                "sku": fact.sku,
                "reservation": fact.reservation,
                "expires_at": fact.expires_us or None,
            }
        case Released():
            return "ReleaseReservation", {
                "sku": fact.sku,
                "reservation": fact.reservation,
                "quantity": fact.units,
            }
        case Cancelled():
            return "OrderLineCancelled", {
                "sku": fact.sku,
                "order": state.ledger_order,
                "line": fact.ledger_line,
            }
        case Shipped():
            return "StockShipped", {
                "sku": fact.sku,
                "shipment": command_id(state, seq),
                "order": state.ledger_order,
                "line": fact.ledger_line,
                "location": fact.location,
                "quantity": fact.units,
            }
        case Returned():
            return "ReturnReceived", {
                "sku": fact.sku,
                "return": command_id(state, seq),
                "location": fact.location,
                "quantity": fact.units,
                "condition": "on_hand",
                "order": state.ledger_order,
                "line": fact.ledger_line,
            }
        case ReturnAgreed():
            return "ReturnAuthorized", {
                "sku": fact.sku,
                "return": f"{state.ledger_order}/{fact.name}",
                "order": state.ledger_order,
                "line": fact.ledger_line,
                "quantity": fact.units,
            }
        case _:
            return None


def _reserve(state: OrderState, fact: Asked) -> dict[str, Any]:
    order = state.order
    assert order is not None
    return {
        "sku": fact.sku,
        "reservation": fact.reservation,
        "order": state.ledger_order,
        "line": fact.ledger_line,
        "channel": state.channel,
        "quantity": fact.units,
        "locations": list(order.locations),
        "allow_split": True,
        "allow_partial": order.terms.allow_partial,
        "allow_backorder": order.terms.allow_backorder,
        "expires_at": fact.expires_us or None,
        "priority": order.terms.priority,
    }
