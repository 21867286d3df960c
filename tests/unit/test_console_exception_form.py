"""The desk's form: what comes back unchanged is no correction, whatever the bytes hold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockfold.contracts import codec
from stockfold.contracts.topics import ORDERS, RECEIPTS, RESERVATIONS
from stockfold.runtime.desk.book import Case
from stockfold.runtime.desk.fields import field_text, parse_field, terms_of
from stockfold.runtime.desk.repair import Correction
from stockfold_services.api.console import exception_form, hostile

RECEIPT = {"sku": "S", "location": "A", "quantity": -5, "condition": "damaged"}


def case(name: str, value: bytes, topic: str = RECEIPTS.name, **more: Any) -> Case:
    raised = {
        "exception": "x", "kind": "k", "folded": False, "topic": topic, "event_type": name,
        "value": value, "key": b"S", "headers": [], "source": "/s", "event_id": "e", **more,
    }  # fmt: skip
    return Case(raised, 0, 0)


def avro(name: str, topic: str = RECEIPTS.name, **body: Any) -> Case:
    return case(name, codec.encode(name, body), topic)


def sent_back(one: Case, **changed: str) -> exception_form.Given:
    """What a browser sends of the form: line breaks become CRLF."""
    form = exception_form.edit(one)
    assert form is not None
    values = {field.name: field.now for field in (*form.fields, *form.headers)}
    return exception_form.given_of(
        {name: value.replace("\n", "\r\n") for name, value in (values | changed).items()}
    )


@given(st.text(max_size=200), st.integers(-(2**62), 2**62))
def test_a_form_that_comes_back_as_it_was_corrects_nothing(text: str, quantity: int) -> None:
    body = RECEIPT | {"location": text, "quantity": quantity}
    one = avro("stockfold.GoodsReceived", **body)
    assert exception_form.correction_of(one, sent_back(one)) == Correction({}, {})


def test_only_what_was_changed_is_corrected() -> None:
    one = avro("stockfold.GoodsReceived", **RECEIPT)
    given = sent_back(one, **{"field.quantity": "5", "header.ce_time": "2026-11-01T12:00:00Z"})
    assert exception_form.correction_of(one, given) == Correction(
        {"quantity": "5"}, {"ce_time": "2026-11-01T12:00:00Z"}
    )


def test_a_value_that_a_form_cannot_hold_is_replaced_only_by_what_is_typed() -> None:
    one = avro("stockfold.GoodsReceived", **RECEIPT | {"location": "A\x00\u202eB"})
    form = exception_form.edit(one)
    assert form is not None
    (field,) = [f for f in form.fields if f.label == "location"]
    assert (field.now, field.editable) == ("", False)
    assert exception_form.correction_of(one, sent_back(one)).fields == {}
    typed = sent_back(one, **{"field.location": "B"})
    assert exception_form.correction_of(one, typed).fields == {"location": "B"}


def test_bytes_that_cannot_be_read_ask_for_a_whole_body() -> None:
    form = exception_form.edit(case("stockfold.GoodsReceived", b"\x00\x00\x00\xff\xff"))
    assert form is not None
    assert (form.fields, form.whole, bool(form.why_not)) == ((), True, True)


def test_findings_and_deliveries_have_no_form() -> None:
    value = codec.encode("stockfold.GoodsReceived", RECEIPT)
    assert exception_form.edit(case("stockfold.GoodsReceived", value, folded=True)) is None
    assert exception_form.edit(case("", value, kind="delivery_rejected")) is None


RESERVE = {
    "sku": "S", "reservation": "R", "order": "O", "line": "1", "channel": "web",
    "quantity": 1, "locations": ["A", "Ä"], "expires_at": 1_761_998_400_000_000,
    "needed_on": 20_000,
}  # fmt: skip


@pytest.mark.parametrize("field", ["locations", "expires_at", "needed_on", "allow_split"])
def test_a_value_reads_back_as_it_was(field: str) -> None:
    name = "stockfold.ReserveStock"
    body = codec.decode(codec.encode(name, RESERVE))[1]
    assert parse_field(name, field, field_text(name, field, body[field])) == body[field]


def test_every_field_of_every_input_says_what_it_takes() -> None:
    for topic in (RECEIPTS, RESERVATIONS, ORDERS):
        for name in topic.schemas:
            assert all(terms.words for terms in terms_of(name).values())


@given(st.binary(max_size=5_000))
def test_bytes_are_told_whole_up_to_the_limit(raw: bytes) -> None:
    rows = hostile.hex_of(raw).splitlines()
    told = "".join(row[10:57].replace(" ", "") for row in rows if not row.startswith("…"))
    assert bytes.fromhex(told) == raw[: hostile.BYTES_MAX]


@given(st.text(max_size=300))
def test_text_that_is_shown_hides_nothing(text: str) -> None:
    shown = hostile.visible(text)
    assert all(c in "\n\t" or (c.isprintable() or c.isspace()) for c in shown)
