"""Facts in plain words, for people who do not know the ledger."""

from __future__ import annotations

from collections.abc import Callable

from stockfold.availability.words import units
from stockfold.explain.words import BUCKET_WORDS, moment, order_line, was
from stockfold.ledger.accounts import (
    ALLOCATED,
    BACKORDERED,
    CUSTOMER,
    IN_TRANSIT,
    LOST,
    NAMES,
    ON_HAND,
    RESERVED,
    SCRAPPED,
    STRIDE,
    SUPPLIER,
)
from stockfold.ledger.entities import Change
from stockfold.ledger.facts import Fact

_NO_CHANGE = Change()


def describe(fact: Fact) -> str:
    """What a fact says, in one sentence without its full stop."""
    say = _SAY.get(fact.kind)
    told = say(fact) if say is not None else _plain(fact)
    if "in_count" in fact.flags:
        told += "; the last count of the shelf had it already, so the number stays"
    if "shipped_closed" in fact.flags:
        told += ", although the line had been cancelled, expired or rejected"
    return told


def _change(fact: Fact) -> Change:
    return fact.change if fact.change is not None else _NO_CHANGE


def _first(fact: Fact, account: int) -> int:
    """Units of the first delta of an account; 0 without one."""
    return next((d[3] for d in fact.deltas if d[0] == account), 0)


def _place(fact: Fact, *, into: bool) -> str:
    """`` at A`` or `` from A``, and the bucket where it is not the shelf, of the first units that
    are put in or taken.
    """
    for account, location, _, moved in fact.deltas:
        if account < STRIDE and (moved > 0) == into:
            bucket = BUCKET_WORDS.get(NAMES[account]) if account != ON_HAND else None
            if bucket is None:
                return f" {'at' if into else 'from'} {location}"
            return f" {'into' if into else 'from'} {bucket} at {location}"
    return ""


def _sum(fact: Fact, account: int) -> int:
    return sum(d[3] for d in fact.deltas if d[0] == account)


def _line(fact: Fact) -> str:
    line = _change(fact).line
    return f" for {order_line(line.order, line.line)}" if line is not None else ""


def _received(fact: Fact) -> str:
    inbound = _change(fact).inbound
    by = f" for {inbound.id}" if inbound is not None else ""
    return f"{was(-_first(fact, SUPPLIER))} received{_place(fact, into=True)}{by}"


def _shipped(fact: Fact) -> str:
    return f"{was(_first(fact, CUSTOMER))} shipped{_place(fact, into=False)}{_line(fact)}"


def _met(fact: Fact) -> str:
    return f"a shipment told earlier was matched{_line(fact)}"


def _expected(fact: Fact) -> str:
    inbound = _change(fact).inbound
    if inbound is None:
        return "an older revision of an inbound line came and was ignored"
    return f"what is expected with {inbound.id} was told"


def _inbound_closed(fact: Fact) -> str:
    inbound = _change(fact).inbound
    return f"nothing more is expected of {inbound.id}" if inbound else _plain(fact)


def _transfer(fact: Fact) -> str:
    transfer = _change(fact).transfer
    return f" by transfer {transfer.id}" if transfer is not None else ""


def _dispatched(fact: Fact) -> str:
    sent = next((-d[3] for d in fact.deltas if d[3] < 0 and d[0] != IN_TRANSIT), 0)
    return f"{was(sent)} sent off{_place(fact, into=False)}{_transfer(fact)}"


def _arrived(fact: Fact) -> str:
    came = next((d[3] for d in fact.deltas if d[3] > 0 and d[0] != IN_TRANSIT), 0)
    return f"{was(came)} received{_place(fact, into=True)}{_transfer(fact)}"


def _transfer_closed(fact: Fact) -> str:
    transfer = _change(fact).transfer
    if transfer is None:
        return "a transfer was closed again, which changes nothing"
    lost = _sum(fact, LOST)
    end = f", {units(lost)} lost" if lost else ""
    return f"transfer {transfer.id} was closed{end}"


def _returned(fact: Fact) -> str:
    returned = _change(fact).returned
    name = f" with return {returned.id}" if returned is not None else ""
    if fact.kind == "ReturnAuthorized":
        return f"return {returned.id} was allowed" if returned is not None else _plain(fact)
    if fact.kind == "ReturnReceived":
        return f"{was(-_first(fact, CUSTOMER))} brought back{_place(fact, into=True)}{name}"
    out = _first(fact, SCRAPPED)
    if out:
        return f"{was(out)} scrapped{_place(fact, into=False)}{name}"
    return f"{was(_moved_in(fact))} put{_place(fact, into=True)} after inspection{name}"


def _moved_in(fact: Fact) -> int:
    return next((d[3] for d in fact.deltas if d[0] < STRIDE and d[3] > 0), 0)


def _adjusted(fact: Fact) -> str:
    _, location, _, moved = fact.deltas[0]
    bucket = BUCKET_WORDS.get(NAMES[fact.deltas[0][0]], "")
    reason = (_change(fact).note or {}).get("reason")
    why = f" ({reason})" if reason else ""
    return f"{bucket} at {location} was adjusted by {moved:+d}{why}"


def _counted(fact: Fact) -> str:
    count = _change(fact).count
    if count is None:
        return "a stock figure was reported and compared"
    location, bucket, as_of_us = count
    where = BUCKET_WORDS.get(NAMES[bucket], "")
    moved = fact.deltas[0][3] if fact.deltas else 0
    found = f"the number changed by {moved:+d}" if moved else "the number was right"
    return f"{where} at {location} was counted as of {moment(as_of_us)}; {found}"


def _reserved(fact: Fact) -> str:
    held = _sum(fact, RESERVED)
    waits = _sum(fact, BACKORDERED)
    told = f"{was(held)} reserved{_place(fact, into=True)}" if held else ""
    if waits > 0:
        told += f"{' and ' if told else ''}{units(waits)} put on backorder"
    return (told or "a reservation was confirmed, which needed no units") + _line(fact)


def _status(fact: Fact) -> str:
    status = _change(fact).status
    if status is None:
        return _plain(fact)
    reservation, told, command, quantity, reason, _ = status
    why = f" ({reason.replace('_', ' ')})" if reason else ""
    what = f"{units(quantity)} {told.replace('_', ' ')}" if quantity else told.replace("_", " ")
    return f"{command} of reservation {reservation} was answered: {what}{why}"


def _ended(word: str) -> Callable[[Fact], str]:
    def say(fact: Fact) -> str:
        gone = -sum(d[3] for d in fact.deltas if RESERVED <= d[0] <= BACKORDERED)
        if not gone:
            return f"a promise of which nothing was left {word}{_line(fact)}"
        return f"a promise of {units(gone)} {word}{_line(fact)}"

    return say


def _cancelled(fact: Fact) -> str:
    line = _change(fact).line
    gone = -sum(d[3] for d in fact.deltas if RESERVED <= d[0] <= BACKORDERED)
    freed = f", which freed {units(gone)}" if gone else ""
    return f"{order_line(line.order, line.line)} was cancelled{freed}" if line else _plain(fact)


def _allocated(fact: Fact) -> str:
    held = _sum(fact, ALLOCATED)
    if not held:
        return f"an allocation was told that claims nothing new{_line(fact)}"
    place = next((d[1] for d in fact.deltas if d[0] == ALLOCATED and d[3] > 0), "")
    return f"{was(held)} allocated at {place}{_line(fact)}"


def _parked(fact: Fact) -> str:
    park = _change(fact).park
    assert park is not None, "a Parked fact carries what was parked"
    return f"the command {park.type} came before {park.waits_for[2:]} was known, and waits for it"


def _parked_too_long(fact: Fact) -> str:
    waited = _change(fact).parked_too_long
    assert waited is not None, "a ParkedTooLong fact names what waits"
    return f"a command has waited too long for {waited[0][2:]}, which nobody has told yet"


def _status_changed(fact: Fact) -> str:
    (account, location, _, moved), (target, *_rest) = fact.deltas[0], fact.deltas[1]
    source = BUCKET_WORDS.get(NAMES[account], NAMES[account])
    into = BUCKET_WORDS.get(NAMES[target], NAMES[target])
    return f"{was(-moved)} moved from {source} at {location} to {into}"


def _fenced(fact: Fact) -> str:
    fence, limit = _change(fact).fence, _change(fact).limit
    if fence is not None:
        return f"{was(fence.quantity)} set aside for channel {fence.channel}"
    if limit is None:
        return "an older revision of a channel's limits came and was ignored"
    most = "without limit" if limit.quantity is None else f"up to {units(limit.quantity)}"
    return f"channel {limit.channel} may accept backorders {most}"


def _corroborated(fact: Fact) -> str:
    document = (_change(fact).note or {}).get("document", "")
    return f"document {document} was told again and changed nothing"


def _corrected(fact: Fact) -> str:
    note = _change(fact).note or {}
    return (
        f"{note.get('type')} was corrected by its authority from {note.get('told_before')} to "
        f"{note.get('stands')} units{_line(fact)}"
    )


def _repeated(fact: Fact) -> str:
    del fact
    return "an event was told again and changed nothing"


def _forgotten(fact: Fact) -> str:
    del fact
    return "what is finished was cleared from memory; no number changed"


def _plain(fact: Fact) -> str:
    moves = [
        f"{moved:+d} {NAMES[account]}{f' at {location}' if location else ''}"
        for account, location, _, moved in fact.deltas
    ]
    told = f": {', '.join(moves)}" if moves else ""
    return f"{fact.kind}{told}{_line(fact)}"


_SAY: dict[str, Callable[[Fact], str]] = {
    "GoodsReceived": _received,
    "StockShipped": _shipped,
    "ShipmentMet": _met,
    "InboundExpected": _expected,
    "InboundClosed": _inbound_closed,
    "TransferDispatched": _dispatched,
    "TransferReceived": _arrived,
    "TransferClosed": _transfer_closed,
    "ReturnAuthorized": _returned,
    "ReturnReceived": _returned,
    "ReturnDispositioned": _returned,
    "StockCounted": _counted,
    "StockSnapshotReported": _counted,
    "ReservationConfirmed": _reserved,
    "ReservationPartiallyConfirmed": _reserved,
    "ReservationBackordered": _reserved,
    "BackorderConfirmed": _reserved,
    "ReservationRejected": _status,
    "ReservationRepeated": _status,
    "ReservationExtended": _status,
    "ReservationMoved": _status,
    "CommandRefused": _status,
    "ReservationReleased": _ended("was released"),
    "ReservationExpired": _ended("expired"),
    "OrderLineCancelled": _cancelled,
    "StockDeallocated": _ended("was given up"),
    "StockAllocated": _allocated,
    "StockStatusChanged": _status_changed,
    "StockAdjusted": _adjusted,
    "RingFenceSet": _fenced,
    "BackorderLimitSet": _fenced,
    "Corroborated": _corroborated,
    "Corrected": _corrected,
    "AllocationRepeated": _repeated,
    "CancelRepeated": _repeated,
    "EntitiesForgotten": _forgotten,
    "Parked": _parked,
    "ParkedTooLong": _parked_too_long,
}
