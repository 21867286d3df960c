"""When what was fetched may be merged."""

from __future__ import annotations

from typing import Any, cast

from stockfold.runtime.clients import LogMember
from stockfold.runtime.clock import Clock
from stockfold.runtime.inbox import GATHER_MS, Inbox
from stockfold.runtime.records import LoopRecord, Run

COMMANDS, FACTS = ("commands", 0), ("facts", 0)
WAIT_MS = 100


class Hand:
    """A consumer and its clock, moved by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.inbox = Inbox({"facts": 0, "commands": 1}, WAIT_MS, cast("Clock", self))
        self.inbox.open(0)
        self._runs: list[Run] = []

    def monotonic_s(self) -> float:
        return self.now_s

    def take(self, records_max: int, wait_s: float) -> list[Run]:
        del wait_s
        found, self._runs = self._runs[:records_max], self._runs[records_max:]
        return found

    def comes(self, at_ms: float, *runs: Run) -> None:
        self.now_s = at_ms / 1000
        self._runs += runs
        self.inbox.fetch(cast("LogMember", self), busy=True)

    def ready(self, at_ms: float) -> list[Any]:
        self.now_s = at_ms / 1000
        return [record for _, records in self.inbox.ready(100) for record in records]


def end(place: tuple[str, int], offset: int) -> Run:
    return Run(*place, (), offset)


def run(place: tuple[str, int], offset: int, at_ms: int) -> Run:
    return Run(*place, [LoopRecord(*place, offset, at_ms)])


def at_the_ends() -> Hand:
    hand = Hand()
    hand.comes(0, end(COMMANDS, 5), end(FACTS, 7))
    assert hand.ready(0) == []
    return hand


def test_a_record_goes_as_soon_as_its_topic_has_ended_once_it_has_rested_itself() -> None:
    hand = at_the_ends()
    record = run(COMMANDS, 5, 1_000)
    hand.comes(100, record)
    assert hand.ready(100 + GATHER_MS) == []
    hand.comes(110, end(COMMANDS, 6))
    assert hand.ready(110) == list(record.records)


def test_an_end_does_not_overtake_the_records_before_it() -> None:
    hand = at_the_ends()
    record = run(COMMANDS, 5, 1_000)
    hand.comes(100, record)
    hand.comes(102, end(COMMANDS, 6))
    assert hand.ready(102) == []
    assert hand.ready(101 + GATHER_MS) == list(record.records)


def test_an_older_record_that_comes_while_one_rests_goes_before_it() -> None:
    hand = at_the_ends()
    command, fact = run(COMMANDS, 5, 1_000), run(FACTS, 7, 999)
    hand.comes(100, command)
    hand.comes(104, fact)
    hand.comes(106, end(COMMANDS, 6), end(FACTS, 8))
    assert hand.ready(100 + GATHER_MS) == []
    assert hand.ready(105 + GATHER_MS) == [*fact.records, *command.records]


def test_what_waits_is_counted_whether_it_rests_or_is_merged() -> None:
    hand = at_the_ends()
    hand.comes(100, *(run(COMMANDS, offset, 1_000) for offset in range(5, 9)))
    assert hand.inbox.holds(4)
    assert not hand.inbox.holds(5)
    hand.ready(100 + GATHER_MS)
    hand.comes(120, run(FACTS, 7, 1_001))
    assert hand.inbox.holds(5)
