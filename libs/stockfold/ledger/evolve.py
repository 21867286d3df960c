"""The fold: addition of deltas, entities put in place. Total: never refuses, asks no clock.

Runs in the ledger, in every follower and in every rebuild, and must give the same state in each.
"""

from __future__ import annotations

from array import array
from sys import intern

from stockfold.ledger.accounts import (
    BACKORDERED,
    CLAIMS_FROM,
    COUNTED_BELOW,
    FIRST_OUTSIDE,
    STRIDE,
)
from stockfold.ledger.entities import Change, Forgotten, Inbound, Line, SecondHand
from stockfold.ledger.facts import Fact
from stockfold.ledger.inbound import expected_rows
from stockfold.ledger.numbers import Numbers
from stockfold.ledger.ranked import Ranked
from stockfold.ledger.state import EMPTY, SkuState

MOVES_MAX = 2048
"""Movements remembered per SKU for counts; beyond it the older half is forgotten."""

_EMPTY_ROW = array("q", [0] * STRIDE)


def evolve(state: SkuState, fact: Fact) -> None:
    """Fold one fact into the state of its SKU."""
    state.seq = fact.seq
    change = fact.change
    counted = change is not None and change.count is not None
    book = state.book
    locations = state.locations
    moves = state.moves
    for account, location, channel, units in fact.deltas:
        if account < STRIDE:
            try:
                row = locations.index(location)
            except ValueError:
                row = len(locations)
                locations.append(intern(location))
                book.extend(_EMPTY_ROW)
            book[row * STRIDE + account] += units
            if account < COUNTED_BELOW:
                if not counted:
                    moves.fromlist([row * 4 + account, fact.occurred_us, units])
            elif account >= CLAIMS_FROM:
                held = state.claims.get((location, channel))
                if held is None:
                    claims = state.claims if state.claims is not EMPTY else state.own("claims")
                    held = claims[intern(location), intern(channel)] = [0, 0]
                held[account - CLAIMS_FROM] += units
                if not held[0] and not held[1]:
                    del state.claims[location, channel]
        elif account == BACKORDERED:
            waiting = state.backordered.get(channel, 0) + units
            if waiting:
                state.own("backordered")[channel] = waiting
            elif channel in state.backordered:
                del state.backordered[channel]
        else:
            state.outside[account - FIRST_OUTSIDE] += units
    if len(moves) > MOVES_MAX * 3:
        _forget_moves(state)
    if change is not None:
        _put(state, change, fact.recorded_us)
        if change.number is not None:
            cause = fact.cause
            numbers = state.numbers.get(cause.source)
            if numbers is None:
                numbers = state.own("numbers")[cause.source] = Numbers(change.number)
            numbers.add(change.number, cause.payload_hash)


def _forget_moves(state: SkuState) -> None:
    """Forget the older half by journal position, and refuse counts that would need it."""
    half = MOVES_MAX // 2 * 3
    state.moves_floor_us = max(state.moves_floor_us, *state.moves[1:half:3])
    del state.moves[:half]


def _put(state: SkuState, change: Change, recorded_us: int) -> None:
    """Put every entity in place, and note on it when it was recorded."""
    if change.line is not None:
        change.line.at_us = recorded_us
        put_line(state, change.line)
    if change.transfer is not None:
        change.transfer.at_us = recorded_us
        state.own("transfers")[change.transfer.id] = change.transfer
    if change.inbound is not None:
        change.inbound.at_us = recorded_us
        put_inbound(state, change.inbound)
    if change.returned is not None:
        change.returned.at_us = recorded_us
        state.own("returns")[change.returned.id] = change.returned
    if change.count is not None:
        location, bucket, as_of_us = change.count
        state.own("counts")[(intern(location), bucket)] = as_of_us
    if change.fence is not None:
        state.own("fences")[change.fence.channel] = change.fence
    if change.limit is not None:
        state.own("limits")[change.limit.channel] = change.limit
    if change.document is not None:
        event_type, document, line, units = change.document
        told: int | str | SecondHand = change.second_hand or units
        if change.shelves is not None:
            told = f"{units} {change.shelves}"
        state.own("documents")[(event_type, document, line)] = told
        state.own("document_times")[(event_type, document, line)] = recorded_us
    if change.park is not None:
        change.park.at_us = recorded_us
        state.own("parked").setdefault(change.park.waits_for, []).append(change.park)
    if change.unpark is not None:
        _unpark(state, *change.unpark)
    if change.parked_too_long is not None:
        _note_reported(state, *change.parked_too_long)
    if change.forget is not None:
        _forget(state, change.forget)
    if change.ahead is not None:
        state.ahead = (*state.ahead, change.ahead)
    if change.met is not None:
        state.ahead = tuple(a for a in state.ahead if a.seq != change.met)


def put_line(state: SkuState, line: Line) -> None:
    """Put a demand line and keep the indexes that are derived from it."""
    key = (line.order, line.line)
    lines = state.lines
    (lines if lines is not EMPTY else state.own("lines"))[key] = line
    if line.reservation or line.past:
        reservations = state.reservations
        if reservations is EMPTY:
            reservations = state.own("reservations")
        if line.reservation:
            reservations[line.reservation] = key
        for replaced in line.past:
            reservations[replaced.id] = key
    if line.allocations:
        allocations = state.allocations
        if allocations is EMPTY:
            allocations = state.own("allocations")
        for allocation in line.allocations:
            allocations[allocation.id] = key
    if line.backordered:
        if state.waiting is None:
            state.waiting = Ranked()
        state.waiting.put(key, (-line.priority, line.waiting_seq))
    elif state.waiting:
        state.waiting.drop(key)
    if line.expires_us and (line.reserved or line.backordered):
        if state.expiring is None:
            state.expiring = Ranked()
        state.expiring.put(key, (line.expires_us, 0))
        if not state.next_expiry_us or line.expires_us < state.next_expiry_us:
            state.next_expiry_us = line.expires_us
    elif state.expiring:
        state.expiring.drop(key)
        if not state.expiring:
            state.next_expiry_us = 0


def put_inbound(state: SkuState, inbound: Inbound) -> None:
    """Put an inbound document and the expected rows that are derived from it."""
    state.own("inbounds")[inbound.id] = inbound
    table = state.own("expected")
    for location, rows in list(table.items()):
        kept = [row for row in rows if row[0] != inbound.id]
        if kept:
            table[location] = kept
        else:
            del table[location]
    for location, row in expected_rows(inbound):
        table.setdefault(location, []).append(row)


def _unpark(state: SkuState, waits_for: str, source: str, event_id: str) -> None:
    kept = [
        p for p in state.parked.get(waits_for, ()) if (p.source, p.event_id) != (source, event_id)
    ]
    if kept:
        state.parked[waits_for] = kept
    elif waits_for in state.parked:
        del state.parked[waits_for]


def _note_reported(state: SkuState, waits_for: str, source: str, event_id: str) -> None:
    for parked in state.parked.get(waits_for, ()):
        if (parked.source, parked.event_id) == (source, event_id):
            parked.reported = True


def _forget(state: SkuState, forgotten: Forgotten) -> None:
    for key in forgotten.lines:
        line = state.lines.pop(key)
        for reservation in (line.reservation, *(past.id for past in line.past)):
            if reservation:
                del state.reservations[reservation]
        for allocation in line.allocations:
            del state.allocations[allocation.id]
        if state.expiring:
            state.expiring.drop(key)
    for name in forgotten.transfers:
        del state.transfers[name]
    for name in forgotten.inbounds:
        del state.inbounds[name]
    for name in forgotten.returns:
        del state.returns[name]
    for document in forgotten.documents:
        del state.documents[document]
        del state.document_times[document]
    if forgotten.moves_through_us:
        moves, through_us = state.moves, forgotten.moves_through_us
        state.moves = array("q")
        for at in range(0, len(moves), 3):
            if moves[at + 1] > through_us:
                state.moves.extend(moves[at : at + 3])
        state.moves_floor_us = max(state.moves_floor_us, through_us)
