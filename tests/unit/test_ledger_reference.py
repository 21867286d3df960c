"""What the ledger does with the catalogue, units, aliases and authority."""

from __future__ import annotations

import pytest
from tests.support.bodies import DAY_US
from tests.support.ledger_process import LedgerProcess

from stockfold.contracts.topics import CATALOG
from stockfold.domain.reference import (
    Alias,
    Authority,
    CatalogItem,
    Location,
    UnitOfMeasure,
)
from stockfold.ledger.digest import rows

BEANS = CatalogItem("BEANS", 1, units=(UnitOfMeasure("case", 24), UnitOfMeasure("gram", 1, 250)))
RECEIPT = {"location": "DC", "quantity": 2}
ORDER = {"order": "O", "line": "1", "channel": "web", "locations": ["DC"]}


@pytest.fixture
def ledger() -> LedgerProcess:
    return LedgerProcess()


@pytest.fixture
def strict() -> LedgerProcess:
    return LedgerProcess(enforce_catalogue=True)


def last_reason(ledger: LedgerProcess) -> str:
    return ledger.exceptions()[-1]["reason"]


# --- the catalogue ------------------------------------------------------------------------------


def test_an_unknown_sku_is_an_exception_where_the_catalogue_is_enforced(
    strict: LedgerProcess,
) -> None:
    strict.tell("GoodsReceived", **RECEIPT)
    (raised,) = strict.exceptions()
    assert (raised["kind"], raised["folded"], raised["sku"]) == ("unknown_sku", False, "BEANS")
    assert raised["value"]
    assert strict.facts() == []


def test_an_unknown_sku_is_folded_where_the_catalogue_is_not_enforced(
    ledger: LedgerProcess,
) -> None:
    assert ledger.tell("GoodsReceived", **RECEIPT).on_hand() == 2


def test_a_known_sku_is_folded(strict: LedgerProcess) -> None:
    assert strict.know(BEANS).tell("GoodsReceived", **RECEIPT).on_hand() == 2


def test_facts_of_an_inactive_sku_are_folded_but_it_is_not_reserved(strict: LedgerProcess) -> None:
    strict.know(CatalogItem("BEANS", 2, active=False)).tell("GoodsReceived", **RECEIPT)
    strict.tell("ReserveStock", reservation="R", quantity=1, **ORDER)
    assert strict.on_hand() == 2
    assert strict.refused() == ["inactive_sku"]


def test_a_sku_that_is_withdrawn_from_the_catalogue_is_unknown_again(
    strict: LedgerProcess,
) -> None:
    strict.know(BEANS).forget(BEANS).tell("GoodsReceived", **RECEIPT)
    assert strict.refused() == ["unknown_sku"]


def test_a_restart_reads_the_catalogue_again(strict: LedgerProcess) -> None:
    strict.know(BEANS).tell("GoodsReceived", **RECEIPT)
    strict.restart()
    assert strict.tell("GoodsReceived", unit="case", **RECEIPT).on_hand() == 50


def test_what_compaction_took_away_is_stood_in_for_by_the_next_revision(
    strict: LedgerProcess,
) -> None:
    strict.know(BEANS, CatalogItem("CUP", 1))
    strict.publish(CatalogItem("BEANS", 2), CatalogItem("NEW", 1))
    strict.log.compact(CATALOG)
    strict.restart(behind_mark=False)
    strict.tell("GoodsReceived", **RECEIPT).tell("GoodsReceived", sku="NEW", **RECEIPT)
    assert strict.on_hand() == 2
    assert [raised["sku"] for raised in strict.exceptions()] == ["NEW"]


def test_a_catalogue_record_that_cannot_be_read_is_an_exception_and_the_partition_moves_on(
    strict: LedgerProcess,
) -> None:
    strict.raw_item(b"BEANS", b"not avro").know(BEANS).tell("GoodsReceived", **RECEIPT)
    assert strict.refused() == ["undecodable"]
    assert strict.on_hand() == 2


# --- units --------------------------------------------------------------------------------------


def test_a_unit_is_converted_to_base_units_and_the_fact_keeps_what_was_told(
    ledger: LedgerProcess,
) -> None:
    ledger.know(BEANS).tell("GoodsReceived", unit="case", **RECEIPT)
    assert ledger.on_hand() == 48
    (fact,) = ledger.facts()
    assert fact.change is not None
    assert fact.change.note == {"told": 2, "unit": "case"}


@pytest.mark.parametrize(
    ("kind", "body", "on_hand"),
    [
        ("StockAdjusted", {"location": "DC", "delta": -1, "reason": "broken"}, -24),
        ("StockCounted", {"location": "DC", "counted": 3, "as_of": 1_793_534_400_000_000}, 72),
        ("StockShipped", {"location": "DC", "quantity": 1, "shipment": "S"}, -24),
    ],
)
def test_every_field_that_holds_a_quantity_is_converted(
    ledger: LedgerProcess, kind: str, body: dict, on_hand: int
) -> None:
    ledger.know(BEANS).tell(kind, unit="case", **body)
    assert ledger.on_hand() == on_hand


def test_a_reservation_in_cases_promises_base_units(ledger: LedgerProcess) -> None:
    ledger.know(BEANS).tell("GoodsReceived", unit="case", **RECEIPT)
    ledger.tell("ReserveStock", reservation="R", quantity=1, unit="case", **ORDER)
    assert ledger.state().atp("DC") == 24


def test_the_base_unit_itself_needs_no_ratio(ledger: LedgerProcess) -> None:
    assert ledger.know(BEANS).tell("GoodsReceived", unit="each", **RECEIPT).on_hand() == 2


def test_an_unknown_unit_is_an_exception(ledger: LedgerProcess) -> None:
    ledger.know(BEANS).tell("GoodsReceived", unit="barrel", **RECEIPT)
    assert ledger.refused() == ["unknown_unit"]
    assert "each, case, gram" in last_reason(ledger)
    assert ledger.on_hand() == 0


def test_a_unit_of_a_sku_that_the_catalogue_does_not_know_is_an_exception(
    ledger: LedgerProcess,
) -> None:
    assert ledger.tell("GoodsReceived", unit="case", **RECEIPT).refused() == ["unknown_unit"]


def test_nothing_is_rounded(ledger: LedgerProcess) -> None:
    ledger.know(BEANS).tell("GoodsReceived", unit="gram", location="DC", quantity=500)
    ledger.tell("GoodsReceived", unit="gram", location="DC", quantity=501)
    assert ledger.on_hand() == 2
    assert ledger.refused() == ["inexact_conversion"]


def test_more_than_a_million_million_base_units_are_nonsense(ledger: LedgerProcess) -> None:
    ledger.know(BEANS).tell("GoodsReceived", unit="case", location="DC", quantity=10**12)
    assert ledger.refused() == ["quantity_out_of_range"]


def test_a_source_may_have_its_own_word_for_a_unit(ledger: LedgerProcess) -> None:
    ledger.know(BEANS, Alias("wms", "unit", "CS", "case", 1))
    ledger.tell("GoodsReceived", unit="CS", **RECEIPT)
    ledger.tell("GoodsReceived", unit="CS", source="erp", **RECEIPT)
    assert ledger.on_hand() == 48
    assert ledger.refused() == ["unknown_unit"]


def test_a_repeat_in_cases_changes_nothing_also_when_the_ratio_has_changed(
    ledger: LedgerProcess,
) -> None:
    ledger.know(BEANS).tell("GoodsReceived", unit="case", event_id="e", **RECEIPT)
    ledger.know(CatalogItem("BEANS", 2, units=(UnitOfMeasure("case", 12),)))
    ledger.tell("GoodsReceived", unit="case", event_id="e", **RECEIPT)
    assert (ledger.on_hand(), ledger.exceptions()) == (48, [])


def test_a_changed_ratio_does_not_change_history(ledger: LedgerProcess) -> None:
    ledger.know(BEANS).tell("GoodsReceived", unit="case", **RECEIPT)
    ledger.know(CatalogItem("BEANS", 2, units=(UnitOfMeasure("case", 12),)))
    before = rows(ledger.state())
    ledger.restart()
    assert rows(ledger.state()) == before


# --- aliases of locations -----------------------------------------------------------------------


def test_a_sources_code_of_a_location_becomes_our_location(ledger: LedgerProcess) -> None:
    ledger.know(Alias("wms", "location", "W01", "DC", 1))
    ledger.tell("GoodsReceived", location="W01", quantity=5)
    ledger.tell("TransferDispatched", transfer="T", quantity=1, to="W01", **{"from": "STORE"})
    ledger.tell("GoodsReceived", location="W01", quantity=7, source="erp")
    assert ledger.on_hand("DC") == 5
    assert ledger.on_hand("W01") == 7
    assert ledger.state().number("DC", 3) == 1


def test_the_codes_in_a_reservation_are_resolved_too(ledger: LedgerProcess) -> None:
    ledger.know(Alias("wms", "location", "W01", "DC", 1)).tell("GoodsReceived", **RECEIPT)
    body = {**ORDER, "locations": ["W01", "DC"]}
    ledger.tell("ReserveStock", reservation="R", quantity=1, **body)
    assert ledger.state().atp("DC") == 1


def test_a_withdrawn_alias_means_nothing(ledger: LedgerProcess) -> None:
    alias = Alias("wms", "location", "W01", "DC", 1)
    ledger.know(alias).forget(alias).tell("GoodsReceived", location="W01", quantity=5)
    assert ledger.on_hand("W01") == 5


# --- authority ----------------------------------------------------------------------------------


def test_without_any_authority_everybody_may_say_everything(ledger: LedgerProcess) -> None:
    assert ledger.tell("GoodsReceived", source="anybody", **RECEIPT).on_hand() == 2


def test_a_fact_of_a_source_without_authority_is_kept_and_not_folded(
    ledger: LedgerProcess,
) -> None:
    ledger.know(Authority("wms", "wms", 1, locations=("DC",)))
    ledger.tell("GoodsReceived", source="erp", **RECEIPT)
    ledger.tell("GoodsReceived", location="STORE", quantity=1)
    assert ledger.refused() == ["no_authority", "no_authority"]
    assert all(raised["value"] for raised in ledger.exceptions())
    assert ledger.facts() == []


def test_the_reason_names_who_may(ledger: LedgerProcess) -> None:
    ledger.know(Authority("wms", "wms", 1)).tell("GoodsReceived", source="erp", **RECEIPT)
    assert last_reason(ledger) == "erp may not say GoodsReceived at DC; wms may"


def test_an_event_that_was_kept_may_be_sent_again_once_its_source_has_authority(
    ledger: LedgerProcess,
) -> None:
    ledger.know(Authority("wms", "wms", 1))
    ledger.tell("GoodsReceived", source="erp", event_id="e", **RECEIPT)
    ledger.know(Authority("erp", "erp", 1))
    ledger.tell("GoodsReceived", source="erp", event_id="e", **RECEIPT)
    assert ledger.on_hand() == 2


def test_commands_are_free_unless_an_authority_names_their_type(ledger: LedgerProcess) -> None:
    ledger.know(Authority("wms", "wms", 1)).tell("GoodsReceived", **RECEIPT)
    ledger.tell("ReserveStock", reservation="R1", quantity=1, source="shop", **ORDER)
    ledger.know(Authority("orders", "orders", 1, types=("ReserveStock",)))
    other = {**ORDER, "order": "P"}
    ledger.tell("ReserveStock", reservation="R2", quantity=1, source="shop", **other)
    ledger.tell("ReserveStock", reservation="R3", quantity=1, source="orders", **other)
    assert ledger.refused() == ["no_authority"]
    assert ledger.state().atp("DC") == 0


def test_a_dispatch_is_said_by_the_authority_of_the_place_that_the_units_leave(
    ledger: LedgerProcess,
) -> None:
    ledger.know(Authority("wms", "wms", 1, locations=("DC",)))
    ledger.tell("TransferDispatched", transfer="T", quantity=1, to="STORE", **{"from": "DC"})
    ledger.tell("TransferDispatched", transfer="U", quantity=1, to="DC", **{"from": "STORE"})
    assert ledger.refused() == ["no_authority"]
    assert ledger.on_hand("DC") == -1


def test_authority_survives_a_restart(ledger: LedgerProcess) -> None:
    ledger.know(Authority("wms", "wms", 1)).restart()
    assert ledger.tell("GoodsReceived", source="erp", **RECEIPT).refused() == ["no_authority"]


def test_an_authority_that_is_made_inactive_speaks_no_more(ledger: LedgerProcess) -> None:
    ledger.know(Authority("wms", "wms", 1), Authority("erp", "erp", 1))
    ledger.know(Authority("erp", "erp", 2, active=False))
    assert ledger.tell("GoodsReceived", source="erp", **RECEIPT).refused() == ["no_authority"]


def test_a_location_alias_is_resolved_before_authority_is_asked(ledger: LedgerProcess) -> None:
    ledger.know(Authority("wms", "wms", 1, locations=("DC",)))
    ledger.know(Alias("wms", "location", "W01", "DC", 1))
    assert ledger.tell("GoodsReceived", location="W01", quantity=1).on_hand() == 1


# --- snapshot-driven locations --------------------------------------------------------------------

DRIVEN = Location("DC", 1, snapshot_driven=True, snapshot_limit=10)


def snapshot(ledger: LedgerProcess, quantity: int, as_of: int | None = None) -> LedgerProcess:
    return ledger.tell(
        "StockSnapshotReported",
        source="erp",
        location="DC",
        quantity=quantity,
        as_of=ledger.now_us if as_of is None else as_of,
    )


def test_elsewhere_a_snapshot_is_a_finding_and_moves_nothing(ledger: LedgerProcess) -> None:
    snapshot(ledger.tell("GoodsReceived", **RECEIPT), 9)
    assert (ledger.on_hand(), ledger.findings()) == (2, ["snapshot_differs"])


def test_at_a_snapshot_driven_location_it_acts_like_a_count_at_its_as_of_time(
    ledger: LedgerProcess,
) -> None:
    ledger.know(DRIVEN)
    as_of = ledger.now_us
    ledger.now_us += 60_000_000
    ledger.tell("GoodsReceived", location="DC", quantity=3)
    snapshot(ledger, 7, as_of)
    assert (ledger.on_hand(), ledger.exceptions()) == (10, [])
    ledger.tell("GoodsReceived", location="DC", quantity=1, occurred_us=as_of - 1)
    assert ledger.on_hand() == 10


def test_beyond_its_limit_a_snapshot_is_an_exception_and_nothing_is_folded(
    ledger: LedgerProcess,
) -> None:
    snapshot(ledger.know(DRIVEN), 10)
    snapshot(ledger, 21)
    assert (ledger.on_hand(), ledger.refused()) == (10, ["snapshot_beyond_limit"])


def test_a_snapshot_older_than_the_newest_is_an_exception(ledger: LedgerProcess) -> None:
    snapshot(ledger.know(DRIVEN), 5)
    snapshot(ledger, 6, ledger.now_us - 1)
    assert (ledger.on_hand(), ledger.refused()) == (5, ["count_superseded"])


def test_a_snapshot_of_the_future_or_of_long_ago_is_an_exception(ledger: LedgerProcess) -> None:
    ledger.know(DRIVEN)
    snapshot(ledger, 5, ledger.now_us + 1_000_000)
    snapshot(ledger, 5, ledger.now_us - 8 * DAY_US)
    assert ledger.refused() == ["count_in_future", "count_too_old"]


def test_a_location_that_is_no_longer_snapshot_driven_only_compares(ledger: LedgerProcess) -> None:
    ledger.know(DRIVEN, Location("DC", 2))
    assert snapshot(ledger, 5).on_hand() == 0
    assert ledger.findings() == ["snapshot_differs"]
