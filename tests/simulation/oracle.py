"""The judge of a history: what a reader of committed data sees, against what was sent alone.

The order between topics is that of the journal's causes (rulings.md, 38): the inputs are told to
the independent model in the order and at the times in which the journal says they were decided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from stockfold.contracts.codec import decode
from stockfold.contracts.journal import Mark, decode_entry
from stockfold.contracts.topics import EXCEPTIONS, INPUTS, JOURNAL, POSITIONS, RESERVATION_STATUS
from stockfold.ledger.digest import digest
from stockfold.ledger.evolve import evolve
from stockfold.ledger.facts import Fact
from stockfold.runtime.kafka import group_id
from stockfold_services.ledger.processor import LedgerProcessor
from tests.support.bodies import DAY_US
from tests.support.histories import Input
from tests.support.ledger_subject import LedgerSubject
from tests.support.model import Models
from tests.support.model.checks import check_sense, payload_of
from tests.support.model.log import Refused

from .availability_oracle import judge_availability
from .history import History
from .inputs import decided_by_availability
from .kafka_log import Entry
from .sums import judge_sums

RANKS = {topic.name: rank for rank, topic in enumerate(LedgerProcessor.inputs)}
DIFFERENT_BY_CHOICE = "payload_conflict"
"""The ledger calls an allocation repeated when line, location and quantity are the same."""

NONSENSE = {"quantity_out_of_range", "no_locations", "bucket_not_allowed"}
"""An input may be nonsense in several ways; either may be named."""


class Decided(NamedTuple):
    """One mark of the journal: the facts before it, and the inputs it covers, in their order."""

    facts: list[Fact]
    inputs: list[Entry]
    now_us: int


class PartitionJudge:
    """Judges one partition of the ledger."""

    def __init__(self, history: History, number: int) -> None:
        self.history, self.number = history, number
        self.models = Models()
        self.folded: dict[str, LedgerSubject] = {}
        self.marks: dict[str, int] = {}
        self._accepted: dict[tuple[str, str], str] = {}
        self._refused: dict[tuple[str, int], str] = {}
        for raised in self._records(EXCEPTIONS.name):
            if not raised["folded"] and raised["topic"] in RANKS:
                place = (raised["topic"], raised["offset"])
                assert place not in self._refused, f"{place} was refused twice"
                self._refused[place] = raised["kind"]

    def judge(self) -> None:
        """AssertionError that says what differs."""
        for decided in self._decided():
            self._replay(decided)
        self._everything_was_decided()
        self._numbers_agree()
        self._statuses_agree()
        self._positions_agree()
        self._offsets_agree()
        self._memory_agrees()

    def _entries(self, topic: str) -> list[Entry]:
        return self.history.log.partition((topic, self.number)).committed()

    def _records(self, topic: str) -> list[dict[str, Any]]:
        return [decode(entry.value())[1] for entry in self._entries(topic)]

    # --- the journal and its causes -----------------------------------------------------------

    def _decided(self) -> Iterator[Decided]:
        """The journal in pieces, each ended by its mark; folded on the way."""
        inputs = {topic.name: self._entries(topic.name) for topic in INPUTS}
        facts: list[Fact] = []
        for entry in self._entries(JOURNAL.name):
            told = decode_entry(entry.value())
            if isinstance(told, Fact):
                facts.append(told)
                self._fold(told)
                continue
            covered = [one for topic in inputs for one in self._covered(inputs[topic], told)]
            covered.sort(key=lambda e: (e.timestamp()[1], RANKS[e.topic()], e.offset()))
            yield Decided(facts, covered, told.recorded_us)
            facts, self.marks = [], told.next_offsets
        assert not facts, f"partition {self.number}: {len(facts)} facts after the last mark"

    def _fold(self, fact: Fact) -> None:
        sku = fact.cause.sku
        subject = self.folded.setdefault(sku, LedgerSubject(sku))
        seq = subject.state.seq
        assert fact.seq == seq + 1, f"{sku}: fact {fact.seq} follows fact {seq}"
        evolve(subject.state, fact)

    def _covered(self, entries: list[Entry], mark: Mark) -> list[Entry]:
        if not entries:
            return []
        topic = entries[0].topic()
        first, end = self.marks.get(topic, 0), mark.next_offsets.get(topic, 0)
        assert end >= first, f"the mark of {topic} fell from {first} to {end}"
        return [entry for entry in entries if first <= entry.offset() < end]

    def _replay(self, decided: Decided) -> None:
        """Tell the model what the ledger decided, in the same order and at the same times."""
        causes = [
            (f.cause.topic, f.cause.offset)
            for f in decided.facts
            if f.cause.topic and not (f.change is not None and f.change.unpark)
        ]
        own = Counter(causes)
        order = list(dict.fromkeys(causes))
        covered = [(entry.topic(), entry.offset()) for entry in decided.inputs]
        assert order == [place for place in covered if place in own], (
            f"partition {self.number}: caused in the order {order}, to be read as {covered}"
        )
        for entry in decided.inputs:
            place = (entry.topic(), entry.offset())
            told = self.history.sender.sent.get((entry.topic(), self.number, entry.offset()))
            told = told or decided_by_availability(entry)
            assert told is not None, f"{place} was never sent"
            self._one(told, place, own[place], decided.now_us)
        for sku in {fact.cause.sku for fact in decided.facts if not fact.cause.topic}:
            self.models[sku].tick(decided.now_us)

    def _one(self, told: Input, place: tuple[str, int], facts: int, now_us: int) -> None:
        refused = self._refused.pop(place, None)
        name, payload = (told.source, told.event_id), payload_of(told.event_type, told.body)
        expected: str | None = None
        try:
            check_sense(told.event_type, told.body)
        except Refused as error:
            expected = error.kind
        before = self._accepted.get(name)
        if expected is None and before is not None:
            if before == payload:
                assert not facts, f"{place} {told}: a repeat was folded"
                assert refused is None, f"{place} {told}: a repeat is an exception: {refused}"
                return
            expected = "payload_conflict"
        if expected is None:
            expected = self._ask_model(told, now_us)
        if DIFFERENT_BY_CHOICE in (expected, refused) or {expected, refused} <= NONSENSE:
            expected = refused
        assert refused == expected, f"{place} {told}: refused {refused}, expected {expected}"
        if refused is None:
            assert facts, f"{place} {told}: nothing came of it: lost"
            self._accepted[name] = payload
        else:
            assert not facts, f"{place} {told}: refused and folded"

    def _ask_model(self, told: Input, now_us: int) -> str | None:
        if told.event_type == "StockSnapshotReported":
            # A figure is refused as a count is (ruling 16); the model asks that of counts alone.
            if told.body["as_of"] > now_us:
                return "count_in_future"
            if told.body["as_of"] < now_us - 7 * DAY_US:
                return "count_too_old"
        model = self.models[told.body["sku"]]
        before = len(model.exceptions(folded=False))
        model.feed(
            told.event_type,
            told.body,
            event_id=told.event_id,
            source=told.source,
            occurred_us=told.occurred_us,
            now_us=now_us,
        )
        refusals = model.exceptions(folded=False)[before:]
        return refusals[0] if refusals else None

    # --- what is there in the end -------------------------------------------------------------

    def _everything_was_decided(self) -> None:
        assert not self._refused, f"exceptions of inputs that no mark covers: {self._refused}"
        for topic in INPUTS:
            entries = self._entries(topic.name)
            end, mark = (entries[-1].offset() + 1 if entries else 0), self.marks.get(topic.name, 0)
            assert mark == end, f"{topic.name}/{self.number}: decided to {mark}, sent to {end}"

    def _numbers_agree(self) -> None:
        for sku, subject in self.folded.items():
            model = self.models[sku]
            model.invariants()
            for number in ("positions", "outside", "claims", "backordered", "lines"):
                found = _without_zeros(getattr(subject, number)())
                expected = _without_zeros(getattr(model, number)())
                assert found == expected, f"{sku} {number}: {found}, the model says {expected}"
            found, expected = _open(subject.expected()), _open(model.expected())
            assert found == expected, f"{sku} expected: {found}, the model says {expected}"
            totals = (subject.atp(), subject.deficit())
            assert totals == (model.atp(), model.deficit()), f"{sku} ATP, deficit: {totals}"

    def _statuses_agree(self) -> None:
        told: dict[str, list[tuple[str, str]]] = {}
        for status in self._records(RESERVATION_STATUS.name):
            told.setdefault(status["sku"], []).append((status["reservation"], status["status"]))
        for sku in self.folded:
            answers = [(a.reservation, a.status) for a in self.models[sku].answers()]
            found = told.get(sku, [])
            assert found == answers, f"{sku} answers: {found}, the model says {answers}"

    def _positions_agree(self) -> None:
        newest = {(row["sku"], row.get("location")): row for row in self._records(POSITIONS.name)}
        for sku, subject in self.folded.items():
            for location, numbers in _without_zeros(subject.positions()).items():
                row = newest.get((sku, location))
                assert row is not None, f"{sku} at {location}: no position"
                found = {name: row[name] for name in numbers}
                assert found == numbers, f"{sku} at {location}: {found}, folded {numbers}"
                assert row["seq"] <= subject.state.seq, f"{sku} at {location}: {row['seq']}"
            row = newest.get((sku, None))
            waiting = {r["channel"]: r["quantity"] for r in row["backordered"]} if row else {}
            assert _without_zeros(waiting) == _without_zeros(subject.backordered()), sku

    def _offsets_agree(self) -> None:
        group = group_id(self.history.settings, LedgerProcessor.name)
        offsets = self.history.log.group_offsets.get(group, {})
        for topic, mark in self.marks.items():
            found = offsets.get((topic, self.number))
            assert found == mark, f"{topic}/{self.number}: mark {mark}, committed {found}"

    def _memory_agrees(self) -> None:
        """The memory of the ledger that lives equals a fold of the journal."""
        expected = digest(subject.state for subject in self.folded.values())
        memories = self.history.memories.get(("ledger", self.number), [])
        assert len(memories) == 1, f"partition {self.number} has {len(memories)} ledgers"
        found = digest(memories[0].skus.values())
        assert found == expected, f"partition {self.number}: memory {found}, journal {expected}"
        assert memories[0].next_offsets == self.marks


def _without_zeros(table: dict[Any, Any]) -> dict[Any, Any]:
    def is_empty(value: Any) -> bool:
        if isinstance(value, dict):
            return not any(value.values())
        return not any(value) if isinstance(value, tuple) else not value

    return {key: value for key, value in table.items() if not is_empty(value)}


def _open(table: dict[Any, tuple[str, int]]) -> dict[Any, tuple[str, int]]:
    return {key: row for key, row in table.items() if row[1]}


def judge(history: History) -> None:
    """Judge all of a history. AssertionError that says what differs."""
    for number in range(history.partitions):
        PartitionJudge(history, number).judge()
        judge_availability(history, number)
    if history.plain:
        judge_sums(history)
