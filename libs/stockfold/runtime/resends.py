"""Asking a channel's publisher to send listings once more, although they had their outcome.

The one way to repair what a channel shows: whoever finds that it shows something else, or that a
delivery was given up, asks here, and the channel's only writer does it by its own rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from stockfold.contracts.codec import decode, encoder
from stockfold.contracts.topics import RESENDS
from stockfold.domain.times import SECOND_US
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import ensure_topic
from stockfold.runtime.one_record import send_all
from stockfold.runtime.settings import Settings

CARRIED_OUT_WITHIN_US = 3_600 * SECOND_US
"""Older ones are passed over: a publisher that starts knows better what is wanted by then."""
SENT_AT_ONCE = 10_000
_encode = encoder("stockfold.ListingResend")


class Resend(msgspec.Struct, frozen=True):
    """A version of a listing that is to be sent once more; see ``stockfold.ListingResend``."""

    channel: str
    sku: str
    version: int
    quantity: int
    status: str
    next_available: int | None
    lead_time_days: int | None
    correlation_id: str
    reason: str
    by: str
    asked_at: int
    seq: int = 0

    @property
    def is_due(self) -> bool:
        """False for one that was asked for so long ago that it means nothing now."""
        return SYSTEM_CLOCK.now_us() - self.asked_at < CARRIED_OUT_WITHIN_US


OF_AVAILABILITY = (*Resend.__struct_fields__[:8], "seq")
"""What a resend says of the availability that is to be sent once more."""


def resend_of(availability: Mapping[str, Any], reason: str, by: str) -> Resend:
    """Of a record of the availability topic, asked for now."""
    fields = {name: availability[name] for name in OF_AVAILABILITY}
    return Resend(**fields, reason=reason, by=by, asked_at=SYSTEM_CLOCK.now_us())


def decode_resend(value: bytes | None) -> Resend:
    """A record of the topic; ContractError."""
    return msgspec.convert(decode(value, expected="stockfold.ListingResend")[1], Resend)


def ask_to_resend(settings: Settings, wanted: Sequence[Resend]) -> None:
    """Return once every replica has them. UnavailableError: ask again, twice does no harm."""
    ensure_topic(settings, RESENDS)
    for start in range(0, len(wanted), SENT_AT_ONCE):
        some = wanted[start : start + SENT_AT_ONCE]
        send_all(
            settings,
            RESENDS,
            [(f"{one.channel}|{one.sku}", _encode(msgspec.structs.asdict(one))) for one in some],
            what=f"at least one of {len(wanted)} resends",
            remedy="Check the broker, then ask again: a listing sent twice shows the same.",
        )
