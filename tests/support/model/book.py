"""The physical book: where every unit is. Its accounts always sum to zero."""

from __future__ import annotations

from collections import Counter, defaultdict

BUCKETS = ("on_hand", "quality_hold", "damaged", "in_transit")
OUTSIDE = ("supplier", "customer", "lost", "scrapped", "adjustment")

Shelf = tuple[str, str]  # (bucket, location)


class Book:
    """Signed levels of buckets and outside accounts, with every movement remembered."""

    def __init__(self) -> None:
        self.levels: Counter[Shelf] = Counter()
        self.outside: dict[str, int] = dict.fromkeys(OUTSIDE, 0)
        self.movements: dict[Shelf, list[tuple[int, int]]] = defaultdict(list)
        self.counted_as_of: dict[Shelf, int] = {}

    def post(self, account: str, location: str, delta: int, occurred_us: int) -> None:
        """One leg of a movement. The caller posts the legs that make the sum zero."""
        if account in OUTSIDE:
            self.outside[account] += delta
            return
        shelf = (account, location)
        self.movements[shelf].append((occurred_us, delta))
        as_of = self.counted_as_of.get(shelf)
        if as_of is not None and occurred_us <= as_of:
            # Ruling 16: "occurred after" is strict. The movement is in the count already, so the
            # opposite correction rides with it: the shelf stays, the adjustment takes the units.
            self.outside["adjustment"] += delta
        else:
            self.levels[shelf] += delta

    def move(self, quantity: int, source: Shelf, target: Shelf, occurred_us: int) -> None:
        """Every physical fact moves a quantity between accounts (Two books)."""
        self.post(*source, -quantity, occurred_us)
        self.post(*target, quantity, occurred_us)

    def after(self, shelf: Shelf, as_of_us: int) -> int:
        """Net movements of a shelf that occurred after a time (StockCounted, ruling 16)."""
        return sum(delta for occurred, delta in self.movements[shelf] if occurred > as_of_us)

    def count(self, shelf: Shelf, counted: int, as_of_us: int) -> None:
        """The shelf becomes counted + movements that occurred after the count (StockCounted)."""
        level = counted + self.after(shelf, as_of_us)
        self.outside["adjustment"] -= level - self.levels[shelf]
        self.levels[shelf] = level
        self.counted_as_of[shelf] = as_of_us

    def total(self) -> int:
        """The sum over all accounts: always zero (property 1)."""
        return sum(self.levels.values()) + sum(self.outside.values())
