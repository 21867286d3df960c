"""Many SKUs' stock in one file: ``POST /feeds``, carried out later, and its report.

A feed is RECEIVED, INPROGRESS, then PROCESSED ("nothing is implied about the status of the
individual elements") or ERROR ("no elements within the feed were processed"). The report has one
status for each item: SUCCESS, DATA_ERROR, SYSTEM_ERROR, TIMEOUT_ERROR, or INPROGRESS.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from stockfold.channels.port import Purpose, Request, Response, Shown, StockUpdate
from stockfold.channels.walmart import errors
from stockfold.channels.walmart.options import WalmartOptions
from stockfold.channels.walmart.writes import quantity_of

PATH = "/feeds"
FILE = "inventory.json"
SUCCESS = "SUCCESS"
IN_PROGRESS = "INPROGRESS"
UNDER_WAY = ("RECEIVED", IN_PROGRESS)
Content = Callable[[StockUpdate], Shown]


def build(
    options: WalmartOptions, updates: Sequence[StockUpdate], to_show: Content, bytes_max: int
) -> Request | None:
    """The feed of the first of these, as many as fit; None where not one does."""
    nodes = bool(to_show(updates[0]).locations)
    head, tail = _frame(options, nodes=nodes)
    size = len(head) + len(tail)
    items: list[bytes] = []
    for update in updates:
        item = msgspec.json.encode(_item(update, to_show(update)))
        size += len(item) + 1
        if size > bytes_max:
            break
        items.append(item)
    if not items:
        return None
    kind = options.node_feed_type if nodes else options.feed_type
    body, content_type = _multipart(head + b",".join(items) + tail)
    return Request(
        Purpose.WRITE,
        "POST",
        f"{options.base_path}{PATH}",
        tuple(updates[: len(items)]),
        (("feedType", kind),),
        headers=(("content-type", content_type),),
        body=body,
    )


def _frame(options: WalmartOptions, *, nodes: bool) -> tuple[bytes, bytes]:
    """What goes around the items. The two kinds of feeds write their names differently."""
    head, items = ("inventoryHeader", "inventory") if nodes else ("InventoryHeader", "Inventory")
    version = options.node_feed_version if nodes else options.feed_version
    around = msgspec.json.encode({head: {"version": version}, items: []})
    return around[:-2], around[-2:]


def _item(update: StockUpdate, shown: Shown) -> dict[str, Any]:
    if not shown.locations:
        return {"sku": update.sku, "quantity": quantity_of(shown.quantity)}
    nodes = [{"shipNode": node, "quantity": quantity_of(n)} for node, n in shown.locations]
    return {"sku": update.sku, "shipNodes": nodes}


def _multipart(content: bytes) -> tuple[bytes, str]:
    """The content as a form's file, and its content type (RFC 7578)."""
    boundary = hashlib.sha256(content).hexdigest()
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{FILE}"\r\n'
        "Content-Type: application/json\r\n\r\n"
    )
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def accepted_as(answer: Response) -> str | None:
    """The id that an accepted feed was given; None for anything else."""
    tree = errors.object_of(answer)
    feed_id = None if tree is None else tree.get("feedId")
    return feed_id if isinstance(feed_id, str) and feed_id else None


def feed_path(base: str, feed_id: str) -> str:
    """Where a feed's report is; its id holds an ``@``."""
    return f"{base}{PATH}/{quote(feed_id, safe='')}"


class Item(msgspec.Struct, frozen=True):
    """What became of one item of a feed."""

    status: str
    error: errors.Told = errors.Told()


class Report(msgspec.Struct, frozen=True):
    """One page of a feed's report. ``received`` is how many items the feed has in all."""

    status: str
    received: int
    items: tuple[tuple[str, Item], ...]
    error: errors.Told

    @property
    def is_under_way(self) -> bool:
        """Whether it is still to be carried out, at least in part."""
        return self.status in UNDER_WAY


def report(answer: Response) -> Report | None:
    """A report; None for anything else."""
    tree = errors.object_of(answer)
    if tree is None or not isinstance(tree.get("feedStatus"), str):
        return None
    details = tree.get("itemDetails")
    rows = details.get("itemIngestionStatus") if isinstance(details, Mapping) else None
    items = [
        (str(row.get("sku")), Item(str(row.get("ingestionStatus")).upper(), _ingestion(row)))
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, Mapping)
    ]
    received = tree.get("itemsReceived")
    return Report(
        tree["feedStatus"].upper(),
        received if isinstance(received, int) else len(items),
        tuple(items),
        _ingestion(tree),
    )


def _ingestion(tree: Mapping[str, Any]) -> errors.Told:
    inner = tree.get("ingestionErrors")
    listed = inner.get("ingestionError") if isinstance(inner, Mapping) else None
    return errors.told({"errors": listed}) if isinstance(listed, list) else errors.Told()
