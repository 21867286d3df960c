"""Movements told by two sources, in any order: the authority's quantity stands (ruling 20)."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.ledger_process import LedgerProcess

from stockfold.domain.reference import Authority
from stockfold.ledger.digest import rows
from stockfold.ledger.state import SkuState

DOCUMENTS = ("N1", "N2", "N3", "N4", "N5", "N6")
ORDERS = ("O1", "O2")
SOURCES = ("wms", "erp")


def _ledger() -> LedgerProcess:
    ledger = LedgerProcess()
    return ledger.know(Authority("wms", "wms", 1), Authority("erp", "erp", 1, role="secondary"))


def _kind_of(document: str) -> str:
    return "GoodsReceived" if document == "N1" else "StockShipped"


def _tell(ledger: LedgerProcess, document: str, source: str, quantity: int) -> None:
    note = {"document": document, "document_line": "1", "location": "DC", "quantity": quantity}
    if _kind_of(document) == "GoodsReceived":
        ledger.tell("GoodsReceived", source=source, **note)
        return
    order = ORDERS[document in ("N2", "N3")]
    named = {"order": order, "line": "1"}
    if document in ("N3", "N4"):
        named = {"allocation": f"A-{order}"}
    elif document == "N5":
        named = {"reservation": f"R-{order}"}
    ledger.tell("StockShipped", source=source, shipment=document, **named, **note)


def _demand(ledger: LedgerProcess, dice: Random) -> None:
    order, units = dice.choice(ORDERS), dice.randint(1, 6)
    line = {"order": order, "line": "1"}
    what = dice.randrange(8)
    if what == 0:
        ledger.tell("OrderLineCancelled", source="shop", **line)
    elif what == 1:
        ledger.tell("ReleaseReservation", source="shop", reservation=f"R-{order}", quantity=units)
    elif what < 4:
        body = {"allocation": f"A-{order}", "location": "DC", "quantity": units}
        ledger.tell("StockAllocated", **body, **line)
    else:
        ledger.tell(
            "ReserveStock",
            source="shop",
            reservation=f"R-{order}",
            channel="web",
            locations=["DC", "STORE"],
            quantity=units,
            allow_partial=dice.random() < 0.5,
            allow_backorder=dice.random() < 0.5,
            **line,
        )


def _assert_sound(state: SkuState) -> None:
    physical = sum(state.number(place, bucket) for place in state.locations for bucket in range(4))
    assert physical + sum(state.outside) == 0
    reserved = allocated = 0
    for line in state.lines.values():
        owed = line.open_units() + line.shipped + line.closed_units()
        assert line.ordered + line.unordered == owed, line
        assert min(line.ordered, line.unordered, line.shipped, line.closed_units()) >= 0, line
        assert all(units > 0 for _, units in line.reserved), line
        assert all(0 <= held.open <= held.quantity for held in line.allocations), line
        reserved += line.reserved_units()
        allocated += line.allocated_units()
    assert sum(held[0] for held in state.claims.values()) == reserved
    assert sum(held[1] for held in state.claims.values()) == allocated


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 40), st.lists(st.integers(1, 2**32), min_size=20, max_size=30))
def test_in_any_order_the_shelf_ends_as_the_authority_told_it(
    stock: int, numbers: list[int]
) -> None:
    ledger = _ledger().tell("GoodsReceived", location="DC", quantity=stock)
    told: dict[tuple[str, str], int] = {}
    first: dict[str, int] = {}
    for number in numbers:
        dice = Random(number)
        if dice.random() < 0.5:
            _demand(ledger, dice)
        else:
            document, source = dice.choice(DOCUMENTS), dice.choice(SOURCES)
            quantity = dice.randint(1, 6)
            _tell(ledger, document, source, quantity)
            told.setdefault((document, source), quantity)
            first.setdefault(document, quantity)
        _assert_sound(ledger.state())
    stands = {d: told.get((d, "wms"), units) for d, units in first.items()}
    expected = sum(
        units if _kind_of(document) == "GoodsReceived" else -units
        for document, units in stands.items()
    )
    assert ledger.on_hand() == stock + expected
    before = rows(ledger.state())
    ledger.restart()
    assert rows(ledger.state()) == before
