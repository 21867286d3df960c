"""Who may say what: a source speaks for given locations and event types.

A fact from another source is a finding, not a movement (semantics.md, "Authority, order, time,
repeats"). As long as no authority is in force, everybody may say everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stockfold.domain.reference import Authority

DEMAND = frozenset(
    {
        "ReserveStock",
        "ExtendReservation",
        "MoveReservation",
        "ReleaseReservation",
        "RingFenceSet",
        "BackorderLimitSet",
        "OrderLineCancelled",
    }
)
"""What the demand side says: anybody may, unless some authority names the type."""

_LOCATION_FIELD = {
    "InboundExpected": "location",
    "GoodsReceived": "location",
    "TransferDispatched": "from",
    "TransferReceived": "location",
    "ReturnReceived": "location",
    "ReturnDispositioned": "location",
    "StockAdjusted": "location",
    "StockStatusChanged": "location",
    "StockCounted": "location",
    "StockSnapshotReported": "location",
    "StockAllocated": "location",
    "StockShipped": "location",
    "MoveReservation": "location",
}
"""The location that an event is about; a dispatch is about the place that the units leave."""


def location_of(event_type: str, body: Mapping[str, Any]) -> str | None:
    """The location that must be in the source's authority; None for events of no location."""
    field = _LOCATION_FIELD.get(event_type)
    return None if field is None else str(body[field])


class Authorities:
    """The authorities in force."""

    def __init__(self) -> None:
        self._by_name: dict[str, Authority] = {}
        self._by_source: dict[str, Sequence[Authority]] = {}
        self._named_types: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self._by_name)

    def put(self, authority: Authority) -> None:
        """Put an authority into force in the place of the one before; an inactive one goes."""
        if authority.active:
            self._by_name[authority.authority] = authority
        else:
            self._by_name.pop(authority.authority, None)
        self._index()

    def withdraw(self, name: str) -> None:
        """Forget an authority."""
        self._by_name.pop(name, None)
        self._index()

    def _index(self) -> None:
        by_source: dict[str, list[Authority]] = {}
        for authority in self._by_name.values():
            by_source.setdefault(authority.source, []).append(authority)
        self._by_source = dict(by_source)
        self._named_types = frozenset(
            name for authority in self._by_name.values() for name in authority.types or ()
        )

    def role_of(self, source: str, event_type: str, location: str | None) -> str | None:
        """``primary``, ``secondary``, or None when the source may not say this.

        The strongest of the source's authorities that fit decides.
        """
        if not self._by_name or (event_type in DEMAND and event_type not in self._named_types):
            return "primary"
        role = None
        for authority in self._by_source.get(source, ()):
            if authority.types is not None and event_type not in authority.types:
                continue
            if (
                location is not None
                and authority.locations is not None
                and location not in authority.locations
            ):
                continue
            if authority.role == "primary":
                return "primary"
            role = "secondary"
        return role

    def who_may(self, event_type: str, location: str | None) -> list[str]:
        """The sources that may say it, for messages; at most ten."""
        sources = sorted(self._by_source)
        return [s for s in sources if self.role_of(s, event_type, location) is not None][:10]
