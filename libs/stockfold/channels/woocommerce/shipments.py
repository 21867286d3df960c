"""A parcel written to the shop's order, once: carrier, tracking, and our correlation id.

WooCommerce's REST API v3 has no field for tracking (its order fulfilments are recent and behind a
feature flag), so it goes where shops look for it: the order's metadata, under keys that the
settings name, and a note if that is wanted.

Idempotent by the shipment: one that was cut off anywhere goes on where it stopped. A note is
written first and known again by the token in it; then one change sets metadata and status, and the
token in ``_stockfold_shipments`` says that all of it is done. Parcels add up: the same metadata
holds what each of them held, so that the order is complete when every line has left.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from stockfold.channels.orders import NotWholeError, whole
from stockfold.channels.parcels import Parcel
from stockfold.channels.port import Failure, Request, Response
from stockfold.channels.woocommerce import answers, asking, order_meta
from stockfold.channels.woocommerce.asking import Conversation, NotThereError, get, send
from stockfold.channels.woocommerce.order_meta import CORRELATION_KEY
from stockfold.domain.errors import ContractError
from stockfold.domain.times import SECOND_US

MARKS_KEY = "_stockfold_shipments"
COMPLETED_FROM = ("processing",)
"""An order that waits for something, or has ended, keeps its status."""
_PASSING = (401, 403, 404, 408, 429)
_SEPARATOR = ", "


class TrackingTerms(msgspec.Struct, frozen=True):
    """Where a shop wants to see it; an empty key is not written.

    ``items_key`` takes a list as the Shipment Tracking plugins keep it
    (``_wc_shipment_tracking_items``). ``complete``: the order is completed with its last parcel.
    """

    carrier_key: str = ""
    number_key: str = ""
    url_key: str = ""
    items_key: str = ""
    note: Literal["none", "private", "customer"] = "none"
    complete: bool = False


class Written(msgspec.Struct, frozen=True):
    """What was done. ``status`` is the order's status afterwards."""

    status: str
    was_done: bool
    note_added: bool = False
    completed: bool = False


def write_parcel(parcel: Parcel, terms: TrackingTerms) -> Conversation[Written]:
    """Write a parcel to its order; the same shipment again changes nothing.

    ContractError ``shipment_refused`` when the shop will never take it: it has no such order, or
    calls the change wrong. NotServedError when it does not serve: ask again later.
    """
    if not (parcel.order.isascii() and parcel.order.isdecimal()):
        raise _refused(parcel, "orders of WooCommerce have numbers")
    path = f"orders/{parcel.order}"
    tree = yield from _object(
        parcel, get(path, ("_fields", "id,status,line_items,meta_data")), "the order"
    )
    status, meta = str(tree.get("status", "")), order_meta.read(tree)
    marks = order_meta.words(meta, MARKS_KEY)
    if parcel.token in {mark.partition("=")[0] for mark in marks}:
        return Written(status, was_done=True)
    told = False
    if terms.note != "none":
        told = yield from _tell(parcel, path, customer=terms.note == "customer")
    marks = [*marks, _mark(parcel)]
    completes = terms.complete and status in COMPLETED_FROM and _all_left(tree, marks)
    change: dict[str, Any] = {"meta_data": list(_metadata(parcel, terms, meta, marks))}
    if completes:
        change["status"] = "completed"
    tree = yield from _object(parcel, send("PUT", path, change), "the change")
    return Written(str(tree.get("status", "")), False, told, completes)


def sentence(parcel: Parcel) -> str:
    """What a note says of a parcel."""
    parts = [f"Parcel {parcel.shipment}"]
    parts += [f"with {parcel.carrier}"] if parcel.carrier else []
    parts += [f"tracking number {parcel.tracking_number}"] if parcel.tracking_number else []
    parts += [parcel.tracking_url] if parcel.tracking_url else []
    return f"{_SEPARATOR.join(parts)} (ref {parcel.token})"


def _tell(parcel: Parcel, path: str, *, customer: bool) -> Conversation[bool]:
    """Add a note, unless it is there; whether it was added."""
    kind = "customer" if customer else "internal"
    request = get(f"{path}/notes", ("type", kind))
    answer = yield request
    notes = _read(parcel, request, answer, "the notes")
    if not isinstance(notes, list):
        raise asking.not_understood(request, answer)
    mark = f"(ref {parcel.token})"
    if any(isinstance(one, dict) and mark in str(one.get("note", "")) for one in notes):
        return False
    body = {"note": sentence(parcel), "customer_note": customer}
    yield from _object(parcel, send("POST", f"{path}/notes", body), "the note")
    return True


def _metadata(
    parcel: Parcel, terms: TrackingTerms, meta: Mapping[str, Any], marks: Sequence[str]
) -> Iterator[dict[str, Any]]:
    yield {"key": MARKS_KEY, "value": " ".join(marks)}
    yield from order_meta.added(meta, CORRELATION_KEY, parcel.mark)
    for key, value in (
        (terms.carrier_key, parcel.carrier),
        (terms.number_key, parcel.tracking_number),
        (terms.url_key, parcel.tracking_url),
    ):
        before = str(meta.get(key) or "")
        listed = before.split(_SEPARATOR) if before else []
        if key and value and value not in listed:
            yield {"key": key, "value": _SEPARATOR.join([*listed, value])}
    if terms.items_key:
        items = meta.get(terms.items_key)
        # PHP tells a list with a gap in its numbers as an object.
        listed = list(items.values()) if isinstance(items, dict) else items or []
        kept = listed if isinstance(listed, list) else []
        yield {"key": terms.items_key, "value": [*kept, _item(parcel)]}


def _item(parcel: Parcel) -> dict[str, Any]:
    """An entry as the plugins keep it; a carrier that they do not know is a custom one."""
    digest = hashlib.sha256(parcel.token.encode()).hexdigest()
    return {
        "tracking_provider": "",
        "custom_tracking_provider": parcel.carrier,
        "custom_tracking_link": parcel.tracking_url,
        "tracking_number": parcel.tracking_number,
        "date_shipped": str(parcel.shipped_at_us // SECOND_US),
        "tracking_id": digest[:32],
    }


def _mark(parcel: Parcel) -> str:
    """The token and what was inside: ``token=12*1,13*2``."""
    inside = ",".join(f"{line}*{quantity}" for line, quantity in parcel.lines)
    return f"{parcel.token}={inside}"


def _all_left(tree: Mapping[str, Any], marks: Sequence[str]) -> bool:
    """Whether the parcels held every unit of every line, but for what was restocked."""
    left: dict[str, int] = {}
    for mark in marks:
        for part in filter(None, mark.partition("=")[2].split(",")):
            line, _, units = part.rpartition("*")
            left[line] = left.get(line, 0) + (int(units) if units.isdecimal() else 0)
    lines = tree.get("line_items")
    if not isinstance(lines, list) or not lines:
        return False
    try:
        return all(
            left.get(str(line.get("id")), 0)
            >= whole(line.get("quantity"))
            - whole(order_meta.read(line).get("_restock_refunded_items", 0))
            for line in lines
        )
    except NotWholeError:
        return False


def _object(parcel: Parcel, request: Request, what: str) -> Conversation[dict[str, Any]]:
    answer = yield request
    tree = _read(parcel, request, answer, what)
    if not isinstance(tree, dict):
        raise asking.not_understood(request, answer)
    return tree


def _read(parcel: Parcel, request: Request, answer: Response | Failure, what: str) -> Any:
    """``asking.read``, but what WooCommerce itself calls wrong is refused for good."""
    if isinstance(answer, Response) and 400 <= answer.status < 500:
        code, message = answers.code_and_message(answer.body)
        if code and answer.status not in _PASSING:
            raise _refused(parcel, f"the shop refuses {what}: {code}: {message}")
    try:
        return asking.read(request, answer, asking.NO_ORDER)
    except NotThereError:
        raise _refused(parcel, "the shop has no such order") from None


def _refused(parcel: Parcel, why: str) -> ContractError:
    return ContractError(
        "shipment_refused",
        f"shipment {parcel.shipment} of order {parcel.order}: {why}",
        where=f"order {parcel.order}",
        remedy="Check the order's id; a correction needs a shipment of another name.",
    )
