"""What few SKUs hold, under short names, as rows of snapshots and of resting SKUs have it."""

from __future__ import annotations

from operator import attrgetter
from sys import intern

import msgspec

from stockfold.ledger.entities import (
    Ahead,
    Fence,
    Inbound,
    Limit,
    Line,
    Parked,
    Return,
    SecondHand,
    Transfer,
)
from stockfold.ledger.evolve import put_line
from stockfold.ledger.numbers import Numbers
from stockfold.ledger.state import ExpectedRow, SkuState

NumbersRow = tuple[str, int, int, list[int], list[tuple[int, int]]]
"""(source, first, through, above in order, (number, payload) of the recent ones by age)."""


class Rare(msgspec.Struct, omit_defaults=True):
    """What most SKUs have none of. A later version may add fields, with defaults."""

    next_expiry_us: int = msgspec.field(default=0, name="x")
    moves_floor_us: int = msgspec.field(default=0, name="mf")
    claims: list[tuple[str, str, int, int]] = msgspec.field(default_factory=list, name="c")
    backordered: dict[str, int] = msgspec.field(default_factory=dict, name="b")
    lines: list[Line] = msgspec.field(default_factory=list, name="l")
    transfers: list[Transfer] = msgspec.field(default_factory=list, name="t")
    inbounds: list[Inbound] = msgspec.field(default_factory=list, name="i")
    expected: dict[str, list[ExpectedRow]] = msgspec.field(default_factory=dict, name="e")
    """Kept although it is derived: its order is that of the changes, and positions show it."""
    returns: list[Return] = msgspec.field(default_factory=list, name="r")
    numbers: list[NumbersRow] = msgspec.field(default_factory=list, name="n")
    fences: list[Fence] = msgspec.field(default_factory=list, name="f")
    limits: list[Limit] = msgspec.field(default_factory=list, name="bl")
    documents: list[tuple[str, str, str, int | str | SecondHand, int]] = msgspec.field(
        default_factory=list, name="d"
    )
    counts: list[tuple[str, int, int]] = msgspec.field(default_factory=list, name="k")
    ahead: tuple[Ahead, ...] = msgspec.field(default=(), name="a")
    parked: list[list[Parked]] = msgspec.field(default_factory=list, name="p")


_TABLES = (
    "claims",
    "backordered",
    "lines",
    "transfers",
    "inbounds",
    "expected",
    "returns",
    "numbers",
    "fences",
    "limits",
    "documents",
    "counts",
    "parked",
)
_rare_parts = attrgetter("next_expiry_us", "moves_floor_us", "ahead", *_TABLES)


def rare_of(state: SkuState) -> Rare | None:
    """What a SKU holds of it; None when that is nothing."""
    if not any(_rare_parts(state)):
        return None
    rare = Rare(state.next_expiry_us, state.moves_floor_us, ahead=state.ahead)
    if state.claims:
        rare.claims = [(*key, held[0], held[1]) for key, held in state.claims.items()]
    if state.backordered:
        rare.backordered = state.backordered
    if state.lines:
        rare.lines = list(state.lines.values())
    if state.transfers:
        rare.transfers = list(state.transfers.values())
    if state.inbounds:
        rare.inbounds = list(state.inbounds.values())
    if state.expected:
        rare.expected = state.expected
    if state.returns:
        rare.returns = list(state.returns.values())
    if state.numbers:
        rare.numbers = [_numbers_row(source, known) for source, known in state.numbers.items()]
    if state.fences:
        rare.fences = list(state.fences.values())
    if state.limits:
        rare.limits = list(state.limits.values())
    if state.documents:
        times = state.document_times
        rare.documents = [(*key, units, times[key]) for key, units in state.documents.items()]
    if state.counts:
        rare.counts = [(*key, as_of_us) for key, as_of_us in state.counts.items()]
    if state.parked:
        rare.parked = list(state.parked.values())
    return rare


def put_rare(state: SkuState, rare: Rare) -> None:
    """Fill the tables that are needed; the others stay the shared empty one."""
    state.moves_floor_us = rare.moves_floor_us
    state.ahead = rare.ahead
    if rare.claims:
        state.claims = {
            (intern(location), intern(channel)): [reserved, allocated]
            for location, channel, reserved, allocated in rare.claims
        }
    if rare.backordered:
        state.backordered = rare.backordered
    for line in rare.lines:
        put_line(state, line)
    state.next_expiry_us = rare.next_expiry_us
    if rare.transfers:
        state.transfers = {transfer.id: transfer for transfer in rare.transfers}
    if rare.inbounds:
        state.inbounds = {inbound.id: inbound for inbound in rare.inbounds}
    if rare.expected:
        state.expected = rare.expected
    if rare.returns:
        state.returns = {returned.id: returned for returned in rare.returns}
    if rare.numbers:
        state.numbers = {row[0]: _numbers(row) for row in rare.numbers}
    if rare.fences:
        state.fences = {fence.channel: fence for fence in rare.fences}
    if rare.limits:
        state.limits = {limit.channel: limit for limit in rare.limits}
    if rare.documents:
        state.documents, state.document_times = {}, {}
        for event_type, document, document_line, units, at_us in rare.documents:
            key = (event_type, document, document_line)
            state.documents[key] = units
            state.document_times[key] = at_us
    if rare.counts:
        state.counts = {(intern(place), bucket): as_of for place, bucket, as_of in rare.counts}
    if rare.parked:
        state.parked = {waiting[0].waits_for: waiting for waiting in rare.parked}


def _numbers_row(source: str, known: Numbers) -> NumbersRow:
    return (source, known.first, known.through, sorted(known.above), list(known.recent.items()))


def _numbers(row: NumbersRow) -> Numbers:
    _, first, through, above, recent = row
    known = Numbers(first)
    known.through = through
    known.above = set(above)
    known.recent = dict(recent)
    return known
