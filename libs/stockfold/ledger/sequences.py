"""Producers that number their events per SKU: repeats are exact for ever, gaps are reported.

The first number of a source is no gap. A producer that must start again uses another source name.
Late numbers are folded when they come (semantics.md, "Repeats"; ruling 35).
"""

from __future__ import annotations

from stockfold.ledger.entities import Change
from stockfold.ledger.facts import Fact, Input, Refused
from stockfold.ledger.state import SkuState


def is_repeat(state: SkuState, given: Input) -> bool:
    """Whether the event's number was accepted before; Refused when with another payload."""
    numbers = state.numbers.get(given.source)
    number = given.sequence
    if numbers is None or number is None or not numbers.has(number):
        return False
    if numbers.recent.get(number, given.payload_hash) != given.payload_hash:
        raise Refused(
            "payload_conflict",
            f"number {number} of {given.source} is known with another payload",
            "The first stays. Use the next number, or another source name after a restart.",
        )
    return True


def note_number(state: SkuState, fact: Fact, given: Input) -> None:
    """Let a fact remember the number of its event, and flag the gap that it leaves."""
    assert given.sequence is not None
    if fact.change is None:
        fact.change = Change()
    fact.change.number = given.sequence
    numbers = state.numbers.get(given.source)
    if numbers is not None and numbers.leaves_gap(given.sequence):
        fact.flags = (*fact.flags, "sequence_gap")
