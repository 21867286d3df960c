"""The ledger's own Avro writers against fastavro, which is their oracle."""

from __future__ import annotations

import io

import fastavro
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.support.histories import histories
from tests.support.ledger_subject import LedgerSubject

from stockfold.contracts import avro, codec
from stockfold.contracts.exceptions import encode_exception
from stockfold.contracts.journal import Mark, decode_entry, encode_fact, encode_mark
from stockfold.contracts.positions import encode_position, encode_summary
from stockfold.contracts.statuses import encode_status
from stockfold.ledger.facts import Fact

INT64 = st.integers(-(2**63), 2**63 - 1)


def as_avro(kind: str, value: object) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, kind, value)
    return out.getvalue()


@given(INT64)
def test_a_long_is_written_as_fastavro_writes_it(value: int) -> None:
    assert avro.LONGS[value] == as_avro("long", value)


@pytest.mark.parametrize("value", [0, -1, 63, 64, avro.NEAR_END - 1, -avro.NEAR_END])
def test_a_near_number_is_the_long(value: int) -> None:
    assert avro.NEAR[value] == avro.LONGS[value] == as_avro("long", value)


@given(st.integers(avro.NEAR_END, 2**63 - 1))
@example(avro.NEAR_END)
@example((1 << 27) - 1)
@example(1 << 27)
def test_a_number_beyond_is_the_long(value: int) -> None:
    assert avro.beyond(value) == avro.LONGS[value] == as_avro("long", value)


@given(INT64)
@example(1_795_633_800_123_456)
def test_a_time_is_written_as_fastavro_writes_it(value: int) -> None:
    for _ in range(2):  # Once without the part that recurs, and once with it.
        assert avro.instant(value) == as_avro("long", value)


@given(st.text(max_size=300))
def test_a_string_is_written_as_fastavro_writes_it(value: str) -> None:
    assert avro.string(value) == as_avro("string", value)


def told(history) -> LedgerSubject:
    subject = LedgerSubject("SKU-1")
    for event in history:
        subject.feed(
            event.event_type,
            event.body,
            event_id=event.event_id,
            source=event.source,
            occurred_us=event.occurred_us,
            now_us=event.now_us,
        )
    return subject


@settings(deadline=None)
@given(histories(size=60))
def test_every_record_of_a_history_decodes_and_encodes_again_to_the_same_bytes(history) -> None:
    subject = told(history)
    sku = avro.string(subject.state.sku)
    records = [encode_fact(fact, sku) for fact in subject.facts]
    for fact in subject.facts:
        change = fact.change
        if change is not None and change.status is not None and change.line is not None:
            records.append(encode_status(fact, change.status, change.line, sku))
    if subject.facts:
        last = subject.facts[-1]
        records += [
            encode_position(subject.state, location, sku, last.cause, 7)
            for location in subject.state.locations
        ]
        records.append(encode_summary(subject.state, last.cause, 7))
    for value in records:
        schema, record = codec.decode(value)
        assert codec.encode(schema.name, record) == value


@settings(deadline=None)
@given(histories(size=40))
def test_a_fact_read_from_the_journal_is_the_fact_that_was_written(history) -> None:
    for fact in told(history).facts:
        back = decode_entry(encode_fact(fact, avro.string("SKU-1")))
        assert isinstance(back, Fact)
        assert (back.kind, back.seq, back.deltas, back.change, back.flags) == (
            fact.kind,
            fact.seq,
            fact.deltas,
            fact.change,
            fact.flags,
        )
        assert (back.cause.source, back.cause.event_id, back.cause.payload_hash) == (
            fact.cause.source,
            fact.cause.event_id,
            fact.cause.payload_hash,
        )


def test_a_mark_carries_the_next_offset_of_every_input() -> None:
    back = decode_entry(encode_mark(3, {"b": 2, "a": 40}, 9))
    assert isinstance(back, Mark)
    assert (back.partition, back.next_offsets, back.recorded_us) == (3, {"a": 40, "b": 2}, 9)


_TEXT = st.text(max_size=40)
_BYTES = st.none() | st.binary(max_size=300)
_EXCEPTIONS = st.fixed_dictionaries(
    {
        "kind": _TEXT, "folded": st.booleans(), "reason": _TEXT, "remedy": _TEXT, "sku": _TEXT,
        "source": _TEXT, "event_id": _TEXT, "event_type": _TEXT, "topic": _TEXT,
        "partition": st.integers(0, 2**31 - 1), "offset": INT64, "recorded_us": INT64,
        "correlation_id": _TEXT, "caused_us": INT64, "key": _BYTES, "value": _BYTES,
        "headers": st.lists(st.tuples(_TEXT, _BYTES), max_size=4),
    }
)  # fmt: skip


@given(_EXCEPTIONS)
def test_an_exception_is_written_as_fastavro_writes_it(given) -> None:
    record = {
        **{name: value for name, value in given.items() if not name.endswith("_us")},
        "exception": f"{given['topic']}/{given['partition']}/{given['offset']}/{given['kind']}",
        "recorded_at": given["recorded_us"],
        "caused_at": given["caused_us"],
        "headers": [{"name": name, "value": raw} for name, raw in given["headers"]],
    }
    written = encode_exception(given.pop("kind"), **given)
    assert written == codec.encode("stockfold.ExceptionRaised", record)
