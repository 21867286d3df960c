"""JSON is the same contract as Avro: the same events, the same strictness, no other way to fail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.contract_records import (
    EVENT_TYPES,
    JSON_TYPE,
    as_json,
    avro_value,
    json_value,
    newest,
    read,
    records,
)

from stockfold.contracts.inputs import InputReader
from stockfold.domain.errors import ContractError
from stockfold.ledger.facts import Input

READER = InputReader()
KINDS = {
    "undecodable",
    "unknown_schema",
    "unknown_type",
    "wrong_topic",
    "missing_header",
    "bad_envelope",
    "type_mismatch",
    "key_mismatch",
    "unsupported_content_type",
    "invalid_json",
    "schema_mismatch",
    "incompatible_schema",
}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)


def parts(given: Input) -> dict[str, Any]:
    """All of an input but how it was written, and whether reading it has judged it already."""
    names = set(given.__struct_fields__) - {"schema_id", "is_sound"}
    return {name: getattr(given, name) for name in names}


@pytest.mark.parametrize("event_type", EVENT_TYPES)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_json_and_avro_of_any_record_are_the_same_input(
    event_type: str, data: st.DataObject
) -> None:
    record = data.draw(records(newest(event_type)))
    as_avro = read(READER, event_type, avro_value(event_type, record), sku=record["sku"])
    told = read(READER, event_type, json_value(event_type, record), *JSON_TYPE, sku=record["sku"])
    assert told.body == record
    assert parts(told) == parts(as_avro)
    assert (told.schema_id, as_avro.schema_id != 0) == (0, True)


@pytest.mark.parametrize("event_type", EVENT_TYPES)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_fields_with_defaults_may_be_left_out_and_mean_the_default(
    event_type: str, data: st.DataObject
) -> None:
    definition = newest(event_type)
    record = data.draw(records(definition))
    optional = [field["name"] for field in definition["fields"] if "default" in field]
    left_out = data.draw(st.sets(st.sampled_from(optional))) if optional else set()
    defaults = {f["name"]: f["default"] for f in definition["fields"] if f["name"] in left_out}
    body = as_json(definition, record)
    raw = json.dumps({name: body[name] for name in body if name not in left_out}).encode()
    told = read(READER, event_type, raw, *JSON_TYPE, sku=record["sku"])
    whole = avro_value(event_type, record | defaults)
    assert parts(told) == parts(read(READER, event_type, whole, sku=record["sku"]))


@pytest.mark.parametrize("event_type", EVENT_TYPES)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_json_value_with_one_thing_changed_is_read_or_refused_by_name(
    event_type: str, data: st.DataObject
) -> None:
    body = as_json(newest(event_type), data.draw(records(newest(event_type))))
    place = data.draw(st.sampled_from(sorted(body)) | st.text(max_size=6))
    if data.draw(st.booleans()) or place not in body:
        body[place] = data.draw(JSON_VALUES)
    else:
        del body[place]
    reads_or_refuses(event_type, json.dumps(body).encode(), *JSON_TYPE)


@pytest.mark.parametrize("event_type", EVENT_TYPES)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_bytes_that_were_damaged_are_read_or_refused_by_name(
    event_type: str, data: st.DataObject
) -> None:
    record = data.draw(records(newest(event_type)))
    as_text = data.draw(st.booleans())
    raw = bytearray((json_value if as_text else avro_value)(event_type, record))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    del raw[data.draw(st.integers(0, len(raw))) :]
    reads_or_refuses(event_type, bytes(raw), *(JSON_TYPE if as_text else ()))


@given(raw=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_at_all_are_refused_by_name(raw: bytes) -> None:
    reads_or_refuses("GoodsReceived", raw, *JSON_TYPE)
    reads_or_refuses("GoodsReceived", raw)


def reads_or_refuses(event_type: str, raw: bytes, *more: tuple[str, bytes]) -> None:
    refusal = refused(event_type, raw, *more)
    if refusal is not None:
        assert refusal.kind in KINDS
        assert refusal.what
        assert refusal.remedy
        (refusal.what + refusal.remedy).encode()  # The exception's record can carry it.


def refused(event_type: str, raw: bytes, *more: tuple[str, bytes]) -> ContractError | None:
    try:
        read(READER, event_type, raw, *more)
    except ContractError as error:
        return error
    return None
