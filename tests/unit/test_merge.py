from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stockfold.runtime.merge import PartitionMerge
from stockfold.runtime.records import LoopRecord

RANKS = {"facts": 0, "commands": 1}


def told(name: str, timestamp_ms: int, offset: int) -> LoopRecord:
    """A record that says when it was written and where it stands."""
    return LoopRecord("", 0, offset, timestamp_ms, name.encode())


def taken(merge: PartitionMerge, records_max: int, now_ms: int) -> list[str]:
    return [record.raw_key.decode() for record in merge.take(records_max, now_ms)]


def test_a_record_waits_until_the_other_topic_has_shown_a_later_one() -> None:
    merge = PartitionMerge(RANKS, wait_ms=100)
    merge.extend("commands", [told("reserve", 10, 0)])
    assert taken(merge, 10, 0) == []
    merge.extend("facts", [told("receipt", 5, 0)])
    merge.extend("facts", [told("later", 11, 1)])
    merge.reached_end("commands")
    assert taken(merge, 10, 1) == ["receipt", "reserve"]


def test_a_topic_read_to_its_end_holds_nobody_up() -> None:
    merge = PartitionMerge(RANKS, wait_ms=100)
    merge.extend("commands", [told("reserve", 10, 0)])
    merge.reached_end("facts")
    merge.reached_end("commands")
    assert taken(merge, 10, 0) == ["reserve"]


def test_waiting_ends_after_a_bounded_moment() -> None:
    merge = PartitionMerge(RANKS, wait_ms=100)
    merge.extend("commands", [told("reserve", 10, 0)])
    assert taken(merge, 10, 1_000) == []
    assert taken(merge, 10, 1_099) == []
    assert taken(merge, 10, 1_100) == ["reserve"]


def test_facts_come_before_commands_at_equal_times() -> None:
    merge = PartitionMerge(RANKS, wait_ms=0)
    merge.extend("commands", [told("reserve", 10, 0)])
    merge.extend("facts", [told("receipt", 10, 0)])
    assert taken(merge, 10, 0) == ["receipt", "reserve"]


def test_offsets_order_a_topic_whose_timestamps_go_back() -> None:
    merge = PartitionMerge(RANKS, wait_ms=0)
    merge.extend("facts", [told("first", 10, 0)])
    merge.extend("facts", [told("second", 3, 1)])
    assert taken(merge, 10, 0) == ["first", "second"]


@given(
    st.lists(st.tuples(st.sampled_from(["facts", "commands"]), st.integers(0, 50)), max_size=60),
    st.integers(1, 7),
)
def test_everything_comes_out_once_in_order_however_small_the_bites(
    entries: list[tuple[str, int]], bite: int
) -> None:
    merge = PartitionMerge(RANKS, wait_ms=0)
    newest = {"facts": 0, "commands": 0}
    expected = []
    for offset, (topic, timestamp) in enumerate(entries):
        newest[topic] = max(newest[topic], timestamp)
        merge.extend(topic, [told(str(offset), timestamp, offset)])
        expected.append((newest[topic], RANKS[topic], offset))
    for topic in RANKS:
        merge.reached_end(topic)
    out = []
    for _ in range(len(entries) + 1):
        out += taken(merge, bite, 0)
    assert out == [str(offset) for _, _, offset in sorted(expected)]
    assert len(merge) == 0
