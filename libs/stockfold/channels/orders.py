"""A shop's order as every channel's reader tells it: "order N is now like this".

No personal data: what a reader does not name here is not kept. Readers never raise on a line that
makes no sense; the line says what is wrong with it, so that the rest of the order is not held up.
"""

from __future__ import annotations

import enum
import hashlib
import re
from typing import Any

import msgspec

from stockfold.domain.errors import ContractError
from stockfold.domain.times import SECOND_US

QUANTITY_MAX = 10**12
SETTLED = SECOND_US - 1
"""The tie-break of a reading that was made when its second had long passed."""
_RANKED_US = 100_000
_STEP_US = 1_000
_STEPS_MAX = 99
_RATE_MAX = 10_000_000
_WHOLE = re.compile(r"\s*[+-]?\d{1,16}(\.0*)?\s*", re.ASCII)
_NUMBER = re.compile(r"\s*[+-]?\d+(\.\d*)?\s*", re.ASCII)


class OrderStatus(enum.Enum):
    """What a shop says of an order, in our words."""

    DRAFT = "draft"
    PENDING = "pending"
    FAILED = "failed"
    ON_HOLD = "on_hold"
    PROCESSING = "processing"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    DELETED = "deleted"


_RANK = {status: rank for rank, status in enumerate(OrderStatus)}


class Tax(msgspec.Struct, frozen=True):
    """One tax that a line bears: the shop's code for it, empty when it has none; rate in ppm."""

    code: str
    rate_ppm: int = 0
    included: bool = True


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line as it is now.

    ``code`` is the SKU as the shop writes it, empty when it has none; ``product`` the shop's own id
    of what was sold. ``quantity`` is what was ordered, refunded units included. ``shipped`` are the
    units that the shop counts as gone, less those that came back. ``restocked`` are the refunded
    units that the shop has put back on sale: of one that had not shipped the claim ends, of one
    that had, a return is expected. ``problem`` tells why the numbers are not to be used; they are
    zero then.
    """

    line: str
    code: str
    product: str
    quantity: int = 0
    shipped: int = 0
    refunded: int = 0
    restocked: int = 0
    taxes: tuple[Tax, ...] = ()
    problem: str = ""


class ChannelOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One order as it is now; times are UTC microseconds.

    ``revision`` rises with every change of the order (see ``revision_of``). ``accepted`` when the
    shop has sold it already, whatever we decide. ``hold_until`` is when the shop gives up holding
    an unpaid order's units; None when nothing is held for a time.
    """

    channel: str
    order: str
    revision: int
    occurred_at: int
    created_at: int
    status: OrderStatus
    accepted: bool
    hold_until: int | None = None
    lines: tuple[OrderLine, ...] = ()

    @property
    def event_id(self) -> str:
        """The same for the same order, moment of change and content, however often it is told."""
        told = msgspec.structs.replace(self, occurred_at=0)
        digest = hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:32]
        return f"{self.order}/{self.revision}/{digest}"


def revision_of(order: ChannelOrder, *, settled: bool) -> int:
    """The revision of an order that last changed at ``occurred_at``.

    Shops date changes by the second, so two states may share one. A reading that is ``settled``,
    made long after that second, is its last state and wins. Of the others the one further on in
    an order's life wins, then the one with more restocked, then an arbitrary one, the same for all.
    """
    second_us = order.occurred_at // SECOND_US * SECOND_US
    if settled:
        return second_us + SETTLED
    steps = sum(line.shipped + line.refunded + line.restocked for line in order.lines)
    digest = hashlib.sha256(msgspec.json.encode(order)).digest()
    return (
        second_us
        + _RANK[order.status] * _RANKED_US
        + min(steps, _STEPS_MAX) * _STEP_US
        + int.from_bytes(digest[:4], "big") % _STEP_US
    )


def rate_ppm(value: Any, per_unit: int) -> int:
    """A tax rate in millionths; 0 for what is no rate. ``per_unit`` is one unit of it in ppm."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return 0
    try:
        ppm = float(value) * per_unit
    except (ValueError, OverflowError):
        return 0
    return round(ppm) if 0 <= ppm <= _RATE_MAX else 0


class NotWholeError(ValueError):
    """A quantity that is no whole number of units, or no number."""


def whole(value: Any, name: str = "quantity") -> int:
    """A quantity as shops write it: 2, 2.0, "2", "2.00"; NotWholeError says what it is instead.

    Nothing is rounded: a shop that sells 1.5 needs a unit that stockfold can count.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise NotWholeError(f"{name} is no number")
    shown = str(value)[:40]
    if not _WHOLE.fullmatch(shown):
        what = "no whole number of units" if _NUMBER.fullmatch(shown) else "no number"
        raise NotWholeError(f"{name} {shown!r} is {what}")
    number = int(shown.partition(".")[0])
    if not 0 <= number <= QUANTITY_MAX:
        raise NotWholeError(f"{name} {shown!r} is not between 0 and 10^12")
    return number


def text(value: Any, characters_max: int = 255) -> str:
    """A short text or number as text without blanks around it; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    shown = str(value).strip()
    return shown if len(shown) <= characters_max else ""


def unreadable(what: str, where: str, remedy: str) -> ContractError:
    """A payload that is no order; nothing of its content is repeated."""
    return ContractError("unreadable_order", what, where=where, remedy=remedy)
