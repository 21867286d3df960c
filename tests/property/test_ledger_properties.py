"""The properties of semantics.md that are the ledger's own, over generated histories.

The numbers in the names are those of "Properties that always hold".
"""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.support.histories import MINUTE_US, START_US, Input, Options, histories, history
from tests.support.ledger_subject import LedgerSubject
from tests.support.model import Model

from stockfold.contracts import avro
from stockfold.contracts.journal import decode_entry, encode_fact
from stockfold.ledger.accounts import ALLOCATED, BACKORDERED, NAMES, RESERVED
from stockfold.ledger.digest import digest, rows
from stockfold.ledger.evolve import evolve
from stockfold.ledger.facts import Fact
from stockfold.ledger.state import SkuState

SKU = "SKU-1"
CLAIMS = {RESERVED, ALLOCATED, BACKORDERED}
PHYSICAL = frozenset(
    {
        "GoodsReceived",
        "TransferDispatched",
        "TransferReceived",
        "ReturnReceived",
        "ReturnDispositioned",
        "StockAdjusted",
        "StockStatusChanged",
    }
)


def tell(subject, event: Input, event_id: str | None = None) -> None:
    subject.feed(
        event.event_type,
        event.body,
        event_id=event_id or event.event_id,
        source=event.source,
        occurred_us=event.occurred_us,
        now_us=event.now_us,
    )


def told(events: list[Input]) -> LedgerSubject:
    subject = LedgerSubject(SKU)
    for event in events:
        tell(subject, event)
    return subject


def folded(facts: list[Fact], into: SkuState | None = None) -> SkuState:
    """A follower's state, through the bytes of the journal."""
    state = into or SkuState(SKU)
    for fact in facts:
        entry = decode_entry(encode_fact(fact, avro.string(SKU)))
        assert isinstance(entry, Fact)
        evolve(state, entry)
    return state


@settings(max_examples=80, deadline=None)
@given(histories(size=80))
def test_1_the_physical_book_sums_to_zero_after_every_fact(events: list[Input]) -> None:
    total = 0
    for fact in told(events).facts:
        total += sum(units for account, _, _, units in fact.deltas if account not in CLAIMS)
        assert total == 0, fact


@settings(max_examples=60, deadline=None)
@given(histories(size=80), st.randoms(use_true_random=False))
def test_2_folding_any_split_of_a_journal_equals_folding_it_whole(
    events: list[Input], dice: Random
) -> None:
    facts = told(events).facts
    at = dice.randint(0, len(facts))
    assert rows(folded(facts[at:], folded(facts[:at]))) == rows(folded(facts))


@settings(max_examples=60, deadline=None)
@given(histories(size=80))
def test_2_summing_the_deltas_by_column_equals_the_fold(events: list[Input]) -> None:
    subject = told(events)
    sums: dict[tuple[str, str], int] = {}
    for fact in subject.facts:
        for account, location, _, units in fact.deltas:
            key = (NAMES[account], location)
            sums[key] = sums.get(key, 0) + units
    for location, numbers in subject.positions().items():
        for name, units in numbers.items():
            if name != "atp":
                assert sums.get((name, location), 0) == units
    for name, units in subject.outside().items():
        assert sums.get((name, ""), 0) == units


@settings(max_examples=60, deadline=None)
@given(histories(size=60), st.randoms(use_true_random=False))
def test_3_delivering_any_input_again_within_the_horizon_changes_nothing(
    events: list[Input], dice: Random
) -> None:
    subject = told(events)
    if not events:
        return
    now_us = events[-1].now_us
    subject.tick(now_us)
    before = rows(subject.state)
    # What was refused is not remembered: a count as of a time to come is right once that has come.
    accepted = {(fact.cause.source, fact.cause.event_id) for fact in subject.facts}
    again = [event for event in events if (event.source, event.event_id) in accepted]
    for event in dice.sample(again, min(len(again), 20)):
        tell(subject, event._replace(now_us=now_us))
        assert subject_numbers(subject) == numbers_of(before), event


def numbers_of(found: list) -> list:
    return [row for row in found if row[1] in {"position", "line", "transfer", "inbound", "claim"}]


def subject_numbers(subject: LedgerSubject) -> list:
    return numbers_of(rows(subject.state))


@settings(max_examples=60, deadline=None)
@given(
    histories(size=60, options=Options(only=PHYSICAL, conflicts=False)),
    st.randoms(use_true_random=False),
)
def test_4_physical_totals_do_not_depend_on_the_order_of_arrival(
    events: list[Input], dice: Random
) -> None:
    now_us = events[-1].now_us if events else START_US
    at_once = [
        event._replace(now_us=now_us, occurred_us=max(event.occurred_us, now_us - MINUTE_US))
        for event in events
    ]
    # A document's first telling stands and its repeats corroborate: those are not independent.
    free = [event for event in at_once if not event.body.get("document")]
    shuffled = dice.sample(free, len(free))
    first, second = told(free), told(shuffled)
    assert first.outside() == second.outside()
    ours = {place: row for place, row in first.positions().items() if any(row.values())}
    theirs = {place: row for place, row in second.positions().items() if any(row.values())}
    for place in ours.keys() | theirs.keys():
        for name in ("on_hand", "quality_hold", "damaged"):
            assert ours.get(place, {}).get(name, 0) == theirs.get(place, {}).get(name, 0)


@given(st.integers(2, 40), st.integers(1, 5))
def test_5_of_many_buyers_for_the_last_units_exactly_as_many_are_confirmed(
    buyers: int, units: int
) -> None:
    subject = LedgerSubject(SKU)
    receipt = {"location": "A", "quantity": units, "condition": "on_hand"}
    tell(subject, Input("GoodsReceived", receipt, "r", "wms", START_US, START_US))
    for number in range(buyers):
        body = {
            "reservation": f"R{number}",
            "order": f"O{number}",
            "line": "1",
            "channel": "web",
            "quantity": 1,
            "locations": ["A"],
        }
        tell(subject, Input("ReserveStock", body, f"b{number}", "shop", START_US, START_US))
    confirmed = [told for told in subject.answers() if told.status == "confirmed"]
    assert len(confirmed) == min(buyers, units)


@settings(max_examples=80, deadline=None)
@given(histories(size=80))
def test_6_every_line_adds_up_after_every_input(events: list[Input]) -> None:
    subject = LedgerSubject(SKU)
    for event in events:
        tell(subject, event)
        for key, line in subject.lines().items():
            told_of = line["ordered"] + line["unordered"]
            is_now = sum(line[n] for n in line if n not in {"ordered", "unordered"})
            assert told_of == is_now, (key, event)


@settings(max_examples=40, deadline=None)
@given(histories(size=80))
def test_7_two_rebuilds_of_one_journal_have_equal_digests_and_equal_the_live_ledgers(
    events: list[Input],
) -> None:
    subject = told(events)
    first, second = digest([folded(subject.facts)]), digest([folded(subject.facts)])
    assert first == second == digest([subject.state])


class LedgerBesideModel(RuleBasedStateMachine):
    """The production ledger and the independent model, told the same, step by step."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model(SKU)
        self.ledger = LedgerSubject(SKU)
        self.numbers: list[int] = []

    @rule(number=st.integers(1, 2**32 - 1))
    def an_input_comes(self, number: int) -> None:
        self.numbers.append(number)
        event = history(self.numbers)[-1]
        for subject in (self.model, self.ledger):
            tell(subject, event)

    @rule(minutes=st.integers(1, 600))
    def time_passes(self, minutes: int) -> None:
        events = history(self.numbers)
        now_us = (events[-1].now_us if events else START_US) + minutes
        self.model.tick(now_us)
        self.ledger.tick(now_us)

    @invariant()
    def they_agree(self) -> None:
        assert self.ledger.outside() == self.model.outside()
        assert (self.ledger.atp(), self.ledger.deficit()) == (
            self.model.atp(),
            self.model.deficit(),
        )
        assert {k: c for k, c in self.ledger.claims().items() if any(c)} == {
            k: c for k, c in self.model.claims().items() if any(c)
        }
        assert {c: n for c, n in self.ledger.backordered().items() if n} == {
            c: n for c, n in self.model.backordered().items() if n
        }


TestLedgerBesideModel = LedgerBesideModel.TestCase
TestLedgerBesideModel.settings = settings(max_examples=40, stateful_step_count=50, deadline=None)
