"""Requests about feeds, and what their answers say: many listings in one JSON_LISTINGS_FEED.

    createFeedDocument ─▶ upload ─▶ createFeed ─▶ getFeed … ─▶ getFeedDocument ─▶ download

An address to load something up or down is presigned, and good for five minutes.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from stockfold.channels import statuses
from stockfold.channels.amazon.operations import DOCUMENTS, FEEDS, segment
from stockfold.channels.amazon.patches import Patching
from stockfold.channels.port import Purpose, Request, Shown, StockUpdate

FEED_TYPE = "JSON_LISTINGS_FEED"
CONTENT_TYPE = "application/json; charset=UTF-8"
UNFINISHED = ("IN_QUEUE", "IN_PROGRESS")
DONE = "DONE"
ENDED = (DONE, "CANCELLED", "FATAL")
PAGE_SIZE_MAX = 100
REPORT_BYTES_MAX = 64 * 1024 * 1024


def list_unfinished(updates: Sequence[StockUpdate]) -> Request:
    """Which feeds Amazon has not ended yet, whoever of the application made them."""
    params = (
        ("feedTypes", FEED_TYPE),
        ("processingStatuses", ",".join(UNFINISHED)),
        ("pageSize", str(PAGE_SIZE_MAX)),
    )
    return Request(Purpose.LOOK_UP, "GET", FEEDS, tuple(updates), params)


def create_document(updates: Sequence[StockUpdate]) -> Request:
    """A place to load a feed's content up to."""
    body = {"contentType": CONTENT_TYPE}
    return Request(Purpose.LOOK_UP, "POST", DOCUMENTS, tuple(updates), json=body)


def upload(url: str, updates: Sequence[StockUpdate], content: bytes) -> Request:
    """Loads the content up. Nothing is written before the feed is created."""
    headers = (("content-type", CONTENT_TYPE),)
    return Request(
        Purpose.LOOK_UP, "PUT", "", tuple(updates), headers=headers, body=content, url=url
    )


def create(patching: Patching, document_id: str, updates: Sequence[StockUpdate]) -> Request:
    """Has the content carried out."""
    body = {
        "feedType": FEED_TYPE,
        "marketplaceIds": list(patching.account.marketplaces),
        "inputFeedDocumentId": document_id,
    }
    return Request(Purpose.WRITE, "POST", FEEDS, tuple(updates), json=body)


def poll(feed_id: str, updates: Sequence[StockUpdate]) -> Request:
    """How far a feed is."""
    return Request(Purpose.FOLLOW, "GET", f"{FEEDS}/{segment(feed_id)}", tuple(updates))


def find_report(report_id: str, updates: Sequence[StockUpdate]) -> Request:
    """Where the report of a feed is."""
    return Request(Purpose.FOLLOW, "GET", f"{DOCUMENTS}/{segment(report_id)}", tuple(updates))


def load_report(url: str, updates: Sequence[StockUpdate]) -> Request:
    """The report itself."""
    return Request(Purpose.FOLLOW, "GET", "", tuple(updates), url=url)


class Told(msgspec.Struct, frozen=True):
    """What a feed says of one SKU, in the message of that ``number``."""

    number: int
    version: int
    shown: Shown


Content = dict[str, Told]
"""What a feed says, by SKU."""


def content_of(patching: Patching, content: Content) -> bytes:
    """What is loaded up."""
    messages = [
        {"messageId": one.number, "sku": sku, "operationType": "PATCH", **patching.body(one.shown)}
        for sku, one in content.items()
    ]
    header = {"sellerId": patching.account.seller, "version": "2.0"}
    return msgspec.json.encode({"header": header, "messages": messages})


class Report(msgspec.Struct, frozen=True):
    """(code, message) by number of the messages that were not taken; ``whole`` for the feed."""

    errors: Mapping[int, tuple[str, str]]
    whole: tuple[str, str] | None = None


def read_report(body: bytes, *, gzipped: bool) -> Report | None:
    """A processing report; None when it is none."""
    try:
        told = statuses.decoded(unpacked(body) if gzipped else body)
    except (statuses.NotJsonError, zlib.error):
        return None
    rows = told.get("issues") if isinstance(told, dict) else None
    if not isinstance(rows, list):
        return None
    errors: dict[int, tuple[str, str]] = {}
    whole = None
    for row in rows:
        if not isinstance(row, dict) or row.get("severity") != "ERROR":
            continue
        told_code = row.get("code")
        error = (
            told_code if isinstance(told_code, str) else "feed_error",
            str(row.get("message", "")),
        )
        number = row.get("messageId")
        if isinstance(number, int):
            errors.setdefault(number, error)
        else:
            whole = error
    return Report(errors, whole)


def unpacked(body: bytes) -> bytes:
    """What a report was packed from, cut at ``REPORT_BYTES_MAX``."""
    return zlib.decompressobj(wbits=31).decompress(body, REPORT_BYTES_MAX)


def text_of(body: Mapping[str, Any], name: str) -> str:
    """A member of an answer that is text; empty when there is none."""
    value = body.get(name)
    return value if isinstance(value, str) else ""
