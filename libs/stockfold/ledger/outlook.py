"""What dated questions need of a SKU: shelves, claims, what is to come and who waits.

Made from the fold here; the read model makes the same from its tables, and a test holds the two
equal. So one pure function answers for both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from stockfold.ledger.accounts import ALLOCATED, ON_HAND, RESERVED
from stockfold.ledger.entities import Fence, Line, Transfer
from stockfold.ledger.state import SkuState


class Coming(msgspec.Struct, frozen=True):
    """Units that are to come, by their document and line; a transfer has no line.

    ``eta_us`` is in UTC microseconds, ``confidence`` in percent.
    """

    inbound: str
    line: str
    location: str
    units: int
    eta_us: int | None = None
    confidence: int = 100


class Outlook(msgspec.Struct, frozen=True):
    """A SKU as dated questions see it, in units; locations and channels with nothing are left out.

    ``held`` is reserved and allocated by location, ``claims`` the same by channel; ``lines`` are
    the demand lines with open units, by order and line; ``seq`` is the SKU's newest fact.
    """

    seq: int
    on_hand: Mapping[str, int]
    held: Mapping[str, int]
    claims: Mapping[str, int]
    coming: tuple[Coming, ...]
    lines: tuple[Line, ...]
    fences: tuple[Fence, ...]

    @property
    def locations(self) -> list[str]:
        """Where anything is, is claimed or is to come, by name."""
        places = {*self.on_hand, *self.held, *(c.location for c in self.coming)}
        return sorted(places)

    def atp(self, location: str) -> int:
        """on_hand - allocated - reserved, signed (semantics.md, "ATP now")."""
        return self.on_hand.get(location, 0) - self.held.get(location, 0)


NO_OUTLOOK = Outlook(0, {}, {}, {}, (), (), ())
"""Of a SKU that nobody ever held."""


def outlook_of(state: SkuState) -> Outlook:
    """The outlook of a folded SKU."""
    places = state.locations
    held = {p: state.number(p, RESERVED) + state.number(p, ALLOCATED) for p in places}
    claims: dict[str, int] = {}
    for (_, channel), (reserved, allocated) in state.claims.items():
        claims[channel] = claims.get(channel, 0) + reserved + allocated
    return Outlook(
        state.seq,
        known({place: state.number(place, ON_HAND) for place in places}),
        known(held),
        known(claims),
        tuple(sorted(_coming(state), key=lambda c: (c.inbound, c.line, c.location))),
        by_name(line for line in state.lines.values() if line.open_units()),
        tuple(sorted((f for f in state.fences.values() if f.quantity), key=lambda f: f.channel)),
    )


def known(numbers: Mapping[str, int]) -> dict[str, int]:
    """Without the zeros."""
    return {name: units for name, units in numbers.items() if units}


def by_name(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Demand lines by order and line."""
    return tuple(sorted(lines, key=lambda line: (line.order, line.line)))


def in_transit(transfer: Transfer) -> Iterator[Coming]:
    """What a transfer still has on its way."""
    for place, units in transfer.posted:
        if units > 0:
            yield Coming(transfer.id, "", place, units, transfer.eta_us)


def _coming(state: SkuState) -> Iterator[Coming]:
    for place, expected in state.expected.items():
        for inbound, line, units, eta_us, confidence in expected:
            yield Coming(inbound, line, place, units, eta_us, confidence)
    for transfer in state.transfers.values():
        yield from in_transit(transfer)
