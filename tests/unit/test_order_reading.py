"""What a channel told is read into our words, or refused with what is missing."""

from __future__ import annotations

from typing import Any

import pytest

from stockfold.contracts.codec import decode, encode
from stockfold.domain.aliases import AliasBook
from stockfold.domain.bills import Bill
from stockfold.domain.errors import ContractError
from stockfold.domain.reference import Alias
from stockfold.orders.reading import LINES_MAX, MissingMappingError, Surroundings, read_order
from stockfold.orders.words import Order, Parcel, Tax, Terms

NOTHING = {"fulfilment": "F", "location": None, "lines": [{"line": "1", "quantity": 0}]}


def row(line: str, code: str, quantity: int = 1, **more: Any) -> dict[str, Any]:
    return {"line": line, "code": code, "quantity": quantity, **more}


def told(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An OrderChanged record, as it comes out of its bytes."""
    body = {
        "channel": "woo",
        "order": "4711",
        "revision": 1,
        "occurred_at": 1,
        "status": "processing",
        "accepted": True,
        "lines": lines,
        **more,
    }
    return decode(encode("stockfold.OrderChanged", body))[1]


def around(**more: Any) -> Surroundings:
    given: dict[str, Any] = {
        "aliases": AliasBook(),
        "bills": {},
        "terms": lambda _: Terms(allow_partial=True, priority=3),
        "locations": lambda _: ("BERLIN", "ROME"),
    }
    return Surroundings(**{**given, **more})


def read(body: dict[str, Any], **more: Any) -> Order:
    return read_order(body, around(**more)).order


def test_a_line_is_a_sku_or_what_an_alias_of_the_channel_makes_of_its_code() -> None:
    aliases = AliasBook()
    aliases.put(Alias("woo", "sku", "RED-1", "SKU-1"))
    aliases.put(Alias("other", "sku", "SKU-2", "SKU-9"))
    order = read(told(row("1", "RED-1", 2), row("2", "SKU-2")), aliases=aliases)
    assert [(line.sku, line.quantity, line.parts) for line in order.lines] == [
        ("SKU-1", 2, (("SKU-1", 1),)),
        ("SKU-2", 1, (("SKU-2", 1),)),
    ]


def test_nested_kits_are_exploded_and_a_component_is_added_up() -> None:
    bills = {
        "kit": Bill("kit", 1, "v7", (("inner", 2), ("a", 1))),
        "inner": Bill("inner", 1, "v1", (("a", 3), ("b", 1))),
    }
    (line,) = read(told(row("1", "kit")), bills=bills).lines
    assert (line.sku, line.bill, line.parts) == ("kit", "v7", (("a", 7), ("b", 2)))


def test_the_channels_terms_hold_unless_the_order_brings_its_own() -> None:
    assert read(told(row("1", "a"))).terms == Terms(allow_partial=True, priority=3)
    own = {"ttl_s": 60, "allow_partial": False, "allow_backorder": True, "priority": 0}
    assert read(told(row("1", "a"), terms=own)).terms == Terms(ttl_s=60, allow_backorder=True)


def test_taxes_and_parcels_are_kept() -> None:
    parcels = [{"fulfilment": "F", "location": "ROME", "lines": [{"line": "1", "quantity": 1}]}]
    tax = {"code": "DE-19", "rate_ppm": 190_000}
    order = read(told(row("1", "a", taxes=[tax]), fulfilments=parcels))
    assert order.lines[0].taxes == (Tax("DE-19", 190_000),)
    assert order.parcels == (Parcel("1", "ROME", 1),)
    assert order.locations == ("BERLIN", "ROME")


@pytest.mark.parametrize(
    ("kind", "lines", "more"),
    [
        ("missing_sku_mapping", [row("1", "")], {}),
        ("missing_sku_mapping", [row("1", "unknown")], {"known": {"a"}}),
        ("missing_tax_code", [row("1", "a", taxes=[{"code": ""}])], {}),
        ("no_locations", [row("1", "a")], {"locations": lambda _: ()}),
    ],
)
def test_what_is_missing_is_named_and_can_be_repaired(
    kind: str, lines: list[dict[str, Any]], more: dict[str, Any]
) -> None:
    with pytest.raises(MissingMappingError) as raised:
        read(told(*lines), **more)
    assert raised.value.kind == kind
    assert raised.value.remedy


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("unknown_status", told(row("1", "a"), status="unknown")),
        ("bad_order", told(row("1", "a"), row("1", "b"))),
        ("bad_order", told(*(row(str(n), "a") for n in range(LINES_MAX + 1)))),
        ("bad_identifier", told(row("1|2", "a"))),
        ("bad_identifier", told(row("", "a"))),
        ("bad_identifier", told(row("1", "a"), order="x" * 129)),
        ("bad_identifier", told(row("1", "a"), channel="w|o")),
        ("quantity_out_of_range", told(row("1", "a", -1))),
        ("quantity_out_of_range", told(row("1", "a", 10**12 + 1))),
        ("quantity_out_of_range", told(row("1", "a", 1, restocked=-1))),
        ("quantity_out_of_range", told(row("1", "a"), fulfilments=[NOTHING])),
        ("bad_order", told(row("1", "a"), revision=-1)),
    ],
)
def test_what_makes_no_sense_is_refused(kind: str, body: dict[str, Any]) -> None:
    with pytest.raises(ContractError) as raised:
        read(body)
    assert raised.value.kind == kind
    assert not isinstance(raised.value, MissingMappingError)


def test_a_kit_that_holds_itself_is_refused() -> None:
    bills = {"kit": Bill("kit", 1, "v1", (("kit", 1),))}
    with pytest.raises(ContractError, match="made of itself"):
        read(told(row("1", "kit")), bills=bills)
