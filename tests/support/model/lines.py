"""Demand lines, reservations and allocations, and the helpers that draw units from them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Reservation:
    """A reservation command that was decided.

    ``live`` is choice: it is open until it expires, is rejected whole, another takes its line
    over, or its line has nothing open left. ``lapsed`` says that expiry ended it.
    """

    id: str
    order: str
    line: str
    channel: str
    quantity: int
    locations: list[str]
    allow_split: bool
    allow_partial: bool
    allow_backorder: bool
    priority: int
    expires_at: int | None
    live: bool = True
    lapsed: bool = False
    waiting_since: int = 0
    answer: tuple[str, int, str] = ("", 0, "")


@dataclass
class Allocation:
    """Units of a line committed to a location; ``open`` is what is not shipped or given up."""

    id: str
    order: str
    line: str
    location: str
    body: dict
    open: int = 0


@dataclass
class Line:
    """One demand line. Always: ordered + unordered = open + shipped + closed (ruling 2)."""

    order: str
    line: str
    ordered: int = 0
    unordered: int = 0
    backordered: int = 0
    shipped: int = 0
    cancelled: int = 0
    expired: int = 0
    rejected: int = 0
    reserved: dict[str, int] = field(default_factory=dict)
    allocations: list[Allocation] = field(default_factory=list)
    channel: str = ""  # Ruling 18: until known, its claims belong to no channel.
    over: bool = False  # OrderLineCancelled came: final (ruling 1).
    holder: Reservation | None = None  # the reservation that reserved and backordered belong to
    shipped_unallocated: int = 0  # shipped units that no allocation has met yet (ruling 3)

    @property
    def allocated(self) -> int:
        return sum(a.open for a in self.allocations)

    @property
    def soft(self) -> int:
        return sum(self.reserved.values()) + self.backordered

    @property
    def open(self) -> int:
        return self.soft + self.allocated

    @property
    def closed(self) -> int:
        return self.cancelled + self.expired + self.rejected

    def balance(self) -> int:
        """Zero, always (property 6)."""
        return self.ordered + self.unordered - self.open - self.shipped - self.closed

    def preference(self) -> list[str]:
        """Locations of reserved units, listed ones in order first, the others last by name."""
        listed = self.holder.locations if self.holder else []
        return [p for p in listed if self.reserved.get(p)] + sorted(
            p for p, n in self.reserved.items() if n and p not in listed
        )

    def take_reserved(self, quantity: int, places: list[str]) -> int:
        """Take up to quantity of the reserved units, places in order; how many it took."""
        left = quantity
        for place in places:
            part = min(left, self.reserved.get(place, 0))
            if part:
                self.reserved[place] -= part
                left -= part
        return quantity - left

    def take_allocated(self, quantity: int, allocations: list[Allocation]) -> int:
        """Take up to quantity of the open units of allocations in order; how many it took."""
        left = quantity
        for allocation in allocations:
            part = min(left, allocation.open)
            allocation.open -= part
            left -= part
        return quantity - left

    def take(self, quantity: int, *names: str) -> int:
        """Take up to quantity from plain counters such as cancelled, in order; how many."""
        left = quantity
        for name in names:
            part = min(left, getattr(self, name))
            setattr(self, name, getattr(self, name) - part)
            left -= part
        return quantity - left

    def add_reserved(self, held: dict[str, int]) -> None:
        for place, quantity in held.items():
            self.reserved[place] = self.reserved.get(place, 0) + quantity

    def settle(self) -> None:
        """A reservation whose line has nothing open is over (choice, see Reservation.live)."""
        if self.holder and not self.open:
            self.holder.live = False
