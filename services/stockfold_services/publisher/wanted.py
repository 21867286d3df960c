"""What goes into the backlog and what comes out of it."""

from __future__ import annotations

import msgspec

from stockfold.channels import OutcomeKind, Promise
from stockfold.channels.port import IN_STOCK, Restored


class Wanted(msgspec.Struct, frozen=True):
    """An availability that the channel shall show, and where it was read.

    Times in UTC microseconds: when the broker took the stock event that caused it (0 for the
    ledger's own timer), and when the ledger decided.
    ``seq`` is the SKU's sequence number that it was computed from; 0 where it has none of its own.
    """

    sku: str
    quantity: int
    version: int
    partition: int
    offset: int
    correlation_id: str = ""
    caused_at_us: int = 0
    promise: Promise = IN_STOCK
    recorded_at_us: int = 0
    seq: int = 0
    restored: Restored | None = None
    traceparent: str = ""
    """The W3C trace context that it was told under; empty for what is not traced."""
    locations: tuple[tuple[str, int], ...] = ()
    """See ``StockUpdate.locations``."""


class Finished(msgspec.Struct, frozen=True):
    """What became of a ``Wanted``, for the record.

    ``quantity`` is what was or would have been sent, after the adapter's clamp. ``attempts`` are
    the requests made for it; with none, ``sent_at_us`` equals ``finished_at_us``. It is not
    ``final`` while units are taken away from it that are yet to reach us: it is shown again then.
    A ``repeat`` of what is on record already says nothing new.
    """

    wanted: Wanted
    kind: OutcomeKind
    quantity: int
    attempts: int
    detail: str
    sent_at_us: int
    finished_at_us: int
    final: bool = True
    repeat: bool = False

    @property
    def took_us(self) -> int | None:
        """From the stock event to here, when it was applied; from the decision of a timer's."""
        since_us = self.wanted.caused_at_us or self.wanted.recorded_at_us
        if self.kind is not OutcomeKind.APPLIED or not since_us:
            return None
        return self.finished_at_us - since_us

    def closes(self, before: Finished) -> bool:
        """Whether this ends an earlier outcome of the same SKU that was not final."""
        if self.wanted.version == before.wanted.version:
            return self.kind is not OutcomeKind.SUPERSEDED
        return self.wanted.version > before.wanted.version
