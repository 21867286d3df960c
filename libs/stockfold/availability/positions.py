"""The numbers of one SKU, as the ledger last told them."""

from __future__ import annotations

import msgspec


class LocationNumbers(msgspec.Struct, frozen=True, gc=False):
    """A SKU's numbers at one location, in units, signed (semantics.md, "Two books").

    ``claims`` are (channel, reserved, allocated); ``expected`` are (inbound, line, quantity,
    ETA in UTC microseconds or None, confidence in percent); ``seq`` is the number of the SKU's
    fact that they are as of.
    """

    on_hand: int = 0
    quality_hold: int = 0
    damaged: int = 0
    in_transit: int = 0
    reserved: int = 0
    allocated: int = 0
    atp: int = 0
    claims: tuple[tuple[str, int, int], ...] = ()
    expected: tuple[tuple[str, str, int, int | None, int], ...] = ()
    seq: int = 0


class Summary(msgspec.Struct, frozen=True, gc=False):
    """A SKU's numbers that have no location.

    ``backordered`` are (channel, units); ``fences`` are (channel, units, priority, revision);
    ``limits`` are (channel, units or None, revision); ``seq`` as of a location's numbers.
    """

    backordered: tuple[tuple[str, int], ...] = ()
    fences: tuple[tuple[str, int, int, int], ...] = ()
    limits: tuple[tuple[str, int | None, int], ...] = ()
    seq: int = 0


NO_SUMMARY = Summary()

Grants = tuple[int, list[tuple[str, int]]]
"""The pool, and what each channel's ring-fence is granted of it."""


class SkuPositions:
    """All that is known of one SKU: the latest record of each location, and of the SKU itself.

    ``seq`` is the highest sequence number of the SKU that any of them is as of. ``grants`` is kept
    for the next channel's answer until a number changes.
    """

    __slots__ = ("grants", "locations", "seq", "sku", "summary")

    def __init__(self, sku: str) -> None:
        self.sku = sku
        self.seq = 0
        self.locations: dict[str, LocationNumbers] = {}
        self.summary = NO_SUMMARY
        self.grants: Grants | None = None

    def put(self, location: str, numbers: LocationNumbers, seq: int) -> bool:
        """Take a location's latest numbers; False when later ones are known already.

        A cutover tells positions again beside the ledger, whose later ones stand.
        """
        known = self.locations.get(location)
        if known is not None and seq < known.seq:
            return False
        self.grants = None
        self.locations[location] = numbers
        self.seq = max(self.seq, seq)
        return True

    def put_summary(self, summary: Summary, seq: int) -> bool:
        """Take the SKU's latest summary; False when a later one is known already."""
        if seq < self.summary.seq:
            return False
        self.grants = None
        self.summary = summary
        self.seq = max(self.seq, seq)
        return True

    def remove(self, location: str) -> None:
        """Forget a location that the ledger has taken back; the SKU's summary when empty."""
        self.grants = None
        if location:
            self.locations.pop(location, None)
        else:
            self.summary = NO_SUMMARY
