"""Handing orders on to an ERP: one small port, and the only way to use it.

Idempotent by (channel, order): what is there is looked for before anything is created, so an ERP
that took an order and whose answer was lost is not given it twice.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from stockfold.orders.lifecycle import (
    BACKORDERED,
    CONFIRMED,
    FULFILLED,
    LAPSED,
    PARTIAL,
    REJECTED,
    RELEASED,
)

SOLD = frozenset({CONFIRMED, PARTIAL, BACKORDERED, REJECTED, LAPSED, FULFILLED})
"""States of an accepted order that an ERP is told of; an unpaid or undecided one is not its yet."""
TOLD = frozenset({"on_hold", "processing", "completed", "refunded"})


class Document(msgspec.Struct, frozen=True):
    """An order as an ERP gets it: an ``OrderStatus`` without what is nobody's business there."""

    channel: str
    order: str
    version: int
    """Rises with every change; an older one never follows a newer one."""
    revision: int
    reference: str
    """The order's name in allocations and shipments that the ERP sends back."""
    status: str
    told: str
    lines: list[dict[str, Any]]

    @property
    def is_void(self) -> bool:
        """Whether it only says that nothing is wanted any more."""
        return self.status == RELEASED


class Found(msgspec.Struct, frozen=True):
    """An order that the ERP has: its own id, and the version that it was given last."""

    id: str
    version: int


class OrderSink(Protocol):
    """An ERP. UnavailableError when it does not answer, ContractError when it refuses."""

    def find(self, channel: str, order: str) -> Found | None:
        """The order, by the channel's own name of it; None when the ERP has none."""
        ...

    def create(self, document: Document) -> None:
        """Make the order. It may have been made although this raises UnavailableError."""
        ...

    def update(self, found: Found, document: Document) -> None:
        """Put this version in the place of the one that the ERP has."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


def document_of(record: dict[str, Any]) -> Document | None:
    """What an ``OrderStatus`` record has to say to an ERP, or None."""
    status = record["status"]
    wanted = status in SOLD and record["told"] in TOLD
    if not record["accepted"] or not (wanted or status == RELEASED):
        return None
    return Document(
        record["channel"],
        record["order"],
        record["version"],
        record["revision"],
        record["ledger_order"],
        status,
        record["told"],
        record["lines"],
    )


def deliver(sink: OrderSink, document: Document) -> str:
    """Bring the ERP to a document: created, updated, known or skipped. Errors as of the sink."""
    found = sink.find(document.channel, document.order)
    if found is None:
        if document.is_void:
            return "skipped"
        sink.create(document)
        return "created"
    if found.version >= document.version:
        return "known"
    sink.update(found, document)
    return "updated"
