"""Why the numbers of a SKU are what they are."""

from __future__ import annotations

from collections.abc import Iterable

from stockfold.explain.entry import History, answer
from stockfold.explain.numbers import NUMBERS, Unfolded, unfold
from stockfold.explain.paragraph import paragraph
from stockfold.explain.proof import Proof, prove
from stockfold.explain.troubles import Trouble, troubles
from stockfold.ledger.evolve import evolve
from stockfold.ledger.state import SkuState

LAST = 10
"""Facts shown per number unless told; those before are summed up."""


@answer
class Explanation:
    """A SKU, or a SKU at one location, explained: first in words, then fact by fact."""

    sku: str
    """The SKU."""
    location: str | None
    """The location; null for all of them."""
    paragraph: str
    """The whole of it in plain sentences."""
    troubles: tuple[Trouble, ...]
    """What is wrong."""
    numbers: tuple[Unfolded, ...]
    """Each number with the facts that make it up."""
    proof: Proof
    """The conservation proof of the SKU over all its locations."""


def fold(sku: str, history: History) -> SkuState:
    """The state after every fact of a history."""
    state = SkuState(sku)
    for entry in history:
        evolve(state, entry.fact)
    return state


def places_of(history: History) -> set[str]:
    """Every location where a SKU ever was, or was expected."""
    found = {delta[1] for entry in history for delta in entry.fact.deltas if delta[1]}
    for entry in history:
        inbound = entry.fact.change.inbound if entry.fact.change is not None else None
        if inbound is not None:
            found.update(line.location for line in inbound.lines if line.location)
    return found


def explain(
    sku: str,
    history: History,
    now_us: int,
    location: str | None = None,
    numbers: Iterable[str] = NUMBERS,
    last: int | None = LAST,
) -> Explanation:
    """Explain a SKU from its whole history; ``last`` facts of each number singly, None for all."""
    state = fold(sku, history)
    wrong = troubles(state, now_us, location)
    return Explanation(
        sku,
        location,
        paragraph(state, history, wrong, location),
        tuple(wrong),
        tuple(unfold(history, numbers, location, last)),
        prove(state, len(history)),
    )
