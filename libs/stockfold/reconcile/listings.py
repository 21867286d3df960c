"""A shop's listings against what they shall show: what differs, and why.

A listing is judged by what is wanted of it now, by how its last version ended, by what was read of
it, and by the shop's orders that are not known here yet. Two things move at once, so a difference
counts only when nothing that is under way explains it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import msgspec

from stockfold.availability.words import units
from stockfold.channels.orders import ChannelOrder
from stockfold.domain.times import SECOND_US
from stockfold.explain.words import duration


class ListingKind(StrEnum):
    """Why a listing shows what it shows."""

    AGREES = "agrees"
    IN_FLIGHT = "in_flight"
    SHADOW = "shadow"
    HELD = "held"
    WAIVED = "waived"
    NOT_OURS = "not_ours"
    DRIFT = "drift"
    MANUAL_EDIT = "manual_edit"
    REFUSED = "refused"
    STUCK = "stuck"
    UNMAPPED = "unmapped"
    DUPLICATE_SKU = "duplicate_sku"
    NOT_MANAGED = "not_managed"


MEANING = {
    ListingKind.AGREES: "It shows what it shall.",
    ListingKind.IN_FLIGHT: "A write or an order is under way; look again.",
    ListingKind.SHADOW: "The connection's mode does not write it.",
    ListingKind.HELD: "The channel is paused, halted, zeroed or restored: nothing is sent.",
    ListingKind.WAIVED: "The channel may go without it (stockfold channel waive).",
    ListingKind.NOT_OURS: "The shop has it, and nothing is published to it.",
    ListingKind.DRIFT: "It shows less than was written, and no order explains it.",
    ListingKind.MANUAL_EDIT: "It shows more, or sells otherwise, than was written.",
    ListingKind.REFUSED: "The shop refused the last write, or it was given up.",
    ListingKind.STUCK: "It is wanted for more than an hour, and was not sent.",
    ListingKind.UNMAPPED: "No product of the shop has the SKU.",
    ListingKind.DUPLICATE_SKU: "Several products have the SKU; it must name one.",
    ListingKind.NOT_MANAGED: "The listing has no stock of its own.",
}
HARMLESS = frozenset(
    {
        ListingKind.AGREES,
        ListingKind.IN_FLIGHT,
        ListingKind.SHADOW,
        ListingKind.HELD,
        ListingKind.WAIVED,
        ListingKind.NOT_OURS,
    }
)
"""Kinds that are no difference to act on."""
REPAIRABLE = (
    ListingKind.DRIFT,
    ListingKind.MANUAL_EDIT,
    ListingKind.REFUSED,
    ListingKind.STUCK,
)
"""Kinds that sending once more can mend; the rest is mended in the shop or the catalogue."""
STUCK_AFTER_US = 3_600 * SECOND_US
_OF_CODE = {
    "sku_unknown": ListingKind.UNMAPPED,
    "sku_ambiguous": ListingKind.DUPLICATE_SKU,
}
_REMEDY = {
    ListingKind.UNMAPPED: "Give the product this SKU in the shop, or waive it.",
    ListingKind.DUPLICATE_SKU: "Give all but one of these products another SKU.",
    ListingKind.NOT_MANAGED: "Have the product manage stock in the shop, or waive it.",
    ListingKind.DRIFT: "See who sells or changes stock there without an order.",
    ListingKind.MANUAL_EDIT: "See who changes stock there, by hand or by a plugin.",
    ListingKind.STUCK: "See whether the publisher runs, and whether the channel is paused.",
    ListingKind.REFUSED: "Mend what the shop names, then have it sent once more.",
}


class Wanted(msgspec.Struct, frozen=True):
    """What a listing shall show; ``quantity`` and ``backorders`` as they go out.

    ``told_us`` is when it was told, UTC microseconds.
    """

    sku: str
    version: int
    quantity: int
    backorders: str = ""
    told_us: int = 0


class Standing(msgspec.Struct, frozen=True):
    """How far a listing's publisher is: the version it took on last, and how that ended.

    ``outcome`` is empty while it is open. ``applied_quantity`` is what was last seen to be shown,
    at ``applied_us`` (UTC microseconds).
    """

    version: int
    outcome: str
    detail: str = ""
    applied_quantity: int | None = None
    applied_us: int | None = None


class Seen(msgspec.Struct, frozen=True):
    """A product of the shop as it was read, at ``read_us`` (UTC microseconds)."""

    listing: str
    quantity: int | None
    backorders: str
    read_us: int


class Unseen(msgspec.Struct, frozen=True):
    """Orders of a SKU that the shop has and that are not here yet, or are older here.

    At most ``sold`` units less, at most ``put_back`` more, than what is known here makes.
    """

    sold: int = 0
    put_back: int = 0


NOTHING_UNSEEN = Unseen()


class ListingFinding(msgspec.Struct, frozen=True):
    """One listing. ``shows`` and ``shall`` are units; None where there is no such figure."""

    sku: str
    listing: str
    kind: ListingKind
    shows: int | None
    shall: int | None
    version: int = 0
    why: str = ""
    remedy: str = ""

    @property
    def difference(self) -> int | None:
        """What the shop would have to show more."""
        return None if self.shows is None or self.shall is None else self.shall - self.shows


class Evidence(msgspec.Struct, frozen=True):
    """All that is known of one SKU on a channel.

    ``refusal`` is the adapter's code and words for why it could not be written at all. ``before``
    is what was wanted when reading began, ``now`` afterwards.
    """

    sku: str
    seen: Sequence[Seen] = ()
    before: Wanted | None = None
    now: Wanted | None = None
    standing: Standing | None = None
    refusal: tuple[str, str] | None = None
    unseen: Unseen = NOTHING_UNSEEN
    written: bool = True
    """Whether the connection's mode writes it."""
    held: str = ""
    """Why the channel sends nothing at present; empty when it does."""
    waived: bool = False
    now_us: int = 0
    """When it is judged, UTC microseconds."""


def judge(given: Evidence) -> ListingFinding:
    """Why a listing shows what it shows."""
    wanted = given.now
    names = ", ".join(one.listing for one in given.seen[:5])
    if wanted is None:
        shows = given.seen[0].quantity if len(given.seen) == 1 else None
        return ListingFinding(given.sku, names, ListingKind.NOT_OURS, shows, None)
    if given.refusal is not None:
        code, detail = given.refusal
        kind = _OF_CODE.get(code, ListingKind.NOT_MANAGED)
        return _refused(given, wanted, names, kind, detail)
    (seen,) = given.seen
    base = ListingFinding(
        given.sku,
        seen.listing,
        ListingKind.AGREES,
        seen.quantity,
        wanted.quantity,
        wanted.version,
    )
    if seen.quantity is None:
        detail = f"product {seen.listing} does not manage its stock"
        return _refused(given, wanted, names, ListingKind.NOT_MANAGED, detail)
    if _agree(seen, wanted):
        return base
    kind, why = _under_way(given, wanted, seen) or _gone_wrong(given, wanted, seen)
    return msgspec.structs.replace(base, kind=kind, why=why, remedy=_REMEDY.get(kind, ""))


def _refused(
    given: Evidence, wanted: Wanted, names: str, kind: ListingKind, detail: str
) -> ListingFinding:
    if given.waived:
        kind = ListingKind.WAIVED
    remedy = _REMEDY.get(kind, "")
    return ListingFinding(
        given.sku, names, kind, None, wanted.quantity, wanted.version, detail, remedy
    )


def _agree(seen: Seen, wanted: Wanted) -> bool:
    """A shop that sold below zero shows nothing to sell, as it shall."""
    assert seen.quantity is not None
    same = max(seen.quantity, 0) == wanted.quantity
    return same and (not wanted.backorders or seen.backorders == wanted.backorders)


def _under_way(given: Evidence, wanted: Wanted, seen: Seen) -> tuple[ListingKind, str] | None:
    """Why the difference may be over by itself; None when nothing says so."""
    standing = given.standing
    if given.held and given.written:
        return ListingKind.HELD, given.held
    if given.before is None or given.before.version != wanted.version:
        return ListingKind.IN_FLIGHT, f"version {wanted.version} was told while the shop was read"
    if not given.written:
        return ListingKind.SHADOW, ""
    if standing is None or standing.version < wanted.version or not standing.outcome:
        waits_us = given.now_us - wanted.told_us
        kind = ListingKind.STUCK if waits_us > STUCK_AFTER_US else ListingKind.IN_FLIGHT
        return kind, f"version {wanted.version} is on its way for {duration(max(waits_us, 0))}"
    if standing.outcome == "shadow":
        return ListingKind.IN_FLIGHT, "it was shadowed, and is written in this mode"
    if standing.applied_us is not None and standing.applied_us > seen.read_us:
        return ListingKind.IN_FLIGHT, "it was written after it was read"
    assert seen.quantity is not None
    missing = wanted.quantity - max(seen.quantity, 0)
    if missing > 0 and standing.applied_quantity == seen.quantity:
        return ListingKind.IN_FLIGHT, f"it was written without {units(missing)} sold there"
    if 0 < missing <= given.unseen.sold:
        return ListingKind.IN_FLIGHT, f"{units(missing)} sold there are not known here yet"
    if 0 < -missing <= given.unseen.put_back:
        return ListingKind.IN_FLIGHT, f"{units(-missing)} put back there are not known here yet"
    return None


def _gone_wrong(given: Evidence, wanted: Wanted, seen: Seen) -> tuple[ListingKind, str]:
    standing = given.standing
    assert standing is not None
    if standing.outcome != "applied":
        return ListingKind.REFUSED, f"{standing.outcome}: {standing.detail}".strip(": ")
    assert seen.quantity is not None
    if max(seen.quantity, 0) == wanted.quantity:
        why = f"backorders are {seen.backorders or 'not told'}, written was {wanted.backorders}"
        return ListingKind.MANUAL_EDIT, why
    if max(seen.quantity, 0) > wanted.quantity:
        return ListingKind.MANUAL_EDIT, f"version {wanted.version} was shown, and more is now"
    return ListingKind.DRIFT, f"version {wanted.version} was shown, and less is now"


def unseen_units(orders: Iterable[ChannelOrder], known: Mapping[str, int]) -> dict[str, Unseen]:
    """By SKU what orders of the shop may still change; ``known`` is order → revision here.

    An order that is new here has sold its units, if the shop counts it as sold. One that changed
    since may have become sold, or have put its units back: how it was then is not known any more.
    """
    found: dict[str, Unseen] = {}
    for order in orders:
        revision = known.get(order.order)
        if revision is not None and revision >= order.revision:
            continue
        for line in order.lines:
            if not line.code or line.problem:
                continue
            before = found.get(line.code, NOTHING_UNSEEN)
            left = line.quantity - line.restocked
            sold = left if order.accepted else 0
            back = line.restocked if order.accepted else line.quantity
            found[line.code] = Unseen(
                before.sold + sold, before.put_back + (back if revision is not None else 0)
            )
    return found
