"""Record batches as they go to a broker."""

from __future__ import annotations

from aiokafka.record.memory_records import MemoryRecords

from stockfold.runtime.outgoing_batches import BATCH_BYTES, Outgoing, Sealed

PRODUCER, SEQUENCE = (7, 3), 41


def _records(batch: Sealed) -> list[tuple[int, bytes | None, bytes | None, object]]:
    """As aiokafka reads what we send, its checksum tested."""
    read = MemoryRecords(batch.signed(PRODUCER, SEQUENCE)).next_batch()
    assert read is not None
    assert read.validate_crc()
    assert read.is_transactional
    assert (read.producer_id, read.producer_epoch) == PRODUCER
    assert read.base_sequence == SEQUENCE
    return [(one.offset, one.key, one.value, list(one.headers)) for one in read]


def test_a_batch_has_its_records_in_order_and_its_producer() -> None:
    outgoing = Outgoing()
    outgoing.extend([(b"SKU-1", b"one" * 100, [])])
    outgoing.extend([(b"SKU-2", None, [("ce_id", b"e-1"), ("note", None)])])
    outgoing.extend([(None, b"three", [])])
    (batch,) = outgoing.sealed()
    assert batch.records == 3
    assert _records(batch) == [
        (0, b"SKU-1", b"one" * 100, []),
        (1, b"SKU-2", None, [("ce_id", b"e-1"), ("note", None)]),
        (2, None, b"three", []),
    ]


def test_what_does_not_fit_in_a_batch_goes_into_the_next() -> None:
    outgoing = Outgoing()
    values = [bytes([number]) * (BATCH_BYTES // 3) for number in range(7)]
    for value in values:
        outgoing.extend([(b"SKU", value, [])])
    batches = outgoing.sealed()
    assert len(batches) > 1
    assert [value for batch in batches for _, _, value, _ in _records(batch)] == values
    assert [[offset for offset, *_ in _records(batch)] for batch in batches] == [
        list(range(batch.records)) for batch in batches
    ]


def test_a_record_larger_than_a_batch_has_one_of_its_own() -> None:
    outgoing = Outgoing()
    outgoing.extend([(b"SKU", b"before", [])])
    outgoing.extend([(b"SKU", b"x" * (BATCH_BYTES + 1), [])])
    outgoing.extend([(b"SKU", b"behind", [])])
    sizes = [[len(value or b"") for _, _, value, _ in _records(b)] for b in outgoing.sealed()]
    assert sizes == [[6], [BATCH_BYTES + 1], [6]]


def test_what_compression_makes_no_smaller_goes_as_it_is() -> None:
    outgoing = Outgoing()
    outgoing.extend([(None, b"x", [])])
    (batch,) = outgoing.sealed()
    assert not batch.codec
    assert _records(batch) == [(0, None, b"x", [])]
