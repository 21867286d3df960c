"""Feeds: taken at once, carried out later, item by item."""

from __future__ import annotations

from typing import Any

import msgspec

from stockfold.channels.walmart.fake import parsing
from stockfold.channels.walmart.fake.answers import RefusedError
from stockfold.channels.walmart.fake.stock import Stock

BYTES_MAX = 5_000_000
"""5 MB a file; the sandbox takes 2 KB."""
ITEMS_MAX = 50_000
BEGINS_S = 20.0
"""Chosen, as is the next: the pages say that a feed may take 30 minutes."""
TAKES_S = 150.0
PAGE_MAX = 50
TYPES = {"inventory": "1.4", "MP_INVENTORY": "1.5"}


class Job(msgspec.Struct):
    """One feed. ``items`` are (SKU, units by node); ``wrong`` is why it cannot be read at all."""

    feed_id: str
    kind: str
    at_s: float
    items: list[tuple[str, list[tuple[str, int]]]]
    wrong: str = ""
    statuses: list[dict[str, Any]] = []


class Jobs:
    """All feeds of the seller, newest last."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock
        self._all: list[Job] = []
        self.items_most = 0

    def take(self, kind: str, content: bytes, now_s: float) -> Job:
        """Take a feed; RefusedError for one that is too large or of a type that there is not."""
        if kind not in TYPES:
            raise RefusedError(400, "INVALID_REQUEST_PARAM.GMP_GATEWAY_API", kind, "feedType")
        if len(content) > BYTES_MAX:
            raise RefusedError(413, "REQUEST_ENTITY_TOO_LARGE.GMP_GATEWAY_API", "above 5 MB")
        number = len(self._all) + 1
        job = Job(f"{number:032X}@AUoBAQA", kind, now_s, [])
        try:
            job.items = self._items(kind, content)
        except RefusedError as refused:
            job.wrong = str(refused)
        self.items_most = max(self.items_most, len(job.items))
        self._all.append(job)
        return job

    def _items(self, kind: str, content: bytes) -> list[tuple[str, list[tuple[str, int]]]]:
        if kind == "inventory":
            single = parsing.strictly(content, parsing.SingleFeed)
            found = [
                (one.sku, [(self._stock.nodes[0], one.quantity.amount)]) for one in single.Inventory
            ]
            version = single.InventoryHeader.version
        else:
            several = parsing.strictly(content, parsing.NodeFeed)
            found = [
                (one.sku, [(node.shipNode, node.quantity.amount) for node in one.shipNodes])
                for one in several.inventory
            ]
            version = several.inventoryHeader.version
        if version != TYPES[kind]:
            raise RefusedError(400, "INVALID", f"version {version} is not {TYPES[kind]}")
        if not 0 < len(found) <= ITEMS_MAX:
            raise RefusedError(400, "INVALID", f"{len(found)} items")
        return found

    def forget(self) -> None:
        """Feeds are kept for a while, and then not."""
        self._all.clear()

    def go_on(self, now_s: float) -> None:
        """Carry out what is due."""
        for job in self._all:
            if not job.wrong and not job.statuses and now_s >= job.at_s + BEGINS_S + TAKES_S:
                self.carry_out(job, len(job.items))

    def carry_out(self, job: Job, count: int) -> None:
        """Carry the first items out, each alone."""
        for index, (sku, units) in enumerate(job.items[:count]):
            row: dict[str, Any] = {"martId": 0, "sku": sku, "wpid": f"WP{index}", "index": index}
            try:
                answered = self._stock.set_nodes(sku, units)
                failed = [one["errors"][0] for one in answered if "errors" in one]
            except RefusedError as refused:
                failed = [refused.error]
            job.statuses.append(row | _ingestion(failed))

    def report(self, feed_id: str, offset: int, limit: int, now_s: float, *, detailed: bool) -> Any:
        """One page of a feed's report; RefusedError for a feed that there is not."""
        job = next((one for one in self._all if one.feed_id == feed_id), None)
        if job is None:
            raise RefusedError(404, "CONTENT_NOT_FOUND.GMP_GATEWAY_API", "no such feed", "feedId")
        if limit > PAGE_MAX:
            raise RefusedError(400, "INVALID_REQUEST_PARAM.GMP_GATEWAY_API", "above 50", "limit")
        page = job.statuses[offset : offset + limit] if detailed else []
        row = self._row(job, now_s)
        counts = {name: row[name] for name in row if name.startswith("items")}
        errors = (
            [_ingestion_error({"code": "ERR", "description": job.wrong})] if job.wrong else None
        )
        return {
            "feedId": feed_id,
            "feedStatus": row["feedStatus"],
            "feedSubmissionDate": row["feedDate"],
            "ingestionErrors": {"ingestionError": errors},
            **counts,
            "offset": offset,
            "limit": limit,
            "itemDetails": {"itemIngestionStatus": page},
        }

    def newest(self, offset: int, limit: int, now_s: float) -> Any:
        """The newest feeds."""
        if limit > PAGE_MAX:
            raise RefusedError(400, "INVALID_REQUEST_PARAM.GMP_GATEWAY_API", "above 50", "limit")
        newest = self._all[::-1][offset : offset + limit]
        return {
            "totalResults": len(self._all),
            "offset": offset,
            "limit": limit,
            "results": {"feed": [self._row(job, now_s) for job in newest]},
        }

    def _row(self, job: Job, now_s: float) -> dict[str, Any]:
        failed = sum(one["ingestionStatus"] != "SUCCESS" for one in job.statuses)
        received = 0 if job.wrong else len(job.items)
        return {
            "feedId": job.feed_id,
            "feedSource": "SELLER",
            "feedType": job.kind,
            "partnerId": "100009",
            "itemsReceived": received,
            "itemsSucceeded": len(job.statuses) - failed,
            "itemsFailed": failed,
            "itemsProcessing": received - len(job.statuses),
            "feedStatus": _status(job, now_s),
            "feedDate": int(job.at_s * 1_000),
        }


def _status(job: Job, now_s: float) -> str:
    if job.wrong:
        return "ERROR"
    if now_s < job.at_s + BEGINS_S:
        return "RECEIVED"
    return "PROCESSED" if len(job.statuses) == len(job.items) else "INPROGRESS"


def _ingestion(failed: list[dict[str, Any]]) -> dict[str, Any]:
    if not failed:
        return {"ingestionStatus": "SUCCESS", "ingestionErrors": {"ingestionError": None}}
    errors = [_ingestion_error(one) for one in failed]
    return {"ingestionStatus": "DATA_ERROR", "ingestionErrors": {"ingestionError": errors}}


def _ingestion_error(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "DATA_ERROR", "code": of["code"], "description": of["description"]}
