"""The columnar path gives what the scalar fold gives, and both give what the ledger told."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from tests.support.histories import Input, Options, histories, seeded
from tests.support.journals import Journal, journal_of, without_seq
from tests.support.ledger_process import LedgerProcess
from tests.support.record_batches import GZIP, LZ4, SNAPPY, ZSTD, batch

from stockfold.contracts import avro
from stockfold.contracts.codec import encode
from stockfold.contracts.journal import Mark, decode_entry, wire_head
from stockfold.contracts.places import SUMMARY
from stockfold.domain.errors import DefectError
from stockfold.runtime import journal_columns
from stockfold.runtime.journal_arrays import FACT, WORD, Bytes, NotColumnar, different
from stockfold.runtime.journal_columns import JournalColumns
from stockfold.runtime.journal_fold import JournalFold
from stockfold.runtime.record_batches import committed
from stockfold.runtime.records import LoopRecord

SKUS = Options(skus=("SKU-1", "SKU-2", "ß/3"))


def scalar(journal: Journal) -> dict[tuple[str, str], dict]:
    fold = JournalFold(0)
    fold.add(journal.records)
    return by_place(fold.records())


def by_place(records) -> dict[tuple[str, str], dict]:
    return {(record["sku"], record.get("location", SUMMARY)): record for record in records}


def bulk(journal: Journal, part: int) -> dict[tuple[str, str], dict]:
    columns = JournalColumns(0)
    for start in range(0, len(journal.records), part):
        columns.add(journal.records[start : start + part])
    return by_place(columns.records())


def from_batches(journal: Journal, part: int, end: int = 10**9) -> dict[tuple[str, str], dict]:
    """The same of Kafka's batches, in which every third record belongs to a trace."""
    columns = JournalColumns(0)
    raw = b""
    for start in range(0, len(journal.records), part):
        messages = [
            LoopRecord("journal", 0, 0, 1_700_000_000_000 + i, r.key(), r.value(), TRACE[i % 3])
            for i, r in enumerate(journal.records[start : start + part])
        ]
        raw += batch(messages, start, CODECS[start // part % len(CODECS)])
    fetched = committed(raw, [], 0, "journal")
    assert fetched.next_offset == len(journal.records)
    assert columns.add_batches(fetched.batches, 0, end) == min(len(journal.records), end)
    return by_place(columns.records())


TRACE = ([], [], [("traceparent", b"00-" + b"a" * 52)])
CODECS = (LZ4, 0, GZIP, SNAPPY, ZSTD)


def check(history: list[Input]) -> None:
    journal = journal_of(history)
    defined = scalar(journal)
    assert bulk(journal, 7) == defined
    assert from_batches(journal, 5) == defined
    told = {place: without_seq(record) for place, record in journal.positions.items()}
    assert {place: without_seq(record) for place, record in defined.items()} == told


@pytest.fixture(params=[900, 10**9], ids=["many chunks", "one chunk"])
def chunk_bytes(request, monkeypatch) -> None:
    monkeypatch.setattr(journal_columns, "CHUNK_BYTES", request.param)
    monkeypatch.setattr(journal_columns, "MERGE_ROWS", 20)


@pytest.mark.usefixtures("chunk_bytes")
@pytest.mark.parametrize("seed", range(12))
def test_both_paths_and_the_ledger_agree_on_a_seeded_history(seed: int) -> None:
    check(seeded(seed, options=SKUS))


@settings(max_examples=40, deadline=None)
@given(histories(size=40, options=SKUS))
def test_both_paths_and_the_ledger_agree_on_any_history(history: list[Input]) -> None:
    check(history)


def test_units_that_are_expected_elsewhere_now_are_told_at_both_places() -> None:
    process = LedgerProcess()
    for revision, location in ((1, "A"), (2, "B")):
        process.tell(
            "InboundExpected",
            inbound="PO",
            line="1",
            location=location,
            quantity=5,
            eta=None,
            revision=revision,
        )
    journal = Journal(process)
    told = {place: record["expected"] for (_, place), record in journal.positions.items()}
    assert told["A"] == []
    assert [row["quantity"] for row in told["B"]] == [5]
    assert bulk(journal, 7) == scalar(journal)
    assert {place: row["expected"] for (_, place), row in scalar(journal).items()} == told


def test_an_empty_journal_has_no_places() -> None:
    assert list(JournalColumns(0).records()) == []
    assert list(JournalFold(0).records()) == []


@pytest.mark.usefixtures("chunk_bytes")
def test_a_missing_fact_is_refused_by_both_paths() -> None:
    journal = journal_of(seeded(3, size=60))
    facts = [r for r in journal.records if r.value().startswith(wire_head(FACT))]
    del facts[len(facts) // 2]
    journal.records = facts
    with pytest.raises(DefectError):
        scalar(journal)
    with pytest.raises(DefectError):
        bulk(journal, 7)


def test_what_the_bulk_path_does_not_read_is_left_to_the_scalar_fold() -> None:
    stray = encode("stockfold.InboundClosed", {"sku": "S", "inbound": "I", "line": None})
    with pytest.raises(NotColumnar):
        JournalColumns(0).add([LoopRecord("journal", 0, 0, 0, None, stray, [])])


def test_records_from_the_wanted_end_on_are_left_out() -> None:
    journal = journal_of(seeded(5, size=60))
    half = len(journal.records) // 2
    made = from_batches(journal, 7, half)
    del journal.records[half:]
    assert made == scalar(journal)


def test_a_fact_of_a_demand_line_is_about_nothing_else_that_positions_show() -> None:
    for seed in range(6):
        for record in journal_of(seeded(seed, options=SKUS)).records:
            fact = decode_entry(record.value())
            change = None if isinstance(fact, Mark) else fact.change
            if change is not None and change.line is not None:
                assert (change.inbound, change.fence, change.limit) == (None, None, None)


@pytest.mark.parametrize(
    "damage",
    [
        lambda value: value + b"\0",
        lambda value: value[:-1],
        lambda value: value[:5],
        lambda value: value[:5] + b"\xfe\xff\xff\x7f" + value[6:],
        lambda value: value[:5] + b"\x01" + value[6:],
        lambda value: value[:5] + b"\xff" * 9 + value[6:],
        lambda value: value.replace(b"on_hand", b"at_hand"),
    ],
    ids=["longer", "shorter", "head", "far", "negative", "no number", "account"],
)
def test_a_damaged_fact_is_left_to_the_scalar_fold(damage) -> None:
    journal = journal_of(seeded(2, size=30))
    value = next(r.value() for r in journal.records if b"on_hand" in r.value())
    with pytest.raises(NotColumnar):
        JournalColumns(0).add([LoopRecord("journal", 0, 0, 0, b"S", damage(value), [])])


def test_a_record_without_a_value_is_left_to_the_scalar_fold() -> None:
    raw = batch([LoopRecord("journal", 0, 0, 0, b"S", None, [])], 0)
    with pytest.raises(NotColumnar):
        JournalColumns(0).add_batches(committed(raw, [], 0, "journal").batches, 0, 1)


def test_equal_bytes_have_one_number_and_different_ones_never_do() -> None:
    dice = random.Random(1)
    words = [dice.randbytes(dice.choice((0, 1, 7, 8, 9, 23))) for _ in range(300)] + [b"", b"\0"]
    shown = [dice.choice(words) for _ in range(2_000)]
    ends = np.cumsum([len(word) for word in shown])
    begins = ends - [len(word) for word in shown]
    rows, which = different(Bytes(b"".join(shown) + bytes(WORD), ends[-1]), begins, ends)
    assert [shown[rows[number]] for number in which] == shown


@pytest.mark.parametrize("number", [0, -1, 63, 64, -65, 8191, 8192, 2**31, -(2**40), 2**55 - 1])
def test_numbers_are_read_as_avro_writes_them(number: int) -> None:
    raw = avro.LONGS[number]
    (found,), (behind,) = Bytes(raw + bytes(WORD), len(raw)).numbers(np.zeros(1, np.int64))
    assert (found, behind) == (number, len(raw))
