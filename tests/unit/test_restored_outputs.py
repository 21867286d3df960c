"""What a restore makes from the journal alone, and how it takes up the journal's offsets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from infra.generate.golden import fold, lived

from stockfold.contracts.codec import schema_of
from stockfold.contracts.topics import POSITIONS, RESERVATION_STATUS
from stockfold.ledger.digest import digest
from stockfold_services.cli.archiving.journal import JournalOutputs, is_filler, with_fillers
from stockfold_services.cli.archiving.segments import Kept

LEDGER = lived()
JOURNAL = LEDGER.journal


def test_positions_and_statuses_are_byte_for_byte_what_the_ledger_wrote() -> None:
    outputs = JournalOutputs(0, 0)
    for offset, value in enumerate(JOURNAL):
        outputs.fold(Kept(offset, 0, None, value, []))
    written = {key: value for topic, key, value in LEDGER.written if topic is POSITIONS}
    assert {key: value for key, (_, value) in outputs.positions.items()} == written
    told = [(k, value) for topic, k, value in LEDGER.written if topic is RESERVATION_STATUS]
    assert [(status.key, status.value) for status in outputs.statuses] == told
    assert len(told) > 100


def test_statuses_older_than_their_topic_keeps_them_are_not_made_again() -> None:
    outputs = JournalOutputs(0, 1 << 62)
    for offset, value in enumerate(JOURNAL):
        outputs.fold(Kept(offset, 0, None, value, []))
    assert outputs.statuses == []


def is_mark(value: bytes) -> bool:
    return schema_of(value).name == "stockfold.InputsRead"


@given(gaps=st.lists(st.integers(0, 3), min_size=80, max_size=80), tail=st.integers(0, 3))
def test_fillers_take_up_every_offset_without_a_record_and_change_no_fold(
    gaps: list[int], tail: int
) -> None:
    offset, records = 0, []
    for gap, value in zip(gaps, JOURNAL, strict=False):
        offset += gap
        records.append(Kept(offset, 5, None if is_mark(value) else b"S", value, []))
        offset += 1
    filled = list(with_fillers(0, records, offset + tail))
    assert [record.offset for record in filled] == list(range(offset + tail))
    assert [record for record in filled if not is_filler(record)] == records
    values = [record.value or b"" for record in filled]
    was, now = fold(JOURNAL[:80]), fold(values)
    assert digest(now.skus.values()) == digest(was.skus.values())
    assert now.next_offsets == was.next_offsets
