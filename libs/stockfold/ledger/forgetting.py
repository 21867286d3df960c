"""Finished entities leave memory by a journalled fact, parked commands are reported.

An entity may be forgotten once the partition's memory for repeats no longer reaches back to its
last fact: whatever could still repeat it is then refused as older than the horizon, by journal
position and never by a clock (semantics.md, "Authority, order, time, repeats").
"""

from __future__ import annotations

from stockfold.ledger.entities import Change, Forgotten, Inbound, Line, Transfer
from stockfold.ledger.facts import Fact
from stockfold.ledger.inbound import remaining
from stockfold.ledger.state import SkuState

OLD_MOVES_MIN = 32
"""Movements that are too old, before a SKU forgets them."""


def is_finished_line(line: Line) -> bool:
    """Nothing of it is open, and nothing that expired would be asked again."""
    return not line.open_units() and not line.live


def is_finished_transfer(transfer: Transfer) -> bool:
    """Closed and settled, or all of it received where it was going."""
    return not transfer.posted and bool(transfer.dispatched or transfer.remainder)


def is_finished_inbound(inbound: Inbound) -> bool:
    """Every line is known and expects nothing more."""
    return (
        bool(inbound.lines)
        and all(line.revision >= 0 for line in inbound.lines)
        and not any(remaining(inbound))
    )


def forget_finished(state: SkuState, floor_us: int, moved_before_us: int = 0) -> Fact | None:
    """The fact that lets entities go which finished at or before the floor; None when none did.

    With them go movements before a time that no count may reach back to, when they are many: a fact
    for each would be larger than what it forgets.
    """
    old = sum(at_us <= moved_before_us for at_us in state.moves[1::3])
    forgotten = Forgotten(
        lines=tuple(
            key
            for key, line in state.lines.items()
            if line.at_us <= floor_us and is_finished_line(line)
        ),
        transfers=tuple(
            name
            for name, transfer in state.transfers.items()
            if transfer.at_us <= floor_us and is_finished_transfer(transfer)
        ),
        inbounds=tuple(
            name
            for name, inbound in state.inbounds.items()
            if inbound.at_us <= floor_us and is_finished_inbound(inbound)
        ),
        returns=tuple(
            name for name, returned in state.returns.items() if returned.at_us <= floor_us
        ),
        documents=tuple(key for key, at_us in state.document_times.items() if at_us <= floor_us),
        moves_through_us=moved_before_us if old >= OLD_MOVES_MIN else 0,
    )
    if forgotten == Forgotten():
        return None
    return Fact("EntitiesForgotten", [], Change(forget=forgotten))


def report_parked(state: SkuState, before_us: int) -> list[Fact]:
    """A finding for every command that was parked before a time and still waits, once each."""
    return [
        Fact(
            "ParkedTooLong",
            [],
            Change(
                parked_too_long=(parked.waits_for, parked.source, parked.event_id),
                note={"type": parked.type, "waits_for": parked.waits_for},
            ),
            ("parked_too_long",),
        )
        for waiting in state.parked.values()
        for parked in waiting
        if not parked.reported and parked.at_us <= before_us
    ]
