"""Nothing that somebody sends grows beyond what Kafka, a snapshot or a reader takes of us."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.ledger_process import LedgerProcess

from stockfold.contracts import codec, envelope
from stockfold.contracts.exceptions import EVENT_BYTES_MAX, encode_exception
from stockfold.domain.errors import ContractError

HEADERS = [
    ("ce_specversion", b"1.0"),
    ("ce_id", b"e-1"),
    ("ce_source", b"/erp/main"),
    ("ce_type", b"stockfold.GoodsReceived"),
    ("ce_time", b"2026-11-01T12:00:00Z"),
]


def refused(*more: tuple[str, bytes | None]) -> ContractError:
    with pytest.raises(ContractError) as told:
        envelope.parse([*HEADERS, *more])
    return told.value


@pytest.mark.parametrize(
    "number", [b"-1", b"9223372036854775808", b"9" * 5000, b"1_000", b"7.0", b"abc", "٣".encode()]
)
def test_a_producers_number_is_decimal_digits_that_fit_64_bits(number: bytes) -> None:
    error = refused(("sequence", number))
    assert error.kind == "bad_envelope"
    assert error.what.startswith("sequence is ")


@pytest.mark.parametrize("number", [0, 1, 9223372036854775807])
def test_numbers_up_to_64_bits_are_taken(number: int) -> None:
    assert envelope.parse([*HEADERS, ("sequence", str(number).encode())]).sequence == number


@pytest.mark.parametrize("name", ["correlationid", "traceparent", "corrects"])
def test_attributes_that_every_fact_would_carry_are_bounded(name: str) -> None:
    usual = ("content-type", b"application/avro")
    assert name in refused((name, b"c" * 513)).what
    assert name in refused(usual, (name, b"c" * 513)).what
    envelope.parse([*HEADERS, usual, (name, b"c" * 512)])


def test_a_header_without_a_value_is_named() -> None:
    assert refused(("ce_id", None)).what == "header ce_id is null"
    with pytest.raises(ContractError, match="header ce_id is null"):
        envelope.parse([("ce_specversion", b"1.0"), ("ce_id", None)])


@pytest.mark.parametrize(
    ("event", "body", "kind"),
    [
        ("StockAdjusted", {"location": "DC", "delta": 1, "reason": "x" * 4001}, "text_too_long"),
        ("OrderLineCancelled", {"order": "O", "line": "1", "reason": "x" * 4001}, "text_too_long"),
        (
            "StockSnapshotReported",
            {"location": "DC", "quantity": 1, "as_of": 0, "snapshot": "x" * 257},
            "bad_identifier",
        ),
        (
            "ReserveStock",
            {
                "reservation": "R",
                "order": "O",
                "line": "1",
                "channel": "web",
                "quantity": 1,
                "locations": ["DC"],
                "supply_line": {"inbound": "\x01" * 9, "line": "1"},
            },
            "bad_identifier",
        ),
    ],
)
def test_texts_that_a_fact_would_carry_are_bounded(
    event: str, body: dict[str, Any], kind: str
) -> None:
    ledger = LedgerProcess().tell(event, **body)
    assert [raised["kind"] for raised in ledger.exceptions()] == [kind]
    assert ledger.facts() == []


def raised(**more: Any) -> dict[str, Any]:
    fields: dict[str, Any] = dict.fromkeys(
        ("reason", "remedy", "sku", "source", "event_id", "event_type", "correlation_id"), "x"
    )
    numbers = dict.fromkeys(("recorded_us", "caused_us", "partition"), 1)
    place = {"topic": "stockfold.receipts.v1", "offset": 42, "folded": False, "key": b"SKU-1"}
    record: dict[str, Any] = codec.decode(
        encode_exception("undecodable", **{**fields, **numbers, **place, **more})
    )[1]
    return record


def test_an_event_too_large_for_its_exception_stays_where_it_is_and_the_exception_says_so() -> None:
    told = raised(reason="no Avro", value=b"x" * EVENT_BYTES_MAX)
    assert (told["key"], told["value"], told["headers"]) == (None, None, [])
    assert told["reason"].startswith("no Avro; the event's 3145733 bytes are too many")
    assert told["reason"].endswith("stockfold.receipts.v1, partition 1, offset 42")


def test_headers_count_too_and_smaller_events_are_kept_whole() -> None:
    assert raised(value=b"x", headers=[("h", b"x" * EVENT_BYTES_MAX)])["headers"] == []
    assert len(raised(value=b"x" * 3_000_000)["value"]) == 3_000_000


def test_a_megabyte_sent_as_a_name_is_cut_in_the_exception() -> None:
    told = raised(reason="r" * 10**6, source="s" * 10**6, sku="k" * 10**6, event_id="e" * 10**6)
    assert {len(told[name]) for name in ("reason", "source", "sku", "event_id")} == {2001}
