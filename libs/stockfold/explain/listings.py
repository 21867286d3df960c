"""What a channel was told about a SKU, and what it held, at a time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from stockfold.domain.times import from_us
from stockfold.explain.entry import answer


@answer
class Published:
    """A version of the availability of a SKU for a channel."""

    channel: str
    """The channel."""
    version: int
    """Rises by one with every change."""
    quantity: int
    """Units that the channel was told it may sell."""
    status: str
    """in_stock, low_stock, out_of_stock, backorder or preorder."""
    policy_revision: int
    """Revision of the channel's policy that it was computed with."""
    seq: int
    """Number of the SKU's fact that it was computed from."""
    recorded_at: datetime
    """When it was decided."""


@answer
class Delivered:
    """What a channel made of a version."""

    channel: str
    """The channel."""
    version: int
    """The version of the availability."""
    quantity: int
    """Units that were written to the channel."""
    outcome: str
    """applied, or why not."""
    detail: str
    """What the channel said."""
    finished_at: datetime
    """When the channel had answered."""


@answer
class Listing:
    """One channel at a time: what it was told, and what it held."""

    channel: str
    """The channel."""
    published: Published | None
    """The last version that had been decided by then; null when none is known."""
    held: Delivered | None
    """The last version that the channel had taken by then; null when none is known."""
    failed: Delivered | None
    """A later version that it had refused by then."""
    sure: bool
    """Whether no version is missing between ``published`` and the next one that is known. Versions
    beyond their retention are gone: 30 days in the read model."""
    sentence: str
    """The same for people."""


def listings_at(
    published: Iterable[Published], delivered: Iterable[Delivered], at_us: int
) -> list[Listing]:
    """Each channel at a time, from versions and deliveries around it, in any order."""
    at = from_us(at_us)
    versions: dict[str, list[Published]] = {}
    for one in published:
        versions.setdefault(one.channel, []).append(one)
    outcomes: dict[str, list[Delivered]] = {}
    for other in delivered:
        if other.finished_at <= at:
            outcomes.setdefault(other.channel, []).append(other)
    return [
        _listing(channel, versions.get(channel, []), outcomes.get(channel, []), at)
        for channel in sorted(versions.keys() | outcomes.keys())
    ]


def _listing(
    channel: str, versions: list[Published], outcomes: list[Delivered], at: datetime
) -> Listing:
    before = [one for one in versions if one.recorded_at <= at]
    last = max(before, key=lambda one: one.version, default=None)
    nexts = [one.version for one in versions if one.recorded_at > at]
    following = (last.version if last is not None else 0) + 1
    sure = not nexts or min(nexts) == following
    held = max(
        (one for one in outcomes if one.outcome == "applied"),
        key=lambda one: one.version,
        default=None,
    )
    failed = max(
        (
            one
            for one in outcomes
            if one.outcome not in {"applied", "superseded", "shadow"}
            and (held is None or one.version > held.version)
        ),
        key=lambda one: one.version,
        default=None,
    )
    sentence = f"{channel} {_told(last, sure)}; {_held(held, failed)}"
    return Listing(channel, last, held, failed, sure, sentence)


def _told(last: Published | None, sure: bool) -> str:
    if last is None:
        return "had been told nothing" if sure else "was told something that is no longer kept"
    told = f"was told {last.quantity} (version {last.version}, {last.recorded_at:%-d %b %H:%M} UTC)"
    return told if sure else f"{told} or something since that is no longer kept"


def _held(held: Delivered | None, failed: Delivered | None) -> str:
    said = "no delivery to it is known"
    if held is not None:
        said = f"it held {held.quantity} since {held.finished_at:%-d %b %H:%M} UTC"
    if failed is not None:
        said += f", and had not taken version {failed.version} ({failed.outcome})"
    return said
