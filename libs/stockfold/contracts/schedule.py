"""Records of the schedule topic: moments reached, and sources heard from.

Schemas ``stockfold.MomentReached`` and ``stockfold.SourceHeard``.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from stockfold.contracts.codec import decode, encoder
from stockfold.contracts.topics import SCHEDULE
from stockfold.domain.errors import ContractError

_encode_moment = encoder("stockfold.MomentReached")
_encode_heard = encoder("stockfold.SourceHeard")


class Moment(msgspec.Struct, frozen=True):
    """A moment that has been reached, in UTC microseconds, and what it brings, in words."""

    at_us: int
    reasons: tuple[str, ...] = ()


class Heard(msgspec.Struct, frozen=True):
    """When a source was last heard from, in UTC microseconds."""

    source: str
    at_us: int


def encode_moment(at_us: int, reasons: Sequence[str]) -> tuple[bytes, bytes]:
    """Key and value of a moment. Equal moments have equal keys, whoever writes them."""
    return f"moment|{at_us}".encode(), _encode_moment({"at": at_us, "reasons": list(reasons)})


def encode_heard(source: str, at_us: int) -> tuple[bytes, bytes]:
    """Key and value that say when a source was heard from: also a source's own heartbeat."""
    return f"source|{source}".encode(), _encode_heard({"source": source, "heard_at": at_us})


def decode_schedule(value: bytes | None) -> Moment | Heard:
    """A record of the schedule topic; ContractError when it is none."""
    schema, body = decode(value)
    if schema.name == "stockfold.MomentReached":
        return Moment(body["at"], tuple(body["reasons"]))
    if schema.name == "stockfold.SourceHeard":
        return Heard(body["source"], body["heard_at"])
    raise ContractError(
        "wrong_topic",
        f"{schema.name} does not belong on {SCHEDULE.name}",
        remedy="Send it to the topic that declares it.",
    )
