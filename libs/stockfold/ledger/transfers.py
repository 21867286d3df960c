"""Transfers as functions of their totals (ruling 7).

In transit = dispatched - received, signed; units received elsewhere are taken from the planned
place; closing moves the signed rest, also for what comes after it.
"""

from __future__ import annotations

from stockfold.ledger.accounts import CODES, IN_TRANSIT, LOST, Delta
from stockfold.ledger.entities import Change, Transfer, copied
from stockfold.ledger.facts import Fact, Input
from stockfold.ledger.physical import physical_fact
from stockfold.ledger.state import SkuState

Totals = tuple[tuple[str, int], ...]


def _transfer(state: SkuState, given: Input) -> Transfer:
    known = state.transfers.get(given.body["transfer"])
    return copied(known) if known is not None else Transfer(given.body["transfer"])


def _add(totals: Totals, location: str, units: int) -> Totals:
    added = dict(totals)
    added[location] = added.get(location, 0) + units
    return tuple(added.items())


def _in_transit(transfer: Transfer) -> dict[str, int]:
    """Signed units on the way to each place, by the totals."""
    planned = dict(transfer.dispatched)
    if not planned:
        return {place: -units for place, units in transfer.received}
    elsewhere = 0
    for place, units in transfer.received:
        if place in planned:
            planned[place] -= units
        else:
            elsewhere += units
    for place, rest in planned.items():
        taken = min(max(rest, 0), elsewhere)
        planned[place] -= taken
        elsewhere -= taken
    first = next(iter(planned))
    planned[first] -= elsewhere
    return planned


def _postings(transfer: Transfer) -> list[Delta]:
    """Deltas that bring what is posted in line with the totals; updates the copy."""
    wanted = {place: units for place, units in _in_transit(transfer).items() if units}
    settles = transfer.remainder == "lost" or (
        transfer.remainder == "returned_to_source" and transfer.source
    )
    settled = sum(wanted.values()) if settles else 0
    if settles:
        wanted = {}
    posted = dict(transfer.posted)
    deltas: list[Delta] = []
    for place in dict.fromkeys((*posted, *wanted)):
        change = wanted.get(place, 0) - posted.get(place, 0)
        if change:
            deltas.append((IN_TRANSIT, place, "", change))
    moved = settled - transfer.settled
    if moved and transfer.remainder == "lost":
        deltas.append((LOST, "", "", moved))
    elif moved:
        deltas.append((transfer.source_bucket, transfer.source, "", moved))
    transfer.posted = tuple(wanted.items())
    transfer.settled = settled
    return deltas


def transfer_dispatched(state: SkuState, given: Input) -> Fact:
    """Bucket at the source -> in_transit at the destination, as far as not yet received."""
    body = given.body
    transfer = _transfer(state, given)
    units = body["quantity"]
    if not transfer.source:
        transfer.source = body["from"]
        transfer.source_bucket = CODES[body["bucket"]]
    transfer.dispatched = _add(transfer.dispatched, body["to"], units)
    transfer.eta_us = body["eta"]
    deltas = [(CODES[body["bucket"]], body["from"], "", -units), *_postings(transfer)]
    return physical_fact(state, given, deltas, Change(transfer=transfer))


def transfer_received(state: SkuState, given: Input) -> Fact:
    """in_transit -> bucket of the condition; units are there even before their dispatch."""
    body = given.body
    transfer = _transfer(state, given)
    units = body["quantity"]
    transfer.received = _add(transfer.received, body["location"], units)
    over = transfer.dispatched and sum(u for _, u in transfer.received) > sum(
        u for _, u in transfer.dispatched
    )
    deltas = [(CODES[body["condition"]], body["location"], "", units), *_postings(transfer)]
    flags = ("transfer_over_receipt",) if over else ()
    return physical_fact(state, given, deltas, Change(transfer=transfer), flags)


def transfer_closed(state: SkuState, given: Input) -> Fact:
    """The signed rest leaves transit, to lost or back to the source."""
    transfer = _transfer(state, given)
    if transfer.remainder:
        return Fact(given.type, [], None, ("already_closed",))
    transfer.remainder = given.body["remainder"]
    return physical_fact(state, given, _postings(transfer), Change(transfer=transfer))
