"""What is known of one order: the fold of its facts."""

from __future__ import annotations

import msgspec

from stockfold.orders.lifecycle import NEW
from stockfold.orders.words import Order, ledger_order


class Command(msgspec.Struct, frozen=True, array_like=True):
    """What the ledger was asked. ``gives_back`` are soft units; None for all that is open."""

    kind: str
    gives_back: int | None = 0


class Demand(msgspec.Struct, array_like=True):
    """One ledger line: what was asked of it, and how the ledger told that it stands."""

    line: str
    sku: str
    ledger_line: str
    reservation: str = ""
    asked: int = 0
    attempt: int = 0
    """The attempt in which it was asked last."""
    given_back: int = 0
    """The attempt whose compensation has been asked."""
    kept: int = 0
    """Open units when the order last came to rest: compensation goes back to them."""
    expires_us: int = 0
    reserved: int = 0
    allocated: int = 0
    backordered: int = 0
    shipped: int = 0
    lapsed: bool = False
    ledger_seq: int = 0
    reason: str = ""
    home: str = ""
    """Where its units were held last."""
    places: tuple[tuple[str, int], ...] = ()
    final: bool = False
    ship_told: int = 0
    returned: int = 0
    pending: dict[str, Command] = msgspec.field(default_factory=dict)
    """Commands that wait for an answer, by event id, oldest first."""
    overdue: dict[str, Command] = msgspec.field(default_factory=dict)
    """Commands that are waited for no longer; the ledger will still hear them, in this order."""

    @property
    def soft(self) -> int:
        """Units that may be given back."""
        return self.reserved + self.backordered

    @property
    def open(self) -> int:
        """Units that are claimed or wait."""
        return self.soft + self.allocated

    @property
    def covers(self) -> int:
        """Units of the demand that are served."""
        return self.open + self.shipped


class Case(msgspec.Struct, array_like=True):
    """A case of an order; ``changed_us`` and ``opened_us`` are when orders recorded it."""

    case: str
    line: str
    sku: str
    missing: int
    reason: str
    owner: str
    state: str
    by: str
    opened_us: int
    changed_us: int


class OrderState:
    """One order. Changed by ``evolve`` alone."""

    __slots__ = (
        "_by_key",
        "_by_ledger_line",
        "asked_us",
        "asks",
        "at_us",
        "attempt",
        "authorised",
        "cases",
        "channel",
        "demands",
        "due_us",
        "expires_us",
        "fresh",
        "gave_up",
        "order",
        "order_id",
        "reason",
        "refused",
        "refused_us",
        "rounds",
        "seq",
        "silences",
        "status",
        "suspended",
        "suspended_body",
    )

    def __init__(self, channel: str, order_id: str) -> None:
        self.channel = channel
        self.order_id = order_id
        self.seq = 0
        self.at_us = 0
        """When the last fact was recorded, UTC microseconds."""
        self.status = NEW
        self.reason = ""
        self.order: Order | None = None
        self.expires_us = 0
        """When what is held is to lapse, UTC microseconds; 0 for never."""
        self.fresh = False
        """Whether the newest telling has not been acted on yet."""
        self.suspended = ""
        """What is missing before the newest telling can be read."""
        self.suspended_body: tuple[int, str] = (-1, "")
        self.refused = ""
        """Why a review has stopped the order; empty when none has."""
        self.refused_us = 0
        self.demands: list[Demand] = []
        self._by_key: dict[tuple[str, str], list[Demand]] = {}
        self._by_ledger_line: dict[tuple[str, str], Demand] = {}
        self.asks = 0
        self.asked_us = 0
        """When the ledger was asked last, UTC microseconds."""
        self.attempt = 0
        self.rounds = 0
        """Attempts since the order was told."""
        self.silences = 0
        """Attempts in a row that ended without an answer."""
        self.due_us = 0
        self.gave_up = False
        self.authorised: set[str] = set()
        self.cases: dict[str, Case] = {}

    @property
    def key(self) -> str:
        """The Kafka key."""
        return f"{self.channel}|{self.order_id}"

    @property
    def ledger_order(self) -> str:
        """The order's name in the ledger."""
        return ledger_order(self.channel, self.order_id)

    def of(self, line: str, sku: str) -> list[Demand]:
        """The demands of a line for a SKU, oldest first."""
        return self._by_key.get((line, sku), [])

    def demand(self, ledger_line: str, sku: str) -> Demand | None:
        """The demand of a ledger line."""
        return self._by_ledger_line.get((ledger_line, sku))

    def add(self, demand: Demand) -> None:
        """A ledger line that is asked for the first time."""
        self.demands.append(demand)
        self._by_key.setdefault((demand.line, demand.sku), []).append(demand)
        self._by_ledger_line[demand.ledger_line, demand.sku] = demand

    @property
    def is_pending(self) -> bool:
        """Whether an answer of the ledger is waited for."""
        return any(demand.pending for demand in self.demands)
