"""What the order journal records, and what may come in. Names are a storage format.

Facts that ask something of the ledger become its inputs: see ``contracts.order_commands``.
"""

from __future__ import annotations

import msgspec

from stockfold.orders.words import Order


class OrderTold(msgspec.Struct, frozen=True, tag=True):
    """The order is now like this. ``expires_us`` is when what is held lapses; 0 for never."""

    order: Order
    expires_us: int = 0


class OrderSuspended(msgspec.Struct, frozen=True, tag=True):
    """The order cannot be read into our words yet; ``body`` is what was told, as JSON."""

    revision: int
    missing: str
    body: str


class Reviewed(msgspec.Struct, frozen=True, tag=True):
    """A payment or fraud review: ``refused`` stops the order until it is cleared."""

    refused: bool
    reason: str
    at_us: int


class Asked(msgspec.Struct, frozen=True, tag=True):
    """A reservation was asked: ``units`` of the whole ledger line, in base units."""

    line: str
    sku: str
    ledger_line: str
    reservation: str
    units: int
    expires_us: int


class Extended(msgspec.Struct, frozen=True, tag=True):
    """Another expiry was asked; 0 for never."""

    sku: str
    ledger_line: str
    reservation: str
    expires_us: int


class Released(msgspec.Struct, frozen=True, tag=True):
    """So many soft units were given back; None for all."""

    sku: str
    ledger_line: str
    reservation: str
    units: int | None = None


class Cancelled(msgspec.Struct, frozen=True, tag=True):
    """The ledger line is over for good."""

    sku: str
    ledger_line: str


class Shipped(msgspec.Struct, frozen=True, tag=True):
    """The channel told that units have left."""

    sku: str
    ledger_line: str
    location: str
    units: int


class Returned(msgspec.Struct, frozen=True, tag=True):
    """The channel put units back into stock that had shipped."""

    sku: str
    ledger_line: str
    location: str
    units: int


class ReturnAgreed(msgspec.Struct, frozen=True, tag=True):
    """The customer may send units of a ledger line back."""

    name: str
    sku: str
    ledger_line: str
    units: int


class Answered(msgspec.Struct, frozen=True, tag=True):
    """The ledger told how a ledger line stands, at its own sequence number ``ledger_seq``.

    ``event_id`` is the command that it answers, if it is one of ours.
    """

    sku: str
    ledger_line: str
    status: str
    ledger_seq: int
    event_id: str = ""
    reason: str = ""
    reserved: int = 0
    allocated: int = 0
    backordered: int = 0
    shipped: int = 0
    places: tuple[tuple[str, int], ...] = ()


class Unanswered(msgspec.Struct, frozen=True, tag=True):
    """The ledger's answers are waited for no longer."""


class Weighed(msgspec.Struct, frozen=True, tag=True):
    """The newest telling has been acted on."""


class Moved(msgspec.Struct, frozen=True, tag=True):
    """The order went to another state of its life cycle. ``due_us``: when it is looked at again."""

    target: str
    reason: str
    due_us: int = 0


class CaseOpened(msgspec.Struct, frozen=True, tag=True):
    """A person must settle that units were sold which are not there."""

    case: str
    line: str
    sku: str
    missing: int
    reason: str
    owner: str


class CaseChanged(msgspec.Struct, frozen=True, tag=True):
    """A case has another owner, another size, or is closed."""

    case: str
    state: str
    owner: str
    missing: int
    reason: str
    by: str


class Forgotten(msgspec.Struct, frozen=True, tag=True):
    """The order was over for as long as finished orders are kept, and has left memory.

    ``revision`` is its last one, -1 when it was never told; ``content`` 64 bits of what it was.
    """

    revision: int
    content: int


Fact = (
    OrderTold
    | OrderSuspended
    | Reviewed
    | Asked
    | Extended
    | Released
    | Cancelled
    | Shipped
    | Returned
    | ReturnAgreed
    | Answered
    | Unanswered
    | Weighed
    | Moved
    | CaseOpened
    | CaseChanged
    | Forgotten
)


class CaseAction(msgspec.Struct, frozen=True):
    """What a person does about a case: ``assign``, ``close`` or ``note``."""

    case: str
    action: str
    owner: str
    reason: str
    by: str


class Tick(msgspec.Struct, frozen=True):
    """Time has passed."""


Given = OrderTold | OrderSuspended | Reviewed | Answered | CaseAction | Tick
"""What may come in; ``OrderTold.expires_us`` is left to the decision."""
