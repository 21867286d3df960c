"""Reading what a channel told into our words: mappings resolved, kits exploded, or what is missing.

A line's item is our SKU, or a code that an alias of the channel (kind ``sku``) gives a name to. A
bill of materials counts as it is at this moment, and stays with the line.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from stockfold.domain.aliases import AliasBook
from stockfold.domain.bills import Bill, bills_within, grow
from stockfold.domain.errors import ContractError
from stockfold.orders.facts import OrderTold
from stockfold.orders.words import Authorised, Line, Order, Parcel, Tax, Terms

QUANTITY_MAX = 10**12
LINES_MAX = 500
ID_CHARACTERS_MAX = 128
"""Of orders and lines: the ledger's names, which hold both, have at most 256."""
_WORDS = ("status", "verdict", "action")
_RESEND = "Correct the order and send it again."

Body = Mapping[str, Any]


class Surroundings(msgspec.Struct, frozen=True):
    """What an order is read with. ``known`` of None: any SKU will do."""

    aliases: AliasBook
    bills: Mapping[str, Bill]
    terms: Callable[[str], Terms]
    """The terms of a channel's policy."""
    locations: Callable[[str], tuple[str, ...]]
    """Where a channel may reserve, in order of preference."""
    known: Collection[str] | None = None


class MissingMappingError(ContractError):
    """A SKU mapping or tax code is missing; the order goes on once it is there."""


def read_order(body: Body, around: Surroundings) -> OrderTold:
    """The order of an OrderChanged record.

    MissingMappingError ``missing_sku_mapping`` or ``missing_tax_code``. ContractError
    ``bad_identifier``, ``bad_order``, ``quantity_out_of_range``, ``unknown_status``, or what
    ``bills.grow`` raises.
    """
    check_event(body)
    lines = tuple(_line(row, body["channel"], around) for row in body["lines"])
    order = Order(
        body["revision"],
        body["status"],
        body["accepted"],
        lines,
        _terms(body["terms"], around.terms(body["channel"])),
        around.locations(body["channel"]),
        body["hold_until"] or 0,
        tuple(
            Parcel(row["line"], parcel["location"] or "", row["quantity"])
            for parcel in body["fulfilments"]
            for row in parcel["lines"]
        ),
        tuple(
            Authorised(row["return_authorisation"], row["line"], row["quantity"])
            for row in body["return_authorisations"]
        ),
    )
    if not order.locations:
        raise MissingMappingError(
            "no_locations",
            f"no location is known that {body['channel']} may promise from",
            remedy="Name locations in the channel's policy or the settings, then resubmit.",
        )
    return OrderTold(order)


def check_event(body: Body) -> None:
    """Refuse what makes no sense of any event about an order, whatever is known of it.

    ContractError ``unknown_status``, or what ``check_identifiers`` raises.
    """
    check_identifiers(body)
    for field in _WORDS:
        if body.get(field) == "unknown":
            raise ContractError(
                "unknown_status", f"{field} is unknown", remedy="Say it in one of our words."
            )


def check_identifiers(body: Body) -> None:
    """ContractError ``bad_identifier``, ``bad_order`` or ``quantity_out_of_range``."""
    for field in ("channel", "order"):
        _check_id(field, body[field])
    names = [row["line"] for row in body.get("lines", ())]
    for name in names:
        _check_id("line", name)
    if len(set(names)) != len(names) or len(names) > LINES_MAX:
        raise ContractError(
            "bad_order", f"its lines are named twice, or more than {LINES_MAX}", remedy=_RESEND
        )
    if body.get("revision", 0) < 0:
        raise ContractError("bad_order", "its revision is below 0", remedy=_RESEND)
    parcels = [row for parcel in body.get("fulfilments", ()) for row in parcel["lines"]]
    for row in (*parcels, *body.get("return_authorisations", ())):
        if not 1 <= row["quantity"] <= QUANTITY_MAX:
            raise ContractError(
                "quantity_out_of_range",
                f"{row['quantity']} units of line {row['line']} are fulfilled or may come back; it "
                "must be 1 to 10^12",
                remedy=_RESEND,
            )
    for row in body.get("lines", ()):
        counts = [row[field] for field in ("quantity", "shipped", "refunded", "restocked")]
        if any(not 0 <= units <= QUANTITY_MAX for units in counts):
            raise ContractError(
                "quantity_out_of_range",
                f"line {row['line']} counts {counts}; each must be 0 to 10^12",
                remedy=_RESEND,
            )


def _check_id(field: str, value: str) -> None:
    if not 0 < len(value) <= ID_CHARACTERS_MAX or not value.isprintable() or "|" in value:
        raise ContractError(
            "bad_identifier",
            f"{field} is {value[:40]!r}; it must have 1 to {ID_CHARACTERS_MAX} printable "
            "characters and no |",
            remedy=_RESEND,
        )


def _terms(told: Body | None, policy: Terms) -> Terms:
    return policy if told is None else Terms(**told)


def _line(row: Body, channel: str, around: Surroundings) -> Line:
    sku = around.aliases.resolve("sku", channel, row["code"])
    if not sku or (around.known is not None and sku not in around.known):
        raise MissingMappingError(
            "missing_sku_mapping",
            f"line {row['line']} is of {row['code'] or 'an item without code'!r}, which is no SKU",
            remedy=f"Import an alias of kind sku and scope {channel} for it, or correct the line "
            "and resubmit.",
        )
    for tax in row["taxes"]:
        if not tax["code"]:
            raise MissingMappingError(
                "missing_tax_code",
                f"line {row['line']} bears a tax without a code",
                remedy="Correct it in the channel, or correct the line and resubmit.",
            )
    bill = around.bills.get(sku)
    parts: tuple[tuple[str, int], ...] = ((sku, 1),)
    if bill is not None:
        parts = grow(sku, bills_within(sku, around.bills)).leaves
    return Line(
        row["line"],
        sku,
        row["quantity"],
        row["shipped"],
        min(row["restocked"], row["quantity"]),
        bill.version if bill is not None else "",
        parts,
        tuple(Tax(tax["code"], tax["rate_ppm"], tax["included"]) for tax in row["taxes"]),
        row["refunded"],
    )
