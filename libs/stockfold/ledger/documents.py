"""The same movement told twice: by the ERP and by the 3PL, or exported again (ruling 20).

Matched by (event type, document, document line) of the receipt or delivery note. The first that is
told folds; the others corroborate it, and never fold twice. When they differ, the quantity of the
source that is the authority stands: if a secondary source told it first, the primary one's fact
folds the difference. Whatever else differs is for a person to settle: a note may be split over two
places under one line, and the second part shall not vanish as a repeat.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from stockfold.ledger.corrections import drawn_by, line_of, ship_less
from stockfold.ledger.entities import Change, SecondHand
from stockfold.ledger.facts import Fact, Input, Refused
from stockfold.ledger.state import SkuState

DocumentKey = tuple[str, str, str]

_PLACE = ("location", "from", "to", "bucket", "condition", "transfer", "return", "inbound")
"""What a correction posts to; it must be the same in both tellings."""


_SHELVES = ("location", "from", "to", "bucket", "condition")


def document_of(given: Input) -> DocumentKey | None:
    """The key of the document line that the input stands on, or None."""
    document, line = given.body.get("document"), given.body.get("document_line")
    if document is None or line is None:
        return None
    return given.type, document, line


def _units_field(given: Input) -> str:
    return "delta" if "delta" in given.body else "quantity"


def _units(given: Input) -> int:
    units: int = given.body[_units_field(given)]
    return units


def _place(given: Input) -> str:
    body = given.body
    names = [str(body[name]) for name in _PLACE if body.get(name) is not None]
    if body.get("inbound") is not None:
        names.append(str(body["line"]))
    return " ".join(names)


def _shelves(given: Input) -> str:
    """The locations and buckets that a movement posts to, whatever else its teller knows of it."""
    body = given.body
    names = [body[name] for name in _SHELVES if body.get(name) is not None]
    if given.type == "ReturnReceived" and body.get("condition") is None:
        names.append("quality_hold")
    return " ".join(names)


def _told(told: int | str | SecondHand) -> tuple[int, str | None]:
    """Units, and the shelves where they are known: a journal of before has units alone."""
    if isinstance(told, str):
        units, _, where = told.partition(" ")
        return int(units), where
    return (told, None) if isinstance(told, int) else (told.units, None)


def told_again(
    state: SkuState, given: Input, key: DocumentKey, decide: Callable[[SkuState, Input], Fact]
) -> Fact | None:
    """The fact of a movement that was told before, or None when it is told for the first time."""
    told = state.documents.get(key)
    if told is None:
        return None
    units = _units(given)
    before, where = _told(told)
    if not isinstance(told, SecondHand) or given.secondary:
        if where is not None and where != _shelves(given):
            raise _differs(
                given,
                key,
                f"about {where}, now about {_shelves(given)}",
                "The first stands. Movements to several places need a document line each; send "
                "this one under a line of its own, or an adjustment if it is the right one.",
            )
        if before != units:
            raise _differs(
                given,
                key,
                f"with {before} units, now with {units}",
                "The first stands. Find out which is right, and send an adjustment if it is "
                "this one.",
            )
        return _fact("Corroborated", key)
    if told.place != _place(given):
        raise _differs(
            given,
            key,
            f"about {told.place}, now about {_place(given)}",
            "The first stands, although its source is not the authority. Move the units by "
            "adjustments if this one is right.",
        )
    same = before == units
    if not same and _is_forgotten(state, given):
        raise _differs(
            given,
            key,
            f"with {before} units, now with {units}; what it belongs to is over and forgotten",
            "Send an adjustment of the difference.",
        )
    fact = _fact("Corroborated", key) if same else _corrected(state, given, told, decide)
    assert fact.change is not None
    fact.change.document = (*key, units)  # From now on it is the authority's.
    fact.change.shelves = _shelves(given)
    return fact


def _is_forgotten(state: SkuState, given: Input) -> bool:
    """Whether the transfer or inbound that both tellings are about has left memory."""
    transfer, inbound = given.body.get("transfer"), given.body.get("inbound")
    return (transfer is not None and transfer not in state.transfers) or (
        inbound is not None and inbound not in state.inbounds
    )


def _fact(kind: str, key: DocumentKey) -> Fact:
    return Fact(kind, [], Change(note={"document": key[1], "document_line": key[2]}))


def _differs(given: Input, key: DocumentKey, how: str, remedy: str) -> Refused:
    return Refused(
        "document_differs",
        f"{given.type} of document {key[1]} line {key[2]} was told {how}",
        remedy,
    )


def _corrected(
    state: SkuState,
    given: Input,
    told: SecondHand,
    decide: Callable[[SkuState, Input], Fact],
) -> Fact:
    """The authority's fact, which folds only what its quantity differs by.

    Its kind is its own, because it may lead an entity back: units that never left are owed again.
    """
    units = _units(given)
    difference = units - told.units
    if given.type == "StockShipped" and difference < 0:
        fact = ship_less(state, given, told, -difference)
    else:
        # Every other posting is linear in its quantity.
        body = {**given.body, _units_field(given): difference}
        fact = decide(state, msgspec.structs.replace(given, body=body))
    fact.kind = "Corrected"
    if fact.change is None:
        fact.change = Change()
    note = fact.change.note or {}
    fact.change.note = {**note, "type": given.type, "told_before": told.units, "stands": units}
    fact.flags = (*fact.flags, "document_differs")
    return fact


def note_document(state: SkuState, fact: Fact, given: Input, key: DocumentKey) -> None:
    """Let a fact remember the document line it was told by."""
    if fact.change is None:
        fact.change = Change()
    fact.change.document = (*key, _units(given))
    if given.secondary:
        fact.change.second_hand = SecondHand(
            _units(given), _place(given), line_of(fact), drawn_by(state, fact)
        )
    else:
        fact.change.shelves = _shelves(given)
