"""What channels really were told, as it was recorded: the other side of a simulated policy.

Versions of a listing rise by one, so a version that is no longer kept is noticed, and how many a
channel was told can be counted although some are gone.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

Shown = tuple[int, str]
"""(units, status) that a channel showed."""
NOTHING: Shown = (0, "")
"""What a channel shows that was told nothing."""


class Told(msgspec.Struct, frozen=True, gc=False):
    """A version of what a channel was told of a SKU.

    ``seq`` is the number of the SKU's fact that it was computed from, ``recorded_us`` when what
    caused it was decided, in UTC microseconds.
    """

    channel: str
    sku: str
    version: int
    quantity: int
    status: str
    seq: int
    recorded_us: int


class Record:
    """What the channels of one partition's SKUs were told, as far as it is kept.

    Takes versions in any order; the same one may come twice.
    """

    def __init__(self, told: Iterable[Told] = ()) -> None:
        versions: dict[tuple[str, str], dict[int, Told]] = {}
        for one in told:
            versions.setdefault((one.sku, one.channel), {})[one.version] = one
        self._listings = {
            listing: [found[version] for version in sorted(found)]
            for listing, found in versions.items()
        }

    def shown(self, sku: str, channel: str, seq: int, at_us: int) -> Shown | None:
        """What the channel showed just before the SKU's fact ``seq``; None when it is not kept."""
        before, after = None, None
        for one in self._listings.get((sku, channel), ()):
            if one.seq >= seq or one.recorded_us > at_us:
                after = one
                break
            before = one
        if before is None:
            return NOTHING if after is not None and after.version == 1 else None
        if after is not None and after.version != before.version + 1:
            return None
        return before.quantity, before.status

    def publications(self, from_us: int, to_us: int) -> tuple[dict[str, int], int]:
        """How many versions each channel was told from a time to before another.

        And of how many listings it may have been more, because versions around are not kept.
        """
        counts: dict[str, int] = {}
        unsure = 0
        for (_, channel), versions in self._listings.items():
            before = max((v.version for v in versions if v.recorded_us < from_us), default=0)
            within = [v.version for v in versions if from_us <= v.recorded_us < to_us]
            after = min((v.version for v in versions if v.recorded_us >= to_us), default=0)
            last = max(within, default=before)
            first = before + 1 if before else min(within, default=1)
            if last >= first:
                counts[channel] = counts.get(channel, 0) + last - first + 1
            unsure += (not before and first > 1) or (after > 0 and after != last + 1)
        return counts, unsure
