"""Orders that are over: when one may leave memory, and what stays known of it for ever.

Of a forgotten order its revision stays, and what its content was, so that it is neither reserved
nor shipped a second time however late it is told again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from stockfold.orders.facts import Forgotten
from stockfold.orders.lifecycle import FULFILLED, LAPSED, NEW, REJECTED, RELEASED
from stockfold.orders.state import OrderState

ENDED = frozenset({FULFILLED, LAPSED, REJECTED, RELEASED})
_write = msgspec.json.Encoder().encode

Rows = Iterable[tuple[Any, ...]]


def is_finished(state: OrderState) -> bool:
    """Nothing of it is open, waited for or to be settled by a person."""
    if state.order is None:
        # Only a review of an order that never came.
        return state.status == NEW and not state.suspended
    return (
        state.status in ENDED
        and not state.suspended
        and not state.fresh
        and not any(demand.open or demand.pending for demand in state.demands)
        and not any(case.state != "closed" for case in state.cases.values())
    )


def forget(state: OrderState) -> Forgotten:
    """The fact that lets a finished order go."""
    order = state.order
    if order is None:
        return Forgotten(-1, 0)
    return Forgotten(
        order.revision,
        _fingerprint(
            order.told,
            ((line.line, line.quantity, line.shipped, line.restocked) for line in order.lines),
            ((parcel.line, parcel.quantity) for parcel in order.parcels),
            ((agreed.name, agreed.line, agreed.quantity) for agreed in order.authorised),
        ),
    )


def fingerprint_of(body: Mapping[str, Any]) -> int:
    """The same of what is told, an OrderChanged record, without asking what its items are."""
    return _fingerprint(
        body["status"],
        (
            (row["line"], row["quantity"], row["shipped"], min(row["restocked"], row["quantity"]))
            for row in body["lines"]
        ),
        (
            (row["line"], row["quantity"])
            for parcel in body["fulfilments"]
            for row in parcel["lines"]
        ),
        (
            (row["return_authorisation"], row["line"], row["quantity"])
            for row in body["return_authorisations"]
        ),
    )


def _fingerprint(told: str, lines: Rows, parcels: Rows, authorised: Rows) -> int:
    """64 bits of all that an order's content may move."""
    text = _write((told, list(lines), list(parcels), list(authorised)))
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")
