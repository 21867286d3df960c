"""Everything the model knows of one SKU, and what may be promised from it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from .book import Book
from .inbounds import Inbounds
from .lines import Allocation, Line, Reservation
from .log import Log
from .transfers import Transfer


@dataclass
class Fence:
    quantity: int
    priority: int
    revision: int


@dataclass
class Limit:
    quantity: int | None
    revision: int


@dataclass
class Parked:
    """An input that waits for an entity it names: ("reservation" | "allocation", id)."""

    waits_for: list[tuple[str, str]]
    event_type: str
    body: dict


@dataclass
class State:
    """Both books, and the entities that move them."""

    book: Book = field(default_factory=Book)
    inbounds: Inbounds = field(default_factory=Inbounds)
    transfers: dict[str, Transfer] = field(default_factory=dict)
    returned: Counter[tuple[str, str]] = field(default_factory=Counter)
    lines: dict[tuple[str, str], Line] = field(default_factory=dict)
    reservations: dict[str, Reservation] = field(default_factory=dict)
    allocations: dict[str, Allocation] = field(default_factory=dict)
    fences: dict[str, Fence] = field(default_factory=dict)
    limits: dict[str, Limit] = field(default_factory=dict)
    parked: list[Parked] = field(default_factory=list)
    log: Log = field(default_factory=Log)
    turns: int = 0  # numbers the moments at which units began to wait

    def line(self, order: str, line: str) -> Line:
        return self.lines.setdefault((order, line), Line(order, line))

    def line_of(self, thing: Reservation | Allocation) -> Line:
        return self.lines[thing.order, thing.line]

    def unpark(self, kind: str, name: str, *event_types: str) -> list[Parked]:
        """Take out what waits for an entity, in order of arrival; of the named types if any."""
        found = [
            p
            for p in self.parked
            if (kind, name) in p.waits_for and (not event_types or p.event_type in event_types)
        ]
        self.parked = [p for p in self.parked if p not in found]
        return found

    # What has been promised --------------------------------------------------------------------

    def claims(self) -> dict[tuple[str, str], tuple[int, int]]:
        """(reserved, allocated) per (location, channel)."""
        soft: Counter[tuple[str, str]] = Counter()
        hard: Counter[tuple[str, str]] = Counter()
        for line in self.lines.values():
            for place, quantity in line.reserved.items():
                soft[place, line.channel] += quantity
            for allocation in line.allocations:
                hard[allocation.location, line.channel] += allocation.open
        keys = sorted(soft.keys() | hard.keys())
        return {k: (soft[k], hard[k]) for k in keys if soft[k] or hard[k]}

    def claimed(self, channel: str) -> int:
        """Reserved + allocated of one channel: what uses up its fence."""
        return sum(r + a for (_, c), (r, a) in self.claims().items() if c == channel)

    def backordered(self, channel: str) -> int:
        return sum(ln.backordered for ln in self.lines.values() if ln.channel == channel)

    # What may be promised ----------------------------------------------------------------------

    def atp(self) -> Counter[str]:
        """on_hand - allocated - reserved per location, signed (Two books)."""
        result: Counter[str] = Counter()
        for (bucket, place), level in self.book.levels.items():
            if bucket == "on_hand":
                result[place] += level
        for (place, _), (reserved, allocated) in self.claims().items():
            result[place] -= reserved + allocated
        return result

    def oversold(self) -> Counter[str]:
        """Allocated beyond on_hand per location, where anything is allocated (Two books)."""
        hard: Counter[str] = Counter()
        for (place, _), (_reserved, allocated) in self.claims().items():
            hard[place] += allocated
        result = {p: n - max(self.book.levels["on_hand", p], 0) for p, n in hard.items()}
        return Counter({p: n for p, n in result.items() if n > 0 and hard[p] > 0})

    def pool(self) -> int:
        """ATP per SKU: a negative location hides no stock elsewhere (Two books)."""
        return sum(max(n, 0) for n in self.atp().values())

    def deficit(self) -> int:
        """Reported beside it, never netted away."""
        return sum(max(-n, 0) for n in self.atp().values())

    def granted(self) -> dict[str, int]:
        """Ruling 4: each fence is granted min(unused, pool left), higher priority first."""
        left = self.pool()
        result = {}
        for channel, fence in sorted(self.fences.items(), key=lambda f: (-f[1].priority, f[0])):
            unused = max(fence.quantity - self.claimed(channel), 0)
            result[channel] = min(unused, left)
            left -= result[channel]
        return result

    def cap(self, channel: str) -> int:
        """A channel may take the pool less what is granted to others (ruling 4)."""
        others = sum(n for c, n in self.granted().items() if c != channel)
        return self.pool() - others

    def room(self, channel: str) -> int | None:
        """Units that may still be backordered by a channel; None is no limit (ruling 19)."""
        limit = self.limits.get(channel)
        if limit is None or limit.quantity is None:
            return None
        return max(limit.quantity - self.backordered(channel), 0)
