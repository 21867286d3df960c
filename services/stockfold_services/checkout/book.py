"""What this process knows of reservations: a bounded memory of the ledger's answers.

Every instance follows the whole topic, so each knows all of them. A reservation that was not heard
of for long is forgotten here, never in the ledger.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Literal

import msgspec

from stockfold_services.checkout.names import LineName, fingerprint_in

State = Literal["pending", "held", "committed", "refused", "released", "expired", "partial"]
_RESERVE = "ReserveStock"


class Told(msgspec.Struct, frozen=True, gc=False):
    """One answer of the ledger about a line; an exception has ``status`` ``refused``."""

    name: LineName
    event_id: str
    command: str
    status: str
    reason: str = ""
    detail: str = ""
    available: int = 0
    sku: str = ""
    channel: str = ""
    order: str = ""
    line: str = ""
    partition: int = 0
    seq: int = 0
    reserved: int = 0
    allocated: int = 0
    shipped: int = 0
    places: tuple[tuple[str, int], ...] = ()
    expires_us: int = 0
    recorded_us: int = 0

    @property
    def holds(self) -> bool:
        """Whether the line holds, or has shipped, all of its units."""
        return self.reserved + self.allocated + self.shipped >= self.name.quantity

    @property
    def is_refusal(self) -> bool:
        """Whether a command was refused, in whole."""
        return self.status in ("refused", "rejected")


class LineKnown(msgspec.Struct):
    """A line by the newest answer; ``refusal`` is why it was never reserved."""

    told: Told
    refusal: Told | None = None
    is_settled: bool = False
    """Whether anything was said since it was reserved: of many lines, that all were."""

    @property
    def state(self) -> str:
        """In one word."""
        if self.refusal is not None:
            return "refused"
        if self.told.holds:
            return "held"
        return "released" if self.told.status in ("released", "cancelled") else "expired"


class Asked(msgspec.Struct, frozen=True, gc=False):
    """A line that the ledger was asked to reserve, by whichever instance."""

    name: LineName
    channel: str
    fingerprint: str


class Known(msgspec.Struct):
    """A reservation, with the lines that the ledger has spoken of, by place."""

    reservation: str
    count: int
    channel: str = ""
    fingerprint: str = ""
    lines: dict[int, LineKnown] = msgspec.field(default_factory=dict)

    def in_order(self) -> list[LineKnown]:
        """The known lines in SKU order."""
        return [self.lines[place] for place in sorted(self.lines)]

    @property
    def state(self) -> State:
        """The whole, from its lines."""
        lines = self.lines.values()
        held = [line for line in lines if line.state == "held"]
        if any(line.refusal is not None for line in lines):
            return "refused"
        if len(lines) < self.count:
            return "pending" if held or not lines else "expired"
        if len(held) == self.count:
            if self.count > 1 and not all(line.is_settled for line in lines):
                return "pending"
            return "held" if any(line.told.expires_us for line in lines) else "committed"
        if held:
            return "partial"
        return "released" if any(line.state == "released" for line in lines) else "expired"

    def position(self) -> str:
        """The SKUs' journal sequence numbers that this is as of, in SKU order."""
        return "-".join(str(line.told.seq) for line in self.in_order())

    def is_past(self, seqs: list[int]) -> bool:
        """Whether it is as of these numbers, or later."""
        lines = self.in_order()
        return len(lines) >= len(seqs) and all(
            line.told.seq >= seq for line, seq in zip(lines, seqs, strict=False)
        )


class Book:
    """The reservations, who waits for an answer, and how fresh all of it is. Of one event loop."""

    def __init__(self, reservations_max: int) -> None:
        self._reservations_max = reservations_max
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._asked: dict[str, asyncio.Future[Told]] = {}
        self._changes: dict[str, set[asyncio.Future[None]]] = {}
        self.complete_us: dict[int, int] = {}
        """By partition: all that was decided until then is known."""

    def __len__(self) -> int:
        return len(self._known)

    @property
    def waiting(self) -> int:
        """Futures that wait for the ledger."""
        return len(self._asked) + sum(map(len, self._changes.values()))

    def get(self, reservation: str) -> Known | None:
        """What is known of a reservation."""
        return self._known.get(reservation)

    def expect(self, event_id: str) -> asyncio.Future[Told]:
        """A future of the answer to a command. Who asks for it lets go of it by ``forget``."""
        future: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._asked[event_id] = future
        return future

    def forget(self, event_id: str) -> None:
        """Nobody waits for that answer any more."""
        self._asked.pop(event_id, None)

    async def change(self, reservation: str, timeout_s: float) -> bool:
        """Wait for the next answer about a reservation; False when none came in time."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._changes.setdefault(reservation, set())
        waiting.add(future)
        try:
            await asyncio.wait_for(future, timeout_s)
        except TimeoutError:
            return False
        else:
            return True
        finally:
            waiting.discard(future)
            if not waiting and self._changes.get(reservation) is waiting:
                del self._changes[reservation]

    def note(self, asked: Asked) -> None:
        """Take note that the ledger was asked: who polls elsewhere shall find it pending."""
        known = self._open(asked.name)
        known.channel, known.fingerprint = asked.channel, asked.fingerprint

    def _open(self, name: LineName) -> Known:
        known = self._known.get(name.reservation)
        if known is None:
            known = self._known[name.reservation] = Known(name.reservation, name.total)
            if len(self._known) > self._reservations_max:
                self._known.popitem(last=False)
        self._known.move_to_end(name.reservation)
        return known

    def take(self, told: Told) -> None:
        """Take an answer of the ledger."""
        _apply(self._open(told.name), told)
        asked = self._asked.get(told.event_id)
        if asked is not None and told.command and not asked.done():
            asked.set_result(told)
        for future in self._changes.get(told.name.reservation, ()):
            if not future.done():
                future.set_result(None)

    def age_ms(self, partitions: set[int], now_us: int) -> int | None:
        """How long ago everything about these partitions was known; None: never yet."""
        found = [self.complete_us.get(partition) for partition in partitions]
        if not found or None in found:
            return None
        return max(now_us - min(us for us in found if us is not None), 0) // 1000


def _apply(known: Known, told: Told) -> None:
    line = known.lines.get(told.name.place)
    known.channel = known.channel or told.channel
    if told.command == _RESERVE:
        known.fingerprint = fingerprint_in(told.event_id) or known.fingerprint
    if line is None:
        line = known.lines[told.name.place] = LineKnown(told)
    elif told.seq < line.told.seq:
        return  # Exceptions come by another topic: one may be read late.
    if told.is_refusal and told.command == _RESERVE:
        line.refusal = told
    elif told.command != _RESERVE:
        line.is_settled = True
    if told.status != "refused":
        line.told = told
