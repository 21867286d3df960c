"""How far the re-evaluation of listings is: records of ``stockfold.ReevaluationProgress``."""

from __future__ import annotations

import msgspec

from stockfold.contracts.codec import encoder

_encode = encoder("stockfold.ReevaluationProgress")


class Standing(msgspec.Struct, frozen=True):
    """Where an instance stands; times in UTC microseconds, the fields as in the schema."""

    began_us: int
    at_us: int
    listings: int
    unseen: int
    untold: int
    zeros: int
    channels: tuple[str, ...]

    @property
    def left(self) -> int:
        """Listings to be looked at or told."""
        return self.unseen + self.untold


def encode_standing(instance: str, standing: Standing) -> tuple[bytes, bytes]:
    """Key and value."""
    return instance.encode(), _encode(
        {
            "instance": instance,
            "began_at": standing.began_us,
            "recorded_at": standing.at_us,
            "listings": standing.listings,
            "unseen": standing.unseen,
            "untold": standing.untold,
            "zeros": standing.zeros,
            "channels": list(standing.channels),
        }
    )
