"""How publishers stand, as records of ``stockfold.connections.v1``."""

from __future__ import annotations

import msgspec

from stockfold.contracts.codec import decode, encode
from stockfold.domain.times import SECOND_US

SILENT_S = 45
"""A publisher that serves its channel has told more than once in so long."""


class ConnectionState(msgspec.Struct, frozen=True, kw_only=True):
    """One record; the fields are as in the schema, times are UTC microseconds."""

    channel: str
    instance: str
    since: int
    told_at: int
    mode: str
    settled: bool
    owner: bool
    listings: int
    waiting: int
    zeros: int
    delayed: int
    held: int
    oldest_at: int | None
    outcomes: int
    in_flight: int
    at_once: int
    at_once_max: int
    requests_last_minute: int
    requests_per_minute_max: int | None
    item_us: int | None
    trouble: str
    trouble_code: str
    trouble_detail: str
    trouble_since: int | None
    rests_until: int | None
    zeros_counted: int
    zeros_limit: int | None
    zeros_minutes: int
    changes_counted: int
    changes_limit: int | None
    changes_minutes: int
    stale_s: int
    stale_minutes_max: int | None
    accepted: int = 0

    def is_silent(self, now_us: int) -> bool:
        """Whether it is so old that nobody serves the channel any more."""
        return now_us - self.told_at > SILENT_S * SECOND_US


def encode_connection(state: ConnectionState) -> bytes:
    """The record's bytes."""
    return encode("stockfold.ConnectionState", msgspec.structs.asdict(state))


def decode_connection(value: bytes | None) -> ConnectionState:
    """The state of a record; ContractError for anything else."""
    told = decode(value, expected="stockfold.ConnectionState")[1]
    return msgspec.convert(told, ConnectionState)
