"""Our side of the story, each hop a step of its own: orders, ledger, availability."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from stockfold.channels.orders import ChannelOrder, OrderStatus
from stockfold_services.publisher.sales import Claim
from stockfold_services.publisher.wanted import Wanted
from tests.inflight.shop import Lines

HOLDS = (OrderStatus.PENDING,)


class Version(NamedTuple):
    """An availability, and each set of claims for which it was computed to be right."""

    wanted: Wanted
    claimed: list[Lines]


class Here:
    """Orders reach the ledger, the ledger's answers and positions go on, availability follows."""

    def __init__(self, stock: dict[str, int], ceiling: int | None) -> None:
        self.ceiling = ceiling
        self.on_hand = dict(stock)
        self.told: deque[ChannelOrder] = deque()
        self.commands: deque[tuple[str, str, str, int]] = deque()
        self.answers: list[Claim] = []
        self.positions: deque[tuple[str, int, int, Lines]] = deque()
        self.versions: list[Version] = []
        self._revisions: dict[str, int] = {}
        self._asked: dict[tuple[str, str], tuple[str, str, int]] = {}
        self._claims: dict[tuple[str, str, str], int] = {}
        self._seq = dict.fromkeys(stock, 0)
        self._shown: dict[str, int] = {}
        for sku in stock:
            self._position(sku)
            self.availability()

    # Orders.

    def orders(self) -> None:
        """Take in one order that was told: what is wanted of the ledger now."""
        order = self.told.popleft()
        if order.revision <= self._revisions.get(order.order, -1):
            return
        self._revisions[order.order] = order.revision
        wants = order.accepted or order.status in HOLDS
        for line in order.lines:
            units = line.quantity - line.restocked if wants else 0
            key = (order.order, line.line)
            ledger_line, _, asked = self._asked.get(key, (line.line, line.code, 0))
            if units and not asked and key in self._asked:
                ledger_line = _next_line(ledger_line)  # A line that was given up stays so.
            if units != asked:
                self._asked[key] = (ledger_line, line.code, units)
                self.commands.append((order.order, ledger_line, line.code, units))

    # The ledger.

    def ledger(self) -> None:
        """Decide one command."""
        order, ledger_line, sku, units = self.commands.popleft()
        self._claims[order, ledger_line, sku] = units
        self._position(sku)
        self.answers.append(Claim(order, ledger_line, sku, self._seq[sku], units))

    def move(self, sku: str, units: int) -> None:
        """A receipt, or a sale of another channel."""
        self.on_hand[sku] += units
        self._position(sku)

    def _position(self, sku: str) -> None:
        self._seq[sku] += 1
        claimed: Lines = {}
        for (order, ledger_line, of), units in self._claims.items():
            if of == sku:
                key = (order, ledger_line.partition("~")[0])
                claimed[key] = claimed.get(key, 0) + units
        atp = self.on_hand[sku] - sum(claimed.values())
        self.positions.append((sku, self._seq[sku], atp, claimed))

    # Availability.

    def availability(self) -> None:
        """Compute one position; tell it when the channel would see something new."""
        sku, seq, atp, claimed = self.positions.popleft()
        quantity = atp if self.ceiling is None else min(atp, self.ceiling)
        if self._shown.get(sku) == quantity:
            next(v for v in reversed(self.versions) if v.wanted.sku == sku).claimed.append(claimed)
            return
        self._shown[sku] = quantity
        number = len(self.versions)
        wanted = Wanted(sku, quantity, number + 1, 0, number, seq=seq)
        self.versions.append(Version(wanted, [claimed]))

    def shown(self, sku: str) -> int:
        """What the channel is to show in the end."""
        return max(self._shown[sku], 0)


def _next_line(ledger_line: str) -> str:
    line, _, number = ledger_line.partition("~")
    return f"{line}~{int(number or 1) + 1}"
