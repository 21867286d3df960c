"""What was begun and never ended: promises, transfers, returns and inbound lines.

A leak is something open of which nothing was told for longer than a limit, and which does not end
by itself: a reservation that expires, or is needed on a later day, and a delivery or transfer whose
day has not come, are none. Each comes with the event that would end it, as far as one can.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Literal, get_args

from stockfold.availability.words import units
from stockfold.domain.times import DAY_US, from_us
from stockfold.explain.compensation import Choices, Proposal, proposal
from stockfold.explain.entry import Evidence, answer, evidence
from stockfold.explain.open_book import Book, Held, OpenReturn
from stockfold.explain.words import day, do, order_line, was
from stockfold.ledger.entities import Inbound, Line, Transfer
from stockfold.ledger.inbound import remaining

Kind = Literal["reservation", "allocation", "transfer", "return", "inbound"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@answer
class Leak:
    """Something that was begun and never ended."""

    kind: Kind
    """What it is."""
    sku: str
    """The SKU."""
    name: str
    """The reservation, allocation, transfer or return; for inbound the document and its line."""
    location: str
    """Where its units are, or are expected; empty when they have no place."""
    units: int
    """Units that it holds or announces."""
    since: datetime
    """When something was last told about it."""
    sentence: str
    """What is wrong, in words."""
    last: Evidence
    """The last fact about it."""
    proposal: Proposal | None
    """The event that would end it; null where only a person can tell."""
    remedy: str
    """What to do."""


def leaks(
    book: Book, before_us: int, now_us: int, kinds: Collection[str], choices: Choices
) -> Iterator[Leak]:
    """The leaks of one SKU: open, and nothing told about them since ``before_us``."""
    if "reservation" in kinds or "allocation" in kinds:
        for line in book.lines.values():
            if line.last.fact.recorded_us <= before_us:
                yield from _line(book.sku, line, now_us, kinds)
    if "transfer" in kinds:
        for transfer in book.transfers.values():
            if transfer.last.fact.recorded_us <= before_us:
                yield from _transfer(book.sku, transfer, before_us, choices)
    if "return" in kinds:
        for returned in book.returns.values():
            if returned.last.fact.recorded_us <= before_us:
                yield from _return(book.sku, returned, choices)
    if "inbound" in kinds:
        for inbound in book.inbounds.values():
            if inbound.last.fact.recorded_us <= before_us:
                yield from _inbound(book.sku, inbound, before_us)


def _leak(
    kind: Kind,
    sku: str,
    name: str,
    held: Held[Line] | Held[Transfer] | Held[OpenReturn] | Held[Inbound],
    location: str,
    number: int,
    sentence: str,
    remedy: str,
    ends: Proposal | None = None,
) -> Leak:
    since = from_us(held.last.fact.recorded_us)
    last = evidence(held.last)
    return Leak(kind, sku, name, location, number, since, sentence, last, ends, remedy)


def _line(sku: str, held: Held[Line], now_us: int, kinds: Collection[str]) -> Iterator[Leak]:
    line = held.entity
    seq = held.last.fact.seq
    whose = order_line(line.order, line.line)
    for allocation in line.allocations:
        if allocation.open and "allocation" in kinds:
            yield _leak(
                "allocation",
                sku,
                allocation.id,
                held,
                allocation.location,
                allocation.open,
                f"{do(allocation.open, 'stays', 'stay')} allocated to {whose} at "
                f"{allocation.location}, neither shipped nor given up",
                "Find out whether they shipped; if the order is off, give them up.",
                proposal(
                    "StockDeallocated",
                    (sku, allocation.id, seq),
                    {"allocation": allocation.id, "quantity": allocation.open, "to": "free"},
                ),
            )
    soft = line.reserved_units() + line.backordered
    later = line.needed_on is not None and line.needed_on * DAY_US > now_us
    if soft and not line.expires_us and not later and "reservation" in kinds:
        place = line.reserved[0][0] if line.reserved else ""
        waits = f", {line.backordered} of them waiting for stock" if line.backordered else ""
        yield _leak(
            "reservation",
            sku,
            line.reservation,
            held,
            place,
            soft,
            f"{do(soft, 'stays', 'stay')} promised to {whose}{waits}, without an expiry, neither "
            "shipped nor released",
            "Find out whether the order lives; if not, release them.",
            proposal(
                "ReleaseReservation",
                (sku, line.reservation, seq),
                {"reservation": line.reservation, "quantity": soft},
            ),
        )


def _transfer(sku: str, held: Held[Transfer], before_us: int, choices: Choices) -> Iterator[Leak]:
    transfer = held.entity
    if transfer.eta_us is not None and transfer.eta_us > before_us:
        return
    place, posted = max(transfer.posted, key=lambda row: abs(row[1]), default=("", 0))
    number = sum(way for _, way in transfer.posted)
    if not transfer.dispatched:
        yield _leak(
            "transfer",
            sku,
            transfer.id,
            held,
            place,
            -number,
            f"{units(-number)} of transfer {transfer.id} came to {place}, and nobody told that "
            "they were sent: the sender's shelf still counts them",
            "Get the dispatch told by the sender; closing the transfer would hide what is missing "
            "there.",
        )
        return
    what = (
        f"{was(posted)} sent to {place} by transfer {transfer.id} and not received"
        if posted > 0
        else f"{units(-posted)} more of transfer {transfer.id} came to {place} than were sent"
    )
    rest = "written off as lost" if choices.remainder == "lost" else "put back at the sender"
    yield _leak(
        "transfer",
        sku,
        transfer.id,
        held,
        place,
        abs(number),
        what,
        f"Look for them; closed, the rest is {rest}.",
        proposal(
            "TransferClosed",
            (sku, transfer.id, held.last.fact.seq),
            {"transfer": transfer.id, "remainder": choices.remainder},
        ),
    )


def _return(sku: str, held: Held[OpenReturn], choices: Choices) -> Iterator[Leak]:
    returned = held.entity
    for place, number in returned.in_hold.items():
        if number > 0:
            yield _leak(
                "return",
                sku,
                returned.id,
                held,
                place,
                number,
                f"{do(number, 'waits', 'wait')} for inspection at {place} (return {returned.id})",
                f"Inspect them; the proposal takes them for {choices.disposition}.",
                proposal(
                    "ReturnDispositioned",
                    (sku, f"{returned.id}/{place}", held.last.fact.seq),
                    {
                        "return": returned.id,
                        "location": place,
                        "quantity": number,
                        "to": choices.disposition,
                    },
                ),
            )
        elif number < 0:
            yield _leak(
                "return",
                sku,
                returned.id,
                held,
                place,
                -number,
                f"{was(-number)} inspected at {place} for return {returned.id}, and nobody "
                "told that they came back",
                "Get their arrival told: until then quality hold is too low.",
            )
    if returned.awaited > 0:
        yield _leak(
            "return",
            sku,
            returned.id,
            held,
            "",
            returned.awaited,
            f"{was(returned.awaited)} allowed back with return {returned.id} and never came",
            "Ask the customer, or close it where it was allowed; it holds no stock, so no event "
            "is needed.",
        )


def _inbound(sku: str, held: Held[Inbound], before_us: int) -> Iterator[Leak]:
    inbound = held.entity
    for line, number in zip(inbound.lines, remaining(inbound), strict=True):
        if not number or (line.eta_us is not None and line.eta_us > before_us):
            continue
        due = f"due on {day(line.eta_us)}" if line.eta_us is not None else "announced without a day"
        yield _leak(
            "inbound",
            sku,
            f"{inbound.id}/{line.line}",
            held,
            line.location,
            number,
            f"{was(number)} {due} at {line.location} with {inbound.id}, line {line.line}, and did "
            "not come",
            "Ask the supplier; closed, they are no longer expected. A newer revision opens the "
            "line again.",
            proposal(
                "InboundClosed",
                (sku, f"{inbound.id}/{line.line}", held.last.fact.seq),
                {"inbound": inbound.id, "line": line.line, "revision": line.revision},
            ),
        )
