"""What a simulated policy comes to: units asked, sold, oversold and lost, in all and over time."""

from __future__ import annotations

import msgspec

BUCKETS = 100
"""Parts of the period by which sums are kept over time."""


class Demand(msgspec.Struct):
    """What was asked on a channel in units, and what really became of it.

    ``publications`` are what the channel was told, as recorded. ``oversold`` are units that it
    showed as there when they were asked, and that were not held; ``lost`` those refused although
    stock would have covered them. ``recomputed`` of the units asked were judged by what the
    policies in force would have shown, as it is no longer kept what the channel did show.
    """

    asked: int = 0
    accepted: int = 0
    waited: int = 0
    refused: int = 0
    publications: int = 0
    oversold: int = 0
    lost: int = 0
    recomputed: int = 0
    oversold_at: list[int] = msgspec.field(default_factory=lambda: [0] * BUCKETS)
    lost_at: list[int] = msgspec.field(default_factory=lambda: [0] * BUCKETS)


class Outcome(msgspec.Struct):
    """What one side would have made of a channel's demand.

    ``sold`` are units that it showed when they were asked, ``oversold`` those of them that no stock
    covered, ``lost`` those that stock would have covered but it did not show. Sums over time are
    kept by part of the period.
    """

    publications: int = 0
    sold: int = 0
    oversold: int = 0
    lost: int = 0
    oversold_at: list[int] = msgspec.field(default_factory=lambda: [0] * BUCKETS)
    lost_at: list[int] = msgspec.field(default_factory=lambda: [0] * BUCKETS)


class Period(msgspec.Struct, frozen=True):
    """From a time to before another, in UTC microseconds."""

    from_us: int
    to_us: int

    def bucket(self, at_us: int) -> int:
        """In which of its parts a time of it lies."""
        return (at_us - self.from_us) * BUCKETS // max(self.to_us - self.from_us, 1)
