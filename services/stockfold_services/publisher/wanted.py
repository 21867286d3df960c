"""What goes into the backlog and what comes out of it."""

from __future__ import annotations

import msgspec

from stockfold.channels import OutcomeKind, Promise
from stockfold.channels.port import IN_STOCK


class Wanted(msgspec.Struct, frozen=True):
    """An availability that the channel shall show, and where it was read."""

    sku: str
    quantity: int
    version: int
    partition: int
    offset: int
    correlation_id: str = ""
    caused_at_us: int = 0
    promise: Promise = IN_STOCK


class Finished(msgspec.Struct, frozen=True):
    """What became of a ``Wanted``, for the record.

    ``quantity`` is what was or would have been sent, after the adapter's clamp. ``attempts`` are
    the requests made for it; with none, ``sent_at_us`` equals ``finished_at_us``.
    """

    wanted: Wanted
    kind: OutcomeKind
    quantity: int
    attempts: int
    detail: str
    sent_at_us: int
    finished_at_us: int
