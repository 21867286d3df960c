"""Field values as people type them."""

from __future__ import annotations

import pytest

from stockfold.domain.errors import ContractError
from stockfold.runtime.desk.fields import json_value, parse_field

NOON = "1970-01-01T12:00:00Z"


@pytest.mark.parametrize(
    ("event", "field", "text", "value"),
    [
        ("GoodsReceived", "quantity", "5", 5),
        ("GoodsReceived", "line", "5", "5"),
        ("GoodsReceived", "line", "null", None),
        ("GoodsReceived", "location", "null", "null"),
        ("GoodsReceived", "condition", "damaged", "damaged"),
        ("ReserveStock", "allow_split", "true", True),
        ("ReserveStock", "locations", '["A", "B"]', ["A", "B"]),
        ("ReserveStock", "needed_on", "1970-01-03", 2),
        ("ReserveStock", "expires_at", NOON, 43_200_000_000),
        ("ReserveStock", "expires_at", "null", None),
    ],
)
def test_text_becomes_what_the_schema_says(event: str, field: str, text: str, value) -> None:
    assert parse_field(f"stockfold.{event}", field, text) == value


def test_in_json_times_and_days_stay_text() -> None:
    assert json_value("stockfold.ReserveStock", "expires_at", NOON) == NOON
    assert json_value("stockfold.ReserveStock", "expires_at", "null") is None
    assert json_value("stockfold.ReserveStock", "priority", "2") == 2


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        ("quantity", "many", "a whole number"),
        ("expires_at", "1970-01-01T12:00:00", "an offset"),
        ("needed_on", "tomorrow", "2026-11-01"),
        ("allow_split", "maybe", "true or false"),
        ("locations", "A", "JSON list"),
    ],
)
def test_what_does_not_fit_is_told_with_what_does(field: str, text: str, expected: str) -> None:
    with pytest.raises(ContractError, match=field) as told:
        parse_field("stockfold.ReserveStock", field, text)
    assert expected in told.value.remedy


def test_an_unknown_field_is_told_with_the_known_ones() -> None:
    with pytest.raises(ContractError, match="no field 'qty'") as told:
        parse_field("stockfold.GoodsReceived", "qty", "5")
    assert "quantity" in told.value.remedy
