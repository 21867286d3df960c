"""What suppliers are expected to bring. Not physical."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass


@dataclass
class InboundLine:
    """One line of a purchase order or ASN. It is open while its revision is newer than a close."""

    location: str
    quantity: int
    eta: int | None
    revision: int
    closed_through: int | None = None

    @property
    def open(self) -> bool:
        return self.closed_through is None or self.revision > self.closed_through


@dataclass
class EarlyClose:
    """A close told before its line. ``first`` closes whichever revision comes first."""

    revision: int | None = None
    first: bool = False

    def add(self, revision: int | None) -> None:
        if revision is None:
            self.first = True
        else:
            self.revision = max(revision, self.revision if self.revision is not None else revision)


class Inbounds:
    """Inbound documents of one SKU."""

    def __init__(self) -> None:
        self.lines: dict[tuple[str, str], InboundLine] = {}
        self.received: Counter[tuple[str, str]] = Counter()
        self.received_without_line: Counter[str] = Counter()
        # Keyed by (inbound, line); line None is the whole document.
        self.early: dict[tuple[str, str | None], EarlyClose] = defaultdict(EarlyClose)

    def expect(self, body: dict) -> None:
        """A newer revision replaces the line, an older or equal one is ignored (Receipts)."""
        key = (body["inbound"], body["line"])
        old = self.lines.get(key)
        if old is not None and body["revision"] <= old.revision:
            return
        new = InboundLine(body["location"], body["quantity"], body.get("eta"), body["revision"])
        self.lines[key] = new
        if old is not None:
            new.closed_through = old.closed_through  # Ruling 36: a newer revision reopens.
            return
        for close in (self.early[key], self.early[key[0], None]):
            # Ruling 36: closed before it is known stays closed.
            self._close(new, close.revision)
            self._close(new, new.revision if close.first else None)

    def close(self, body: dict) -> None:
        """What remains is no longer expected; line None means every line (InboundClosed)."""
        inbound, line, revision = body["inbound"], body.get("line"), body.get("revision")
        if line is None or (inbound, line) not in self.lines:
            self.early[inbound, line].add(revision)
        for key, known in self.lines.items():
            if key[0] == inbound and line in {None, key[1]}:
                self._close(known, known.revision if revision is None else revision)

    @staticmethod
    def _close(line: InboundLine, through: int | None) -> None:
        if through is not None:
            known = line.closed_through
            line.closed_through = through if known is None else max(through, known)

    def receive(self, inbound: str, line: str | None, quantity: int) -> bool:
        """Count a receipt; True when it is more than was still expected (over-receipt)."""
        expected = self.remaining()
        if line is None:
            known = any(key[0] == inbound for key in self.lines)
            left = sum(n for key, n in expected.items() if key[0] == inbound)
            self.received_without_line[inbound] += quantity
        else:
            known = (inbound, line) in self.lines
            left = expected.get((inbound, line), 0)
            self.received[inbound, line] += quantity
        return known and quantity > left

    def remaining(self) -> dict[tuple[str, str], int]:
        """Units still expected of every open line, as a function of totals (ruling 15, lead).

        Receipts before the line count. Receipts without a line use up the earliest ETA, undated
        last, ties by line. Choice: a closed line uses up nothing of them.
        """
        left = Counter(self.received_without_line)
        result: dict[tuple[str, str], int] = {}
        for key, line in sorted(self.lines.items(), key=_earliest):
            if line.open:
                rest = max(line.quantity - self.received[key], 0)
                used = min(rest, left[key[0]])
                left[key[0]] -= used
                result[key] = rest - used
        return result


def _earliest(item: tuple[tuple[str, str], InboundLine]) -> tuple[bool, int, str]:
    (_, name), line = item
    return line.eta is None, line.eta or 0, name
