"""Rows of a table become the bodies that the same values in JSON would be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockfold.contracts.envelope import Envelope
from stockfold.contracts.intake import Intake, Taken
from stockfold.contracts.tables import Table
from stockfold.domain.errors import ContractError

INTAKE = Intake()
RECEIPT = "stockfold.GoodsReceived"


def taken(table: Table, row: list[str], event_type: str = RECEIPT) -> dict | list[str]:
    """The body of a row, or the paths of what is wrong."""
    tree = table.tree(row)
    assert tree is not None
    found = INTAKE.body(Envelope("e-1", "/erp", event_type, 0), tree)
    return found.body if isinstance(found, Taken) else [problem.path for problem in found]


def test_columns_are_found_by_name_and_by_mapping_and_the_rest_is_told() -> None:
    table = Table(RECEIPT, ["Artikel", " Location ", "quantity", "Name"], {"Artikel": "sku"})
    assert table.ignored == ["Name"]
    body = taken(table, ["SKU-1", " DC ", "5", "x"])
    assert isinstance(body, dict)
    assert (body["sku"], body["location"], body["quantity"], body["condition"]) == (
        "SKU-1",
        "DC",
        5,
        "on_hand",
    )


@pytest.mark.parametrize(
    ("header", "mapping", "told"),
    [
        (["sku", "location"], {}, "no column is quantity"),
        (["sku", "location", "quantity"], {"Menge": "quantity"}, "no column 'Menge'"),
        (["sku", "location", "Menge"], {"Menge": "amount"}, "no field 'amount'"),
        (["sku", "sku", "location", "quantity"], {}, "'sku' twice"),
        (["a", "b", "location", "quantity"], {"a": "sku", "b": "sku"}, "more than once"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused_before_any_row(
    header: list[str], mapping: dict[str, str], told: str
) -> None:
    with pytest.raises(ContractError, match=told):
        Table(RECEIPT, header, mapping)


@pytest.mark.parametrize("cell", ["5.0", "1e3", "five", "1,000", "0", "-1", "9" * 30])
def test_a_cell_that_is_no_fit_quantity_is_refused_by_its_field(cell: str) -> None:
    table = Table(RECEIPT, ["sku", "location", "quantity"])
    assert taken(table, ["SKU-1", "DC", cell]) == ["$.quantity"]


def test_a_row_of_another_width_is_no_body() -> None:
    table = Table(RECEIPT, ["sku", "location", "quantity"])
    assert table.tree(["SKU-1", "DC"]) is None
    assert table.tree(["SKU-1", "DC", "5", ""]) is None


def test_lists_booleans_days_and_times_are_read_from_text() -> None:
    header = ["sku", "reservation", "order", "line", "channel", "quantity", "locations"]
    header += ["allow_split", "needed_on", "expires_at"]
    row = ["S", "R", "O", "1", "web", "2", "DC; STORE", "yes", "2026-12-01", "2026-11-01T12:00:00Z"]
    body = taken(Table("stockfold.ReserveStock", header), row, "stockfold.ReserveStock")
    assert isinstance(body, dict)
    assert body["locations"] == ["DC", "STORE"]
    assert body["allow_split"] is True
    assert body["needed_on"] == 20788
    assert body["expires_at"] == 1793534400000000


@given(
    st.permutations(["sku", "location", "quantity", "document"]),
    st.integers(1, 10**12),
    st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20),
)
def test_the_order_and_the_names_of_columns_change_nothing(
    order: list[str], quantity: int, sku: str
) -> None:
    cells = {"sku": sku, "location": "DC", "quantity": str(quantity), "document": "D-1"}
    plain = taken(Table(RECEIPT, list(cells)), list(cells.values()))
    mapping = {f"col {name}": name for name in order}
    renamed = taken(Table(RECEIPT, list(mapping), mapping), [cells[name] for name in order])
    assert plain == renamed
    assert isinstance(plain, dict)
    assert plain["quantity"] == quantity
