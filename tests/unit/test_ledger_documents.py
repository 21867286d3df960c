"""The same movement told by two sources: the authority's quantity stands (ruling 20)."""

from __future__ import annotations

import pytest
from tests.support.ledger_process import LedgerProcess

from stockfold.domain.reference import Authority
from stockfold.ledger.digest import rows

NOTE = {"document": "GRN-1", "document_line": "1"}
LINE = {"order": "O", "line": "1"}


@pytest.fixture
def ledger() -> LedgerProcess:
    """The warehouse is the authority, the ERP corroborates."""
    ledger = LedgerProcess()
    return ledger.know(Authority("wms", "wms", 1), Authority("erp", "erp", 1, role="secondary"))


def receive(ledger: LedgerProcess, source: str, quantity: int, **more) -> LedgerProcess:
    body = {"location": "DC", "quantity": quantity, **NOTE, **more}
    return ledger.tell("GoodsReceived", source=source, **body)


def ship(ledger: LedgerProcess, source: str, quantity: int, **more) -> LedgerProcess:
    body = {"location": "DC", "quantity": quantity, "shipment": "S", **LINE, **NOTE, **more}
    return ledger.tell("StockShipped", source=source, **body)


def reserve(ledger: LedgerProcess, quantity: int, **more) -> LedgerProcess:
    body = {"reservation": "R", "channel": "web", "locations": ["DC"], **LINE, **more}
    return ledger.tell("ReserveStock", source="shop", quantity=quantity, **body)


def allocate(ledger: LedgerProcess, quantity: int) -> LedgerProcess:
    body = {"allocation": "A", "location": "DC", "quantity": quantity, **LINE}
    return ledger.tell("StockAllocated", **body)


def line(ledger: LedgerProcess) -> dict[str, int]:
    """The terms of the line that are not zero; true that they add up."""
    known = ledger.state().lines["O", "1"]
    terms = {
        "ordered": known.ordered,
        "unordered": known.unordered,
        "reserved": known.reserved_units(),
        "allocated": known.allocated_units(),
        "backordered": known.backordered,
        "shipped": known.shipped,
        "cancelled": known.cancelled,
        "expired": known.expired,
        "rejected": known.rejected,
    }
    assert known.ordered + known.unordered == known.open_units() + known.shipped + (
        known.closed_units()
    )
    return {name: units for name, units in terms.items() if units}


def kinds(ledger: LedgerProcess) -> list[str]:
    return [raised["kind"] for raised in ledger.exceptions()]


def assert_books_hold(ledger: LedgerProcess) -> None:
    """The physical book sums to zero, and the journal folds to the same state."""
    state = ledger.state()
    physical = sum(state.number(place, bucket) for place in state.locations for bucket in range(4))
    assert physical + sum(state.outside) == 0
    before = rows(state)
    ledger.restart()
    assert rows(ledger.state()) == before


def test_the_secondary_source_after_the_authority_corroborates(ledger: LedgerProcess) -> None:
    receive(receive(ledger, "wms", 5), "erp", 5)
    assert (ledger.on_hand(), ledger.exceptions()) == (5, [])
    assert ledger.facts()[-1].kind == "Corroborated"


@pytest.mark.parametrize("second", [{"location": "STORE"}, {"condition": "damaged"}])
@pytest.mark.parametrize("source", ["wms", "erp"])
def test_the_same_line_told_about_another_shelf_is_an_exception_and_not_a_repeat(
    ledger: LedgerProcess, source: str, second: dict[str, str]
) -> None:
    receive(receive(ledger, "wms", 5), source, 5, **second)
    assert (ledger.on_hand(), kinds(ledger)) == (5, ["document_differs"])
    ledger.restart()
    assert kinds(receive(ledger, source, 5, **second)) == ["document_differs"] * 2


def test_what_the_other_teller_knows_besides_does_not_matter(ledger: LedgerProcess) -> None:
    receive(receive(ledger, "wms", 5, inbound="PO-1", line="1"), "erp", 5)
    assert (ledger.on_hand(), ledger.exceptions()) == (5, [])


def test_a_return_without_a_condition_is_the_one_that_is_held(ledger: LedgerProcess) -> None:
    told = {"return": "RT", "location": "DC", "quantity": 1, **NOTE}
    ledger.tell("ReturnReceived", source="wms", **told)
    ledger.tell("ReturnReceived", source="erp", **told, condition="quality_hold")
    assert kinds(ledger) == []
    ledger.tell("ReturnReceived", source="erp", **told, condition="on_hand")
    assert kinds(ledger) == ["document_differs"]


def test_the_secondary_source_after_the_authority_changes_nothing_when_it_differs(
    ledger: LedgerProcess,
) -> None:
    receive(receive(ledger, "wms", 5), "erp", 4)
    assert (ledger.on_hand(), ledger.refused()) == (5, ["document_differs"])


def test_the_authority_after_the_secondary_source_corroborates_when_they_agree(
    ledger: LedgerProcess,
) -> None:
    receive(receive(ledger, "erp", 5), "wms", 5)
    assert (ledger.on_hand(), ledger.exceptions()) == (5, [])


@pytest.mark.parametrize("stands", [1, 4, 6])
def test_the_authority_after_the_secondary_source_folds_the_difference(
    ledger: LedgerProcess, stands: int
) -> None:
    receive(receive(ledger, "erp", 5), "wms", stands)
    assert (ledger.on_hand(), ledger.findings()) == (stands, ["document_differs"])
    fact = ledger.facts()[-1]
    assert fact.change is not None
    assert fact.kind == "Corrected"
    assert fact.change.note == {"type": "GoodsReceived", "told_before": 5, "stands": stands}
    assert_books_hold(ledger)


def test_once_the_authority_has_spoken_nobody_corrects_it(ledger: LedgerProcess) -> None:
    receive(receive(receive(ledger, "erp", 5), "wms", 4), "erp", 5)
    ledger.know(Authority("other", "other", 1))
    receive(ledger, "other", 9)
    assert (ledger.on_hand(), ledger.refused()) == (4, ["document_differs"] * 2)


def test_the_memory_of_who_told_it_survives_a_restart(ledger: LedgerProcess) -> None:
    receive(ledger, "erp", 5).restart()
    assert receive(ledger, "wms", 4).on_hand() == 4


def test_told_about_another_place_nothing_is_folded(ledger: LedgerProcess) -> None:
    receive(receive(ledger, "erp", 5), "wms", 4, location="STORE")
    receive(ledger, "wms", 5, condition="damaged")
    assert (ledger.on_hand(), ledger.refused()) == (5, ["document_differs"] * 2)


def test_two_secondary_sources_that_differ_leave_the_first(ledger: LedgerProcess) -> None:
    ledger.know(Authority("3pl", "3pl", 1, role="secondary"))
    receive(receive(ledger, "erp", 5), "3pl", 4)
    assert (ledger.on_hand(), ledger.refused()) == (5, ["document_differs"])
    assert receive(ledger, "wms", 3).on_hand() == 3


def test_the_inbound_line_follows_the_quantity_that_stands(ledger: LedgerProcess) -> None:
    expected = {"inbound": "PO", "line": "1"}
    ledger.tell("InboundExpected", **expected, location="DC", quantity=10, revision=1)
    receive(receive(ledger, "erp", 10, **expected), "wms", 7, **expected)
    assert ledger.state().expected["DC"] == [("PO", "1", 3, None, 100)]


def test_a_transfer_follows_the_quantity_that_stands(ledger: LedgerProcess) -> None:
    leg = {"transfer": "T", "from": "DC", "to": "STORE"}
    ledger.tell("TransferDispatched", source="erp", quantity=5, **leg, **NOTE)
    ledger.tell("TransferDispatched", quantity=4, **leg, **NOTE)
    assert (ledger.on_hand(), ledger.state().number("STORE", 3)) == (-4, 4)
    assert_books_hold(ledger)


def test_of_a_transfer_that_is_over_and_forgotten_nothing_is_corrected(
    ledger: LedgerProcess,
) -> None:
    leg = {"transfer": "T", "from": "DC", "to": "STORE"}
    ledger.tell("TransferDispatched", source="erp", quantity=5, **leg, **NOTE)
    del ledger.state().transfers["T"]
    ledger.tell("TransferDispatched", quantity=4, **leg, **NOTE)
    assert ledger.refused() == ["document_differs"]
    assert "forgotten" in ledger.exceptions()[-1]["reason"]


def test_an_adjustment_follows_the_quantity_that_stands(ledger: LedgerProcess) -> None:
    body = {"location": "DC", "reason": "broken", **NOTE}
    ledger.tell("StockAdjusted", source="erp", delta=-3, **body)
    ledger.tell("StockAdjusted", delta=-2, **body)
    assert ledger.on_hand() == -2


# --- shipments ----------------------------------------------------------------------------------


@pytest.fixture
def stocked(ledger: LedgerProcess) -> LedgerProcess:
    return receive(ledger, "wms", 20, document="GRN-0")


def test_a_shipment_that_was_larger_draws_the_difference(stocked: LedgerProcess) -> None:
    reserve(stocked, 5)
    ship(ship(stocked, "erp", 3), "wms", 5)
    assert line(stocked) == {"ordered": 5, "shipped": 5}
    assert stocked.on_hand() == 15
    assert_books_hold(stocked)


def test_a_shipment_that_was_smaller_is_owed_again_from_its_reservation(
    stocked: LedgerProcess,
) -> None:
    ship(ship(reserve(stocked, 5), "erp", 5), "wms", 3)
    assert line(stocked) == {"ordered": 5, "reserved": 2, "shipped": 3}
    assert (stocked.on_hand(), stocked.state().atp("DC")) == (17, 15)
    assert_books_hold(stocked)


def test_a_shipment_that_was_smaller_goes_back_to_its_allocation(stocked: LedgerProcess) -> None:
    allocate(reserve(stocked, 5), 5)
    ship(ship(stocked, "erp", 5, allocation="A"), "wms", 3, allocation="A")
    assert line(stocked) == {"ordered": 5, "allocated": 2, "shipped": 3}
    assert_books_hold(stocked)


def test_what_was_shipped_beyond_the_order_goes_back_first(stocked: LedgerProcess) -> None:
    allocate(reserve(stocked, 3), 3)
    ship(ship(stocked, "erp", 5), "wms", 3)
    assert line(stocked) == {"ordered": 3, "shipped": 3}
    assert_books_hold(stocked)


def test_on_a_cancelled_line_it_counts_as_cancelled(stocked: LedgerProcess) -> None:
    ship(reserve(stocked, 5), "erp", 3)
    stocked.tell("OrderLineCancelled", source="shop", **LINE)
    ship(stocked, "wms", 1)
    assert line(stocked) == {"ordered": 5, "shipped": 1, "cancelled": 4}
    assert_books_hold(stocked)


def test_a_shipment_before_its_order_is_made_smaller_where_it_waits(
    stocked: LedgerProcess,
) -> None:
    ship(stocked, "erp", 3, allocation="A", order=None, line=None)
    ship(stocked, "wms", 2, allocation="A", order=None, line=None)
    allocate(reserve(stocked, 3), 3)
    assert line(stocked) == {"ordered": 3, "allocated": 1, "shipped": 2}
    assert stocked.on_hand() == 18
    assert_books_hold(stocked)


def test_a_shipment_that_its_allocation_has_met_since_goes_back_to_it(
    stocked: LedgerProcess,
) -> None:
    ship(stocked, "erp", 3, allocation="A", order=None, line=None)
    allocate(reserve(stocked, 3), 3)
    ship(stocked, "wms", 2, allocation="A", order=None, line=None)
    assert line(stocked) == {"ordered": 3, "allocated": 1, "shipped": 2}
    assert_books_hold(stocked)


def test_a_shipment_without_any_line_only_moves_the_shelf(stocked: LedgerProcess) -> None:
    ship(stocked, "erp", 3, order=None, line=None)
    ship(stocked, "wms", 2, order=None, line=None)
    assert stocked.on_hand() == 18
    assert_books_hold(stocked)


def test_an_order_that_has_absorbed_the_shipment_is_owed_the_rest(stocked: LedgerProcess) -> None:
    reserve(ship(stocked, "erp", 5), 5)
    assert line(stocked) == {"ordered": 5, "shipped": 5}
    ship(stocked, "wms", 4)
    assert line(stocked) == {"ordered": 5, "reserved": 1, "shipped": 4}
    assert_books_hold(stocked)


def test_units_of_a_backorder_wait_again_and_are_served_in_their_order(
    ledger: LedgerProcess,
) -> None:
    reserve(ledger, 4, allow_backorder=True)
    ship(ship(ledger, "erp", 4), "wms", 3)
    assert line(ledger) == {"ordered": 4, "backordered": 1, "shipped": 3}
    receive(ledger, "wms", 9, document="GRN-9")
    assert line(ledger) == {"ordered": 4, "reserved": 1, "shipped": 3}
    assert_books_hold(ledger)
