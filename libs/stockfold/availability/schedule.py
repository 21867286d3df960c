"""What time brings to promises: windows begin and end, days end, sources stay silent for too long.

Here are the times at which that happens, and whom it touches. When one of them has passed, the
scheduler makes an event of it; nothing is computed by a clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from types import MappingProxyType
from zoneinfo import ZoneInfo

import msgspec

from stockfold.availability.ahead import day_of
from stockfold.availability.policy import Policy
from stockfold.availability.reach import Reach, is_dated, of_windows, open_windows
from stockfold.domain.times import SECOND_US

GRACE = 4
"""A source is marked as heard about so often in a rhythm, so it is given a part of one more."""
_EPOCH = 719_163
"""The ordinal of 1970-01-01."""
_NONE: Mapping[str, int] = MappingProxyType({})

Edge = tuple[int, str]
"""(UTC microseconds, what happens then in words)."""


class Times(msgspec.Struct, frozen=True, gc=False):
    """The newest moment, and the silent locations with when they were last heard from.

    Both in UTC microseconds; see ``Surroundings``.
    """

    moment_us: int = 0
    silent: Mapping[str, int] = _NONE


def deadline_us(heard_us: int, rhythm_s: int) -> int:
    """When a source that was heard from then counts as silent."""
    rhythm_us = rhythm_s * SECOND_US
    return heard_us + rhythm_us + rhythm_us // GRACE


def latest(edges: Iterable[Edge], after_us: int, now_us: int) -> Edge | None:
    """The last of the edges that lie after the one moment and not after the other."""
    return max((edge for edge in edges if after_us < edge[0] <= now_us), default=None)


def edges(policy: Policy, now_us: int, doubted: Mapping[str, int]) -> Iterator[Edge]:
    """The times, up to now and beyond, at which time changes what the policy promises.

    Of days the last midnight alone. ``doubted`` are locations by when their source was last heard
    from, of the sources that are silent by their own rhythm.
    """
    channel = policy.channel
    for window in policy.promotions:
        yield window.starts_at, f"the promotion {window.name!r} of {channel} begins"
        yield window.ends_at, f"the promotion {window.name!r} of {channel} ends"
    if is_dated(policy):
        zone = ZoneInfo(policy.zone)
        yield midnight_us(day_of(now_us, zone), zone), f"a day of {channel} begins"
    after_s = policy.silence.after_s
    if policy.silence.then != "keep" and after_s:
        for location, heard_us in doubted.items():
            at_us = heard_us + after_s * SECOND_US
            yield at_us, f"{location} has been silent for too long for {channel}"


def touched(policy: Policy, before: Times, after: Times) -> Reach:
    """Which SKUs may be promised otherwise by a policy as time goes on from one to the other."""
    found = of_windows(
        open_windows(policy, before.moment_us),
        open_windows(policy, after.moment_us),
    )
    if is_dated(policy):
        zone = ZoneInfo(policy.zone)
        was_known = before.moment_us > 0
        if not was_known or day_of(before.moment_us, zone) != day_of(after.moment_us, zone):
            found |= Reach(expecting=True)
    if policy.silence.then != "keep":
        changed = doubted_at(policy, before) ^ doubted_at(policy, after)
        if changed:
            found |= Reach(locations=frozenset(changed))
    return found


def doubted_at(policy: Policy, times: Times) -> frozenset[str]:
    """The locations that the policy counts as silent."""
    if policy.silence.then == "keep":
        return frozenset()
    since_max = times.moment_us - policy.silence.after_s * SECOND_US
    return frozenset(place for place, since in times.silent.items() if since <= since_max)


def midnight_us(day: int, zone: ZoneInfo) -> int:
    """When a day, in days since 1970, begins in a zone."""
    begins = datetime.combine(date.fromordinal(day + _EPOCH), time(), zone)
    return int(begins.astimezone(UTC).timestamp()) * SECOND_US
