"""The columnar path gives what the scalar fold gives, and both give what the ledger told."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from tests.support.histories import Input, Options, histories, seeded
from tests.support.journals import Journal, journal_of, without_seq
from tests.support.ledger_process import LedgerProcess, Message

from stockfold.contracts.codec import encode
from stockfold.contracts.journal import wire_head
from stockfold.contracts.places import SUMMARY
from stockfold.domain.errors import DefectError
from stockfold.runtime import journal_columns
from stockfold.runtime.journal_columns import JournalColumns, NotColumnar
from stockfold.runtime.journal_fold import JournalFold

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


def check(history: list[Input]) -> None:
    journal = journal_of(history)
    defined = scalar(journal)
    assert bulk(journal, 7) == defined
    told = {place: without_seq(record) for place, record in journal.positions.items()}
    assert {place: without_seq(record) for place, record in defined.items()} == told


@pytest.fixture(params=[5, 10**9], ids=["many chunks", "one chunk"])
def chunk_records(request, monkeypatch) -> None:
    monkeypatch.setattr(journal_columns, "CHUNK_RECORDS", request.param)
    monkeypatch.setattr(journal_columns, "_BLOCK_RECORDS", 3)
    monkeypatch.setattr(journal_columns, "_MERGE_ROWS", 20)


@pytest.mark.usefixtures("chunk_records")
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


@pytest.mark.usefixtures("chunk_records")
def test_a_missing_fact_is_refused_by_both_paths() -> None:
    journal = journal_of(seeded(3, size=60))
    facts = [r for r in journal.records if r.value().startswith(wire_head(journal_columns.FACT))]
    del facts[len(facts) // 2]
    journal.records = facts
    with pytest.raises(DefectError):
        scalar(journal)
    with pytest.raises(DefectError):
        bulk(journal, 7)


def test_what_the_bulk_path_does_not_read_is_left_to_the_scalar_fold() -> None:
    stray = encode("stockfold.InboundClosed", {"sku": "S", "inbound": "I", "line": None})
    with pytest.raises(NotColumnar):
        JournalColumns(0).add([Message("journal", 0, 0, None, stray, [])])
