"""Which system masters what. A thing has one master; everybody else has a copy that may be late.

Data, like the topics beside it, and shown in the docs and in the api.
"""

from __future__ import annotations

from dataclasses import dataclass

from stockfold.contracts.topics import (
    ALLOCATIONS,
    AVAILABILITY,
    CATALOG,
    JOURNAL,
    ORDERS,
    POLICIES,
    RECEIPTS,
    REFERENCE,
    Topic,
)


@dataclass(frozen=True, slots=True)
class Ownership:
    """Who says what a thing is.

    ``topic`` is where it reaches stockfold, None for what stockfold does not take. ``in_stockfold``
    says what stockfold does with it.
    """

    thing: str
    master: str
    topic: Topic | None
    in_stockfold: str


OWNERSHIP: tuple[Ownership, ...] = (
    Ownership(
        "SKU",
        "ERP or PIM",
        CATALOG,
        "Taken as it is; its identifier never changes. A renamed SKU is a new SKU.",
    ),
    Ownership(
        "unit of measure",
        "ERP or PIM",
        CATALOG,
        "Converted exactly to the SKU's base unit, or refused.",
    ),
    Ownership(
        "bill of materials",
        "ERP or PIM",
        CATALOG,
        "Taken as it is; frozen for an order when it is placed.",
    ),
    Ownership(
        "location",
        "ERP or WMS, kept by stock control",
        REFERENCE,
        "Taken as it is, with its zone; identifiers never hold a bar.",
    ),
    Ownership(
        "authority and aliases",
        "stock control",
        REFERENCE,
        "Who may speak for which location and fact; which code of a source means which SKU.",
    ),
    Ownership(
        "physical stock",
        "the floor: WMS, stores, 3PL; the ERP where there is none",
        RECEIPTS,
        "Movements are folded, never refused; a figure without a movement is a finding.",
    ),
    Ownership(
        "order",
        "shop or order management",
        ORDERS,
        "Known by its id, lines and status, nobody's name; stockfold answers what can be promised.",
    ),
    Ownership(
        "allocation and shipment",
        "ERP or WMS",
        ALLOCATIONS,
        "Folded as told; order and shipment are matched by order and line.",
    ),
    Ownership(
        "claims, ATP and the order of facts",
        "stockfold",
        JOURNAL,
        "The journal is the truth; everything else is a fold of it.",
    ),
    Ownership(
        "channel policy",
        "planners",
        POLICIES,
        "Locations, safety stock, shares, fences and limits of a channel; the newest revision.",
    ),
    Ownership(
        "availability",
        "stockfold",
        AVAILABILITY,
        "Published to each channel, and read back where the channel allows it.",
    ),
    Ownership(
        "price",
        "ERP or pricing system",
        None,
        "Not taken: no event has a field for it.",
    ),
    Ownership(
        "tax",
        "ERP or tax service",
        ORDERS,
        "Codes and rates are handed on with the order; nothing is calculated.",
    ),
    Ownership(
        "customer",
        "shop or CRM",
        None,
        "Never taken: events carry order ids and no personal data; the schema check refuses more.",
    ),
)


def markdown() -> str:
    """The table for the docs."""
    rows = [
        f"| {row.thing} | {row.master} | {f'`{row.topic.name}`' if row.topic else 'none'} "
        f"| {row.in_stockfold} |"
        for row in OWNERSHIP
    ]
    head = ["| what | mastered by | reaches stockfold on | what stockfold does with it |"]
    return "\n".join([*head, "| --- | --- | --- | --- |", *rows])
