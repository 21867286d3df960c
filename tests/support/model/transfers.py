"""Transfers: their postings are a function of their totals (ruling 7)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from .book import Book, Shelf


@dataclass
class Transfer:
    """What was told of one transfer, and what has been posted for it so far."""

    dispatches: list[dict] = field(default_factory=list)
    receipts: list[dict] = field(default_factory=list)
    remainder: str | None = None  # set when closed
    posted: Counter[Shelf] = field(default_factory=Counter)

    def over_received(self) -> bool:
        """More came than was sent: a discrepancy, once a dispatch is known."""
        sent = sum(d["quantity"] for d in self.dispatches)
        came = sum(r["quantity"] for r in self.receipts)
        return bool(self.dispatches) and came > sent

    def postings(self) -> Counter[Shelf]:
        """Every account of the transfer, from its totals alone."""
        shelves: Counter[Shelf] = Counter()
        transit: Counter[str] = Counter()
        for d in self.dispatches:
            shelves[d.get("bucket", "on_hand"), d["from"]] -= d["quantity"]  # Ruling 30.
            transit[d["to"]] += d["quantity"]
        planned = [d["to"] for d in self.dispatches]
        for r in self.receipts:
            shelves[r.get("condition", "on_hand"), r["location"]] += r["quantity"]
            # In transit = dispatched - received, signed; what is received elsewhere is taken from
            # the planned place. Before any dispatch the place is unknown: owed where it arrived.
            elsewhere = planned and r["location"] not in planned
            transit[planned[0] if elsewhere else r["location"]] -= r["quantity"]
        rest = sum(transit.values())
        if self.remainder == "lost":
            shelves["lost", ""] += rest
            transit.clear()
        elif self.remainder == "returned_to_source" and self.dispatches:
            # Without a dispatch the source is not known yet: the rest stays owed in transit.
            first = self.dispatches[0]
            shelves[first.get("bucket", "on_hand"), first["from"]] += rest
            transit.clear()
        for place, quantity in transit.items():
            shelves["in_transit", place] += quantity
        return shelves

    def restate(self, book: Book, occurred_us: int) -> None:
        """Post the difference. Choice: all of it occurred when the event that told it did."""
        now = self.postings()
        for shelf in sorted(now.keys() | self.posted.keys()):
            delta = now[shelf] - self.posted[shelf]
            if delta:
                book.post(*shelf, delta, occurred_us)
        self.posted = now
