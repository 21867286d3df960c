"""What is wrong with a SKU as it stands, in words."""

from __future__ import annotations

from collections.abc import Iterator

from stockfold.availability.words import units
from stockfold.explain.entry import answer
from stockfold.explain.words import BUCKET_WORDS, day, do, was
from stockfold.ledger.accounts import ALLOCATED, DAMAGED, NAMES, ON_HAND, QUALITY_HOLD
from stockfold.ledger.state import SkuState


@answer
class Trouble:
    """Something that is wrong, and needs a person."""

    kind: str
    """on_hand_negative, oversold, short, bucket_negative, inbound_overdue, transfer_overdue,
    transfer_not_dispatched, shipment_ahead or parked."""
    location: str
    """Where; empty when it has no place."""
    units: int
    """How many units it is about."""
    sentence: str
    """The same for people."""


def troubles(state: SkuState, now_us: int, location: str | None = None) -> list[Trouble]:
    """Everything that is wrong with a SKU, or with it at one location."""
    places = sorted(state.locations) if location is None else [location]
    return [
        *(trouble for place in places for trouble in _shelf(state, place)),
        *_late(state, now_us, location),
        *_waiting(state, location),
    ]


def _shelf(state: SkuState, place: str) -> Iterator[Trouble]:
    on_hand, allocated = state.number(place, ON_HAND), state.number(place, ALLOCATED)
    missing = -state.atp(place)
    if on_hand < 0:
        yield Trouble(
            "on_hand_negative",
            place,
            -on_hand,
            f"the books have {units(on_hand)} on the shelf at {place}: more left than was ever "
            "received or counted there, so a receipt is missing or a count is due",
        )
    if allocated > max(on_hand, 0):
        over = allocated - max(on_hand, 0)
        yield Trouble(
            "oversold",
            place,
            over,
            f"{place} is oversold: {do(over, 'is', 'are')} allocated to orders that the shelf does "
            "not hold",
        )
    elif missing > max(-on_hand, 0):
        yield Trouble(
            "short",
            place,
            missing,
            f"{do(missing, 'is', 'are')} promised at {place} that the shelf does not hold",
        )
    for bucket in (QUALITY_HOLD, DAMAGED):
        held = state.number(place, bucket)
        if held < 0:
            yield Trouble(
                "bucket_negative",
                place,
                -held,
                f"the books have {units(held)} in {BUCKET_WORDS[NAMES[bucket]]} at {place}: a "
                "receipt or return is missing there",
            )


def _late(state: SkuState, now_us: int, location: str | None) -> Iterator[Trouble]:
    for place, rows in sorted(state.expected.items()):
        for inbound, line, expected, eta_us, _ in rows:
            if location in {None, place} and eta_us is not None and eta_us < now_us:
                yield Trouble(
                    "inbound_overdue",
                    place,
                    expected,
                    f"{was(expected)} due at {place} on {day(eta_us)} with {inbound}, line "
                    f"{line}, and did not come",
                )
    for transfer in state.transfers.values():
        for place, way in transfer.posted:
            if location not in {None, place}:
                continue
            if way < 0:
                yield Trouble(
                    "transfer_not_dispatched",
                    place,
                    -way,
                    f"{units(-way)} of transfer {transfer.id} came to {place} that nobody has "
                    "told to be sent: the sender's shelf may still count them",
                )
            elif transfer.eta_us is not None and transfer.eta_us < now_us:
                yield Trouble(
                    "transfer_overdue",
                    place,
                    way,
                    f"{was(way)} due at {place} on {day(transfer.eta_us)} by transfer "
                    f"{transfer.id} and did not come",
                )


def _waiting(state: SkuState, location: str | None) -> Iterator[Trouble]:
    for ahead in state.ahead:
        if location not in {None, ahead.location}:
            continue
        name = ahead.allocation or ahead.reservation
        yield Trouble(
            "shipment_ahead",
            ahead.location,
            ahead.units,
            f"{units(ahead.units)} shipped from {ahead.location} name {name}, which nobody has "
            "told yet",
        )
    for waiting in state.parked.values():
        for parked in waiting:
            yield Trouble(
                "parked",
                "",
                0,
                f"the command {parked.type} waits for {parked.waits_for[2:]}, which is not known",
            )
