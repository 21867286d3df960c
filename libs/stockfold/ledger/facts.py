"""Inputs that the ledger decides, the facts it decides on, and refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from stockfold.ledger.accounts import Delta
from stockfold.ledger.entities import Change


class Input(msgspec.Struct, gc=False):
    """One decoded event with its place in the log. Times are UTC microseconds."""

    type: str
    """Event type without namespace, such as GoodsReceived."""
    sku: str
    body: Mapping[str, Any]
    source: str
    event_id: str
    occurred_us: int
    caused_us: int = 0
    correlation_id: str = ""
    topic: str = ""
    partition: int = 0
    offset: int = -1
    schema_id: int = 0
    payload_hash: int = 0
    sequence: int | None = None
    is_sound: bool = False
    """The body is known to pass its type's checks (``validation``); unknown where False."""
    event: int = 0
    """Its name in the memory for repeats; 0 where nobody asked for it."""
    raw_id: bytes = b""
    """The event id as it came; empty where only the text is known."""
    raw_correlation: bytes = b""
    """The correlation id as it came; empty where only the text is known."""
    told: tuple[int, str] | None = None
    """(quantity, unit) as told, when it was converted to base units."""
    secondary: bool = False
    """Another source is the authority on this; see ``documents``."""
    snapshot_limit: int | None = None
    """Greatest difference that a snapshot may correct here; None where it only compares."""
    traceparent: str = ""
    """The W3C trace context that it is decided under; empty for what is not traced."""


TIMER = Input("", "", {}, "", "", 0)
"""The cause of what the ledger decides by its own clock."""


_NOT_YET: Any = None


class Fact(msgspec.Struct, eq=False, gc=False):
    """A decided fact: resolved deltas and entity transitions. ``evolve`` only adds and puts.

    ``seq``, ``cause``, ``occurred_us`` and ``recorded_us`` are set when it is recorded.
    """

    kind: str
    deltas: list[Delta]
    change: Change | None = None
    flags: tuple[str, ...] = ()
    seq: int = 0
    cause: Input = _NOT_YET
    occurred_us: int = 0
    recorded_us: int = 0

    def __repr__(self) -> str:
        return f"Fact({self.kind}, {self.deltas}, {self.change}, {self.flags})"


class Refused(Exception):  # noqa: N818  (a refusal is an answer, not a failure)
    """The input is not folded: it goes to the exception desk with this kind and reason."""

    def __init__(self, kind: str, reason: str, remedy: str) -> None:
        self.kind = kind
        self.reason = reason
        self.remedy = remedy
        super().__init__(reason)


class Refusal(msgspec.Struct, frozen=True):
    """A refusal as a value."""

    kind: str
    reason: str
    remedy: str
