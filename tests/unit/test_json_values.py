"""Kafka values as JSON: what is taken, and exactly what is said about the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.contract_records import AT_US, JSON_TYPE, avro_value, read

from stockfold.contracts.inputs import InputReader
from stockfold.contracts.json_text import JSON_BYTES_MAX
from stockfold.domain.errors import ContractError
from stockfold.domain.times import parse_us

RECEIVED = {"sku": "SKU-1001", "location": "DC-BERLIN", "quantity": 5}
EXPECTED = {
    "sku": "SKU-1001",
    "inbound": "PO-77",
    "line": "1",
    "location": "DC-BERLIN",
    "quantity": 100,
    "eta": "2026-12-01T09:00:00.25+01:00",
    "revision": 1,
}
RESERVE = {
    "sku": "SKU-1001",
    "reservation": "R-1",
    "order": "SO-1",
    "line": "1",
    "channel": "woo-de",
    "quantity": 2,
    "locations": ["DC-BERLIN", "STORE-1"],
    "needed_on": "2026-12-05",
    "supply_line": {"inbound": "PO-77", "line": "1"},
}


def told(event_type: str, body: Any, *more: tuple[str, bytes]) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read(InputReader(), event_type, raw, *(more or JSON_TYPE))


def refusal(event_type: str, body: Any, *more: tuple[str, bytes]) -> ContractError:
    with pytest.raises(ContractError) as caught:
        told(event_type, body, *more)
    assert caught.value.remedy
    return caught.value


def test_json_becomes_the_record_that_avro_gives() -> None:
    given = told("InboundExpected", EXPECTED)
    assert given.type == "InboundExpected"
    assert given.body["eta"] == parse_us("2026-12-01T08:00:00.25Z")
    assert given.body["confidence"] == 100
    assert given.schema_id == 0
    assert given.occurred_us == AT_US


def test_days_nested_records_and_arrays_are_read() -> None:
    body = told("ReserveStock", RESERVE).body
    assert body["needed_on"] == 20_792
    assert body["supply_line"] == {"inbound": "PO-77", "line": "1"}
    assert body["locations"] == ["DC-BERLIN", "STORE-1"]
    assert body["expires_at"] is None


def test_a_repeat_in_the_other_encoding_has_the_same_payload_hash() -> None:
    given = told("ReserveStock", RESERVE)
    again = read(InputReader(), "ReserveStock", avro_value("ReserveStock", dict(given.body)))
    assert again.payload_hash == given.payload_hash
    assert again.schema_id != 0


def test_json_inputs_are_counted_apart() -> None:
    reader = InputReader()
    read(reader, "GoodsReceived", json.dumps(RECEIVED).encode(), *JSON_TYPE)
    with pytest.raises(ContractError):
        read(reader, "GoodsReceived", b"{}", *JSON_TYPE)
    body = told("GoodsReceived", RECEIVED).body
    read(reader, "GoodsReceived", avro_value("GoodsReceived", dict(body)))
    assert reader.json_read == 1


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/json",
        b"application/json; charset=utf-8",
        b"Application/JSON;Charset=UTF-8",
        b'application/json; charset="utf-8"',
    ],
)
def test_the_content_type_says_json(content_type: bytes) -> None:
    assert told("GoodsReceived", RECEIVED, ("content-type", content_type)).body["quantity"] == 5


@pytest.mark.parametrize(
    ("content_type", "kind", "said"),
    [
        (b"application/cloudevents+json", "unsupported_content_type", "binary mode"),
        (b"application/cloudevents-batch+json", "unsupported_content_type", "binary mode"),
        (b"application/json; charset=latin-1", "unsupported_content_type", "charset=utf-8"),
        (b"text/plain", "unsupported_content_type", "application/json"),
        (b"\xff\xfe", "unsupported_content_type", "application/json"),
        (b"application/avro", "undecodable", "content-type: application/json"),
        (b"", "undecodable", "content-type: application/json"),
    ],
)
def test_other_content_types_are_refused_with_what_to_send(
    content_type: bytes, kind: str, said: str
) -> None:
    refused = refusal("GoodsReceived", RECEIVED, ("content-type", content_type))
    assert refused.kind == kind
    assert said in refused.remedy


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("quantity", "5", "$.quantity is '5', text; it must be an integer"),
        ("quantity", True, "$.quantity is true, a boolean; it must be an integer"),
        ("quantity", None, "$.quantity is null; it must be an integer"),
        ("quantity", 2**63, "$.quantity is 9223372036854775808; it must fit 64 bits"),
        ("quantity", 10**30, "must fit 64 bits"),
        ("quantity", [5], "$.quantity is an array; it must be an integer"),
        ("quantity", {"long": 5}, "$.quantity is an object; it must be an integer"),
        ("location", 7, "$.location is 7, an integer; it must be text"),
        ("location", "\ud800", "$.location has half a surrogate pair"),
        ("condition", "damage", "$.condition is 'damage', text; it must be one of on_hand, "),
        ("condition", 1, "$.condition is 1, an integer; it must be one of on_hand, "),
        ("inbound", {"string": "PO-77"}, "$.inbound is Avro's own JSON with the branch 'string'"),
        ("quantitty", 5, "$.quantitty is no field of GoodsReceived"),
        ("$ref", 5, '$["$ref"] is no field of GoodsReceived'),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(field: str, value: Any, said: str) -> None:
    refused = refusal("GoodsReceived", RECEIVED | {field: value})
    assert refused.kind == "schema_mismatch"
    assert said in refused.what


@pytest.mark.parametrize("number", ["5.0", "5e0", "0.5", "-0.0"])
def test_a_decimal_number_is_no_integer_even_when_it_is_whole(number: str) -> None:
    raw = json.dumps(RECEIVED).replace(" 5}", f" {number}}}").encode()
    refused = refusal("GoodsReceived", raw)
    assert refused.kind == "schema_mismatch"
    assert f"$.quantity is {number}, a decimal number" in refused.what


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_json_does_not_know_is_no_number(word: str) -> None:
    raw = json.dumps(RECEIVED).replace(" 5}", f" {word}}}").encode()
    assert f"$.quantity is {word}, no JSON number" in refusal("GoodsReceived", raw).what


def test_a_number_of_a_million_digits_is_refused_at_once() -> None:
    raw = json.dumps(RECEIVED).replace(" 5}", f" {'9' * 1_000_000}}}").encode()
    assert "must fit 64 bits" in refusal("GoodsReceived", raw).what


def test_everything_that_is_wrong_is_told_at_once() -> None:
    refused = refusal("GoodsReceived", {"sku": "SKU-1001", "quantity": "5", "qty": 5})
    assert "$.qty is no field" in refused.what
    assert "$.location is missing" in refused.what
    assert "$.quantity is '5'" in refused.what


def test_a_field_that_is_nearly_right_is_guessed() -> None:
    assert "Did you mean quantity?" in refusal("GoodsReceived", {"quantitiy": 5}).remedy
    wrong = RECEIVED | {"condition": "ON_HAND"}
    assert "Did you mean on_hand?" in refusal("GoodsReceived", wrong).remedy


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("2026-12-01T08:00:00", "has no UTC offset"),
        ("2026-12-01 08:00:00Z", "must be an RFC 3339 timestamp"),
        ("2026-12-01", "must be an RFC 3339 timestamp"),
        ("20261201T080000Z", "must be an RFC 3339 timestamp"),
        ("2026-12-01T08:00:00.1234567Z", "finer than a microsecond"),
        ("2026-02-30T08:00:00Z", "is no moment"),
        ("2026-12-01T08:00:60Z", "is no moment"),
        ("0000-01-01T00:00:00Z", "is no moment"),
        (1_764_576_000_000_000, "must be a timestamp as text"),
    ],
)
def test_a_time_that_is_not_exact_is_refused(value: Any, said: str) -> None:
    refused = refusal("InboundExpected", EXPECTED | {"eta": value})
    assert refused.what.startswith("$.eta is ")
    assert said in refused.what


@pytest.mark.parametrize(
    ("value", "us"),
    [
        ("2026-12-01T08:00:00Z", "2026-12-01T08:00:00Z"),
        ("2026-12-01t08:00:00z", "2026-12-01T08:00:00Z"),
        ("2026-12-01T08:00:00.1234560Z", "2026-12-01T08:00:00.123456Z"),
        ("2026-12-01T08:00:00-05:30", "2026-12-01T13:30:00Z"),
    ],
)
def test_a_time_in_any_zone_is_the_same_moment(value: str, us: str) -> None:
    assert told("InboundExpected", EXPECTED | {"eta": value}).body["eta"] == parse_us(us)


@pytest.mark.parametrize("value", ["2026-13-01", "2026-1-1", "2026-12-05T00:00:00Z", 20_792])
def test_a_day_is_written_year_month_day(value: Any) -> None:
    refused = refusal("ReserveStock", RESERVE | {"needed_on": value})
    assert refused.what.startswith("$.needed_on is ")
    assert "YYYY-MM-DD" in refused.remedy


def test_places_inside_arrays_and_records_are_named() -> None:
    wrong = RESERVE | {"locations": ["A", 7], "supply_line": {"inbound": "PO-77"}}
    refused = refusal("ReserveStock", wrong)
    assert "$.locations[1] is 7" in refused.what
    assert "$.supply_line.line is missing" in refused.what


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"{", "$ is not JSON"),
        (b"", "$ is not JSON"),
        (b"{'sku': 1}", "line 1 column 2"),
        (b'{"sku": "A"} {"sku": "B"}', "$ is not JSON: Extra data"),
        (b'{"sku": "\xff"}', "$ is not UTF-8: byte 9 is 0xff"),
        (b'\xef\xbb\xbf{"sku": "A"}', "$ is not JSON"),
        (b'{"sku": "A", "sku": "B"}', "$.sku is there twice"),
        (b'{"supply_line": {"line": 1, "line": 1}}', "$.supply_line.line is there twice"),
        (b'{"sku": ' + b"[" * 17 + b"]" * 17 + b"}", "is nested more than 16 deep"),
        (b"[" * 200_000, "$ is nested more than 16 deep"),
        (b"[" + b"1," * 300_000 + b"1]", "more than 250000 values"),
        (b'{"sku": "' + b"A" * JSON_BYTES_MAX + b'"}', f"at most {JSON_BYTES_MAX} are taken"),
    ],
)
def test_text_that_is_no_json_is_refused(raw: bytes, said: str) -> None:
    refused = refusal("ReserveStock", raw)
    assert refused.kind == "invalid_json"
    assert said in refused.what


def test_a_value_that_is_no_object_is_refused() -> None:
    refused = refusal("GoodsReceived", [RECEIVED])
    assert "$ is an array; it must be an object: GoodsReceived" in refused.what


def test_the_type_is_the_one_that_the_headers_name() -> None:
    elsewhere = refusal(
        "GoodsReceived", RECEIVED, *JSON_TYPE, ("ce_type", b"stockfold.StockCounted")
    )
    assert elsewhere.kind == "wrong_topic"
    nowhere = refusal("GoodsReceived", RECEIVED, *JSON_TYPE, ("ce_type", b"com.example.Receipt"))
    assert nowhere.kind == "unknown_type"


def test_the_key_is_checked_as_with_avro() -> None:
    assert refusal("GoodsReceived", RECEIVED | {"sku": "OTHER"}).kind == "key_mismatch"
