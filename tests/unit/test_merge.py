from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stockfold.runtime.merge import PartitionMerge

RANKS = {"facts": 0, "commands": 1}


def test_a_record_waits_until_the_other_topic_has_shown_a_later_one() -> None:
    merge = PartitionMerge[str](RANKS, wait_ms=100)
    merge.add("commands", 10, 0, "reserve")
    assert list(merge.take(10, 0)) == []
    merge.add("facts", 5, 0, "receipt")
    merge.add("facts", 11, 1, "later")
    merge.reached_end("commands")
    assert list(merge.take(10, 1)) == ["receipt", "reserve"]


def test_a_topic_read_to_its_end_holds_nobody_up() -> None:
    merge = PartitionMerge[str](RANKS, wait_ms=100)
    merge.add("commands", 10, 0, "reserve")
    merge.reached_end("facts")
    merge.reached_end("commands")
    assert list(merge.take(10, 0)) == ["reserve"]


def test_waiting_ends_after_a_bounded_moment() -> None:
    merge = PartitionMerge[str](RANKS, wait_ms=100)
    merge.add("commands", 10, 0, "reserve")
    assert list(merge.take(10, 1_000)) == []
    assert list(merge.take(10, 1_099)) == []
    assert list(merge.take(10, 1_100)) == ["reserve"]


def test_facts_come_before_commands_at_equal_times() -> None:
    merge = PartitionMerge[str](RANKS, wait_ms=0)
    merge.add("commands", 10, 0, "reserve")
    merge.add("facts", 10, 0, "receipt")
    assert list(merge.take(10, 0)) == ["receipt", "reserve"]


def test_offsets_order_a_topic_whose_timestamps_go_back() -> None:
    merge = PartitionMerge[str](RANKS, wait_ms=0)
    merge.add("facts", 10, 0, "first")
    merge.add("facts", 3, 1, "second")
    assert list(merge.take(10, 0)) == ["first", "second"]


@given(
    st.lists(st.tuples(st.sampled_from(["facts", "commands"]), st.integers(0, 50)), max_size=60),
    st.integers(1, 7),
)
def test_everything_comes_out_once_in_order_however_small_the_bites(
    entries: list[tuple[str, int]], bite: int
) -> None:
    merge = PartitionMerge[tuple[int, int, int]](RANKS, wait_ms=0)
    newest = {"facts": 0, "commands": 0}
    expected = []
    for offset, (topic, timestamp) in enumerate(entries):
        newest[topic] = max(newest[topic], timestamp)
        record = (newest[topic], RANKS[topic], offset)
        merge.add(topic, timestamp, offset, record)
        expected.append(record)
    for topic in RANKS:
        merge.reached_end(topic)
    out = []
    for _ in range(len(entries) + 1):
        out += merge.take(bite, 0)
    assert out == sorted(expected)
    assert len(merge) == 0
