"""An order on hold in the shop, with a note for whoever works there: for orders we cannot serve.

Idempotent by the case: a hold that was cut off anywhere goes on where it stopped. The note is
written first and known again by the case's token in it; then one change sets the status and the
order's metadata, which says that all of it is done. The token is a hash, because a case names a
SKU, and what WordPress keeps of quotes, backslashes and blanks is another matter.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from stockfold.channels.parcels import word_of
from stockfold.channels.woocommerce import asking, order_meta
from stockfold.channels.woocommerce.asking import Conversation, get, send

META_KEY = "_stockfold_hold"
HELD_FROM = ("processing", "pending")
"""An order that is finished, or that somebody has stopped already, keeps its status."""


class Held(msgspec.Struct, frozen=True):
    """What was done. ``status`` is the order's status afterwards."""

    status: str
    was_done: bool
    note_added: bool
    put_on_hold: bool


def hold(order: str, case: str, note: str, correlation: str) -> Conversation[Held]:
    """Put an order on hold and add a private note; again for the same case changes nothing.

    ``order`` is the shop's id, ``correlation`` what it is followed by through our systems. The note
    carries no personal data: write SKUs and quantities. NotThereError when the shop has no such
    order; NotServedError when it does not serve: ask again later.
    """
    path = f"orders/{order}"
    tree = yield from _object(get(path, ("_fields", "id,status,meta_data")))
    status = str(tree.get("status", ""))
    meta = order_meta.read(tree)
    token, tokens = token_of(case), order_meta.words(meta, META_KEY)
    if token in tokens:
        return Held(status, was_done=True, note_added=False, put_on_hold=False)
    mark = f"[stockfold {token}]"
    request = get(f"{path}/notes", ("type", "internal"))
    answer = yield request
    notes = asking.read(request, answer)
    if not isinstance(notes, list):
        raise asking.not_understood(request, answer)
    told = any(isinstance(one, dict) and mark in str(one.get("note", "")) for one in notes)
    if not told:
        body = {"note": f"{note} {mark}", "customer_note": False}
        yield from _object(send("POST", f"{path}/notes", body))
    stops = status in HELD_FROM
    entries = [
        *order_meta.added(meta, META_KEY, token),
        *order_meta.added(meta, order_meta.CORRELATION_KEY, word_of(correlation)),
    ]
    change: dict[str, Any] = {"meta_data": entries}
    if stops:
        change["status"] = "on-hold"
    tree = yield from _object(send("PUT", path, change))
    return Held(str(tree.get("status", "")), was_done=False, note_added=not told, put_on_hold=stops)


def token_of(case: str) -> str:
    """What stands for a case in the shop."""
    return hashlib.sha256(case.encode()).hexdigest()[:16]


def _object(request: Any) -> Conversation[dict[str, Any]]:
    answer = yield request
    tree = asking.read(request, answer, asking.NO_ORDER)
    if not isinstance(tree, dict):
        raise asking.not_understood(request, answer)
    return tree
