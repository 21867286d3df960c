"""The conservation proof of a SKU: what came in is still there, or left by a named door."""

from __future__ import annotations

from stockfold.explain.entry import answer
from stockfold.ledger.accounts import (
    ADJUSTMENT,
    CUSTOMER,
    DAMAGED,
    FIRST_OUTSIDE,
    IN_TRANSIT,
    LOST,
    ON_HAND,
    QUALITY_HOLD,
    SCRAPPED,
    SUPPLIER,
)
from stockfold.ledger.state import SkuState


@answer
class Proof:
    """received + adjusted = on hand + held + damaged + in transit + shipped + lost + scrapped.

    Over all locations of the SKU. Returns lower ``shipped``.
    """

    holds: bool
    """Whether both sides are equal, and no fact is missing."""
    received: int
    """Units that came from suppliers."""
    adjusted: int
    """Units that adjustments and counts added or, below zero, took away."""
    on_hand: int
    """Units on the shelves."""
    quality_hold: int
    """Units that wait for inspection."""
    damaged: int
    """Units that are there and cannot be sold."""
    in_transit: int
    """Units on their way between locations."""
    shipped: int
    """Units with customers: shipped less returned."""
    lost: int
    """Units lost on transfers or written off as lost."""
    scrapped: int
    """Units scrapped."""
    facts: int
    """Facts that were added up."""
    last_seq: int
    """Number of the last one; equal to ``facts`` when none is missing."""
    sentence: str
    """The same as one line with the numbers put in."""


def prove(state: SkuState, facts: int) -> Proof:
    """The proof from a SKU's state after ``facts`` facts."""
    on_hand, held, damaged, in_transit = (
        sum(state.number(place, bucket) for place in state.locations)
        for bucket in (ON_HAND, QUALITY_HOLD, DAMAGED, IN_TRANSIT)
    )
    supplier, customer, lost, scrapped, adjustment = (
        state.outside[account - FIRST_OUTSIDE]
        for account in (SUPPLIER, CUSTOMER, LOST, SCRAPPED, ADJUSTMENT)
    )
    came = [(-supplier, "received"), (-adjustment, "adjusted")]
    are = [
        (on_hand, "on hand"),
        (held, "held"),
        (damaged, "damaged"),
        (in_transit, "in transit"),
        (customer, "shipped"),
        (lost, "lost"),
        (scrapped, "scrapped"),
    ]
    equal = sum(number for number, _ in came) == sum(number for number, _ in are)
    return Proof(
        holds=equal and facts == state.seq,
        received=-supplier,
        adjusted=-adjustment,
        on_hand=on_hand,
        quality_hold=held,
        damaged=damaged,
        in_transit=in_transit,
        shipped=customer,
        lost=lost,
        scrapped=scrapped,
        facts=facts,
        last_seq=state.seq,
        sentence=f"{_sum_in_words(came)}; {_sum_in_words(are)}",
    )


def _sum_in_words(terms: list[tuple[int, str]]) -> str:
    """Such as ``5 received - 2 adjusted = 3``."""
    first, *rest = terms
    told = f"{first[0]} {first[1]}" + "".join(
        f" {'-' if number < 0 else '+'} {abs(number)} {name}" for number, name in rest
    )
    return f"{told} = {sum(number for number, _ in terms)}"
