"""The readers written for one schema against fastavro, which is their definition."""

from __future__ import annotations

import io
import json
from functools import cache

import fastavro
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.support.contract_records import records

from stockfold.contracts.avro_reader import (
    BodyReader,
    JudgingReader,
    body_reader,
    far_long,
    judging_reader,
)
from stockfold.contracts.codec import write_body
from stockfold.contracts.registry import Schema, default_registry
from stockfold.ledger.validation import SOUND_SHORT

EVERY = default_registry().all()
SCHEMAS = [schema for schema in EVERY if body_reader(schema.parsed) is not None]


def test_only_what_has_a_map_is_left_to_fastavro() -> None:
    left = [schema for schema in EVERY if schema not in SCHEMAS]
    assert {schema.name for schema in left} == {"stockfold.ShadowReport"}
    assert all('"map"' in json.dumps(schema.definition) for schema in left)


@cache
def reader_of(schema_id: int, *, tuples: bool = False) -> BodyReader:
    reader = body_reader(default_registry().by_id(schema_id).parsed, tuples=tuples)
    assert reader is not None
    return reader


def fastavro_reads(schema: Schema, raw: bytes) -> tuple[object, int]:
    source = io.BytesIO(raw)
    return fastavro.schemaless_reader(source, schema.parsed, None), source.tell()


@settings(max_examples=600, deadline=None)
@given(st.data(), st.sampled_from(SCHEMAS))
def test_every_record_is_read_as_fastavro_reads_it(data, schema: Schema) -> None:
    record = data.draw(records(schema.definition))
    raw = write_body(schema, record)
    read, end = reader_of(schema.id)(raw, 0)
    assert (read, end) == fastavro_reads(schema, raw)


@settings(max_examples=600, deadline=None)
@given(st.data(), st.sampled_from(SCHEMAS))
def test_broken_bytes_are_refused_or_read_as_fastavro_reads_them(data, schema: Schema) -> None:
    raw = bytearray(write_body(schema, data.draw(records(schema.definition))))
    for _ in range(data.draw(st.integers(1, 3))):
        if raw:
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    broken = bytes(raw[: data.draw(st.integers(0, len(raw)))])
    try:
        read, end = reader_of(schema.id)(broken, 0)
    except Exception:  # noqa: BLE001 - whatever it raises, the caller asks fastavro
        return
    if end == len(broken):
        assert (read, end) == fastavro_reads(schema, broken)


@cache
def judge_of(event_type: str) -> JudgingReader:
    schema = default_registry().by_name(f"stockfold.{event_type}")
    reader = judging_reader(schema.parsed, SOUND_SHORT[event_type])
    assert reader is not None
    return reader


@settings(max_examples=600, deadline=None)
@given(st.data(), st.sampled_from(sorted(SOUND_SHORT)), st.booleans())
def test_bytes_of_inputs_are_refused_or_read_as_fastavro_reads_them(
    data, event_type: str, near: bool
) -> None:
    schema = default_registry().by_name(f"stockfold.{event_type}")
    raw = bytearray(write_body(schema, data.draw(records(schema.definition))))
    if near:  # As most inputs are: no byte above 127.
        raw = bytearray(byte & 0x7F for byte in raw)
    for _ in range(data.draw(st.integers(0, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 127))
    broken = bytes(raw[: data.draw(st.integers(len(raw) // 2, len(raw)))])
    for _ in range(2):  # The second time what was read before is known.
        try:
            read, end, _ = judge_of(event_type)(broken, 0)
        except Exception:  # noqa: BLE001 - whatever it raises, the caller asks fastavro
            return
        if end == len(broken):
            assert (read, end) == fastavro_reads(schema, broken)


def test_a_list_that_was_known_belongs_to_its_record() -> None:
    raw = b"".join(b"\x02x" for _ in range(5)) + b"\x02\x02\x02a\x00" + bytes(8)
    for _ in range(3):
        read, _, _ = judge_of("ReserveStock")(raw, 0)
        assert read["locations"] == ["a"]
        read["locations"].append("b")


def test_blocks_of_an_array_are_read_as_fastavro_reads_them() -> None:
    schema = default_registry().by_name("stockfold.ReserveStock")
    head = b"".join(b"\x02x" for _ in range(5)) + b"\x02"
    for blocks in (b"\x02\x02a\x02\x02b\x00", b"\x03\x08\x02a\x02b\x00", b"\x00"):
        raw = head + blocks + bytes(8)
        read, end, _ = judge_of("ReserveStock")(raw, 0)
        assert (read, end) == fastavro_reads(schema, raw)


@given(st.integers(-(2**63), 2**63 - 1))
@example(1_795_633_800_123_456)
@example(-(2**63))
def test_a_long_is_read_as_it_was_written(value: int) -> None:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, "long", value)
    raw = out.getvalue()
    assert far_long(raw + b"\x05", 0) == (value, len(raw))


@pytest.mark.parametrize("raw", [b"\xff" * 11, b"\xff" * 9 + b"\x7f"])
def test_a_long_beyond_64_bits_is_refused(raw: bytes) -> None:
    with pytest.raises((ValueError, IndexError)):
        far_long(raw, 0)


def test_a_hostile_count_of_array_items_ends_at_the_end_of_the_bytes() -> None:
    schema = default_registry().by_name("stockfold.ReserveStock")
    head = b"".join(b"\x02x" for _ in range(5)) + b"\x02"
    with pytest.raises((ValueError, IndexError)):
        reader_of(schema.id)(head + b"\xfe\xff\xff\xff\x0f" + b"\x00", 0)
