"""Kafka's record batches: what is committed in a fetch, and what cannot be read."""

from __future__ import annotations

import pytest
from tests.support.record_batches import LZ4, batch, end_of_transaction

from stockfold.domain.errors import UnavailableError
from stockfold.runtime.record_batches import Unpacked, committed, unpacked
from stockfold.runtime.records import LoopRecord


def messages(*values: bytes) -> list[LoopRecord]:
    return [LoopRecord("journal", 0, 0, 1_700_000_000_000, b"K", value, []) for value in values]


def test_batches_of_an_aborted_transaction_and_control_records_are_left_out() -> None:
    raw = (
        batch(messages(b"a", b"b"), 10)
        + end_of_transaction(12, commit=True)
        + batch(messages(b"c"), 13)
        + batch(messages(b"other"), 14, producer=8)
        + end_of_transaction(15, commit=False)
        + batch(messages(b"d"), 16)
        + end_of_transaction(17, commit=True)
    )
    fetched = committed(raw, [(7, 13)], 10, "journal partition 0")
    assert [(b.base_offset, b.records) for b in fetched.batches] == [(10, 2), (14, 1), (16, 1)]
    assert fetched.next_offset == 18


def test_a_batch_that_was_cut_off_is_left_for_the_next_fetch() -> None:
    first = batch(messages(b"a"), 0)
    fetched = committed(first + batch(messages(b"b"), 1)[:-1], [], 0, "journal partition 0")
    assert (len(fetched.batches), fetched.next_offset) == (1, 1)
    assert committed(b"", [], 5, "journal partition 0").next_offset == 5


def test_a_batch_is_unpacked_to_what_was_written() -> None:
    plain = batch(messages(b"a" * 5_000_000), 0, 0)
    packed = batch(messages(b"a" * 5_000_000), 0, LZ4)
    bodies = [unpacked(committed(raw, [], 0, "").batches[0]) for raw in (plain, packed)]
    assert len(packed) < len(plain) // 10
    assert bodies[0] == bodies[1]


def test_batches_are_unpacked_one_behind_the_other_whatever_their_size() -> None:
    sizes = (10, 3_000_000, 5_000_000, 20)
    raw = b"".join(
        batch(messages(b"a" * size), number, (LZ4, 0, LZ4, 0)[number])
        for number, size in enumerate(sizes)
    )
    found = committed(raw, [], 0, "").batches
    whole = Unpacked(8)
    for one in found:
        whole.add(one)
    assert whole.buffer[: whole.size] == b"".join(map(unpacked, found))
    assert len(whole.buffer) >= whole.size + 8


@pytest.mark.parametrize(
    ("at", "what", "remedy"),
    [
        (70, "checksum", "from its replica, or from the archive"),
        (16, "message format v0", "scalar"),
    ],
    ids=["body", "format"],
)
def test_a_damaged_batch_is_refused_with_its_place_and_what_to_do(
    at: int, what: str, remedy: str
) -> None:
    raw = bytearray(batch(messages(b"a"), 0) + batch(messages(b"b" * 40), 1))
    at += len(batch(messages(b"a"), 0))
    raw[at] = 0 if what.startswith("message") else raw[at] ^ 1
    with pytest.raises(UnavailableError, match=f"{what}.*journal partition 3 offset 1") as told:
        committed(bytes(raw), [], 0, "journal partition 3")
    assert remedy in told.value.remedy
