"""The imitated Feeds API 2021-06-30 (listings feeds only), and the store behind its addresses."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from stockfold.channels.amazon.fake_store import RefusalError, Store, check_shape, wrong

QUEUED_S = 90.0
WORKED_S = 60.0
APPLIED_AFTER_S = 20.0
"""DONE says that the messages were processed: what they change is shown a while later."""
ADDRESS_S = 300.0
MESSAGES_MAX = 25_000
TYPE = "JSON_LISTINGS_FEED"
_STATUSES = frozenset({"CANCELLED", "DONE", "FATAL", "IN_PROGRESS", "IN_QUEUE"})
_MESSAGE = frozenset({"messageId", "sku", "operationType", "productType", "patches"})
_LISTED = frozenset(
    [
        "feedTypes",
        "marketplaceIds",
        "pageSize",
        "processingStatuses",
        "createdSince",
        "createdUntil",
    ]
)


class Document(msgspec.Struct):
    """Content at a presigned address."""

    content_type: str
    ends_s: float
    content: bytes | None = None


class Feed(msgspec.Struct):
    """One feed. ``fatal`` has it end as FATAL, half done."""

    id: str
    input_id: str
    marketplaces: list[str]
    created_s: float
    status: str = "IN_QUEUE"
    started_s: float | None = None
    ended_s: float | None = None
    report_id: str = ""
    fatal: bool = False
    type: str = TYPE


class FeedsApi:
    """Answers as (status, body); RefusalError for what is wrong."""

    def __init__(self, store: Store, base: str, seller: str, marketplaces: tuple[str, ...]) -> None:
        self._store = store
        self._base = base
        self._seller = seller
        self._marketplaces = marketplaces
        self.documents: dict[str, Document] = {}
        self.feeds: dict[str, Feed] = {}
        self.fatal_next = 0
        self._free_s = 0.0

    # Documents.

    def create_document(self, body: Any) -> tuple[int, Any]:
        """A place for content."""
        if not isinstance(body, dict) or set(body) != {"contentType"}:
            raise wrong("contentType is required")
        if not isinstance(body["contentType"], str):
            raise wrong("contentType is text")
        number = self._add(body["contentType"])
        return 201, {"feedDocumentId": number, "url": self._address(number)}

    def _add(self, content_type: str, content: bytes | None = None) -> str:
        number = f"3d4e42b5-1d6e-44e8-a89c-{self._store.number():012x}"
        self.documents[number] = Document(content_type, self._store.now_s + ADDRESS_S, content)
        return number

    def _address(self, number: str) -> str:
        return f"{self._base}/presigned/{number}?X-Amz-Signature={number[-12:]}"

    def get_document(self, number: str) -> tuple[int, Any]:
        """getFeedDocument: its address is good for five minutes from now."""
        document = self.documents.get(number)
        if document is None:
            raise wrong("feedDocumentId")
        document.ends_s = self._store.now_s + ADDRESS_S
        told = {"feedDocumentId": number, "url": self._address(number)}
        return 200, {**told, "compressionAlgorithm": "GZIP"}

    def carry(
        self, method: str, number: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes]:
        """A presigned address is used. It is another service, which answers XML."""
        document = self.documents.get(number)
        if document is None or self._store.now_s > document.ends_s:
            return 403, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message>"
        if "x-amz-access-token" in headers or "authorization" in headers:
            return 400, b"<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism"
        if method == "GET":
            return (404, b"") if document.content is None else (200, document.content)
        if headers.get("content-type") != document.content_type:
            return 403, b"<Error><Code>SignatureDoesNotMatch</Code>"
        document.content = body
        return 200, b""

    # Feeds.

    def create_feed(self, body: Any) -> tuple[int, Any]:
        """Take a feed."""
        if not isinstance(body, dict) or set(body) - {
            "feedType",
            "marketplaceIds",
            "inputFeedDocumentId",
            "feedOptions",
        }:
            raise wrong("unknown members")
        places = body.get("marketplaceIds")
        if not isinstance(places, list) or not places or not set(places) <= set(self._marketplaces):
            raise wrong("marketplaceIds")
        document = self.documents.get(str(body.get("inputFeedDocumentId")))
        if (
            not isinstance(body.get("feedType"), str)
            or document is None
            or document.content is None
        ):
            raise wrong("feedType or inputFeedDocumentId")
        feed = Feed(
            str(3485934 + self._store.number()),
            body["inputFeedDocumentId"],
            places,
            self._store.now_s,
            # Amazon takes feeds of the older types still, and has them end as FATAL.
            fatal=self.fatal_next > 0 or body["feedType"] != TYPE,
            type=body["feedType"],
        )
        self.fatal_next = max(self.fatal_next - 1, 0)
        self.feeds[feed.id] = feed
        start_s = max(self._store.now_s + QUEUED_S, self._free_s)
        self._free_s = start_s + WORKED_S
        self._store.later(start_s, lambda: self._start(feed))
        return 202, {"feedId": feed.id}

    def get_feed(self, feed_id: str) -> tuple[int, Any]:
        """How far a feed is."""
        if feed_id not in self.feeds and not feed_id.isdecimal():
            raise wrong("feedId")
        if feed_id not in self.feeds:
            raise RefusalError(404, "NotFound", "The specified resource does not exist")
        return 200, self._told(self.feeds[feed_id])

    def list_feeds(self, params: Mapping[str, str]) -> tuple[int, Any]:
        """getFeeds, newest first."""
        statuses = set(params.get("processingStatuses", ",".join(_STATUSES)).split(","))
        size = int(params.get("pageSize", "10"))
        if set(params) - _LISTED or not statuses <= _STATUSES or not 1 <= size <= 100:
            raise wrong("parameters")
        types = params.get("feedTypes", "").split(",")
        if not all(types):
            raise wrong("feedTypes is required")
        rows = [
            feed
            for feed in reversed(self.feeds.values())
            if feed.status in statuses and feed.type in types
        ]
        told: dict[str, Any] = {"feeds": [self._told(feed) for feed in rows[:size]]}
        if len(rows) > size:
            told["nextToken"] = "VGhpcyB0b2tlbiBpcyBvcGFxdWU="
        return 200, told

    def _told(self, feed: Feed) -> dict[str, Any]:
        told: dict[str, Any] = {
            "feedId": feed.id,
            "feedType": feed.type,
            "marketplaceIds": feed.marketplaces,
            "createdTime": _date(feed.created_s),
            "processingStatus": feed.status,
        }
        if feed.started_s is not None:
            told["processingStartTime"] = _date(feed.started_s)
        if feed.ended_s is not None:
            told["processingEndTime"] = _date(feed.ended_s)
        if feed.report_id:
            told["resultFeedDocumentId"] = feed.report_id
        return told

    def _start(self, feed: Feed) -> None:
        feed.status, feed.started_s = "IN_PROGRESS", self._store.now_s
        self._store.later(self._store.now_s + WORKED_S, lambda: self._end(feed))

    def _end(self, feed: Feed) -> None:
        feed.ended_s = self._store.now_s
        messages = self._messages(feed)
        if messages is None or feed.fatal:
            feed.status = "FATAL"
            done = [] if messages is None else messages[: len(messages) // 2]
            self._carry_out(done)
            return
        issues = [issue for message in messages for issue in self._issues(message)]
        wrong_numbers = {issue["messageId"] for issue in issues}
        taken = [one for one in messages if one["messageId"] not in wrong_numbers]
        self._carry_out(taken)
        report = self._report(feed, issues, len(messages), len(taken))
        feed.report_id = self._add("application/json", gzip.compress(json.dumps(report).encode()))
        feed.status = "DONE"

    def _messages(self, feed: Feed) -> list[dict[str, Any]] | None:
        """The messages of a feed; None when it is not of the schema."""
        content = self.documents[feed.input_id].content or b""
        try:
            told = msgspec.json.decode(content)
            header, messages = told["header"], told["messages"]
            numbers = [message["messageId"] for message in messages]
        except (msgspec.DecodeError, TypeError, KeyError):
            return None
        if header != {"sellerId": self._seller, "version": "2.0"} or set(told) != {
            "header",
            "messages",
        }:
            return None
        if not 1 <= len(messages) <= MESSAGES_MAX or len(set(numbers)) != len(numbers):
            return None
        self._store.took(len(messages))
        return list(messages)

    def _issues(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        told = {"messageId": message["messageId"], "sku": message.get("sku", "")}
        body = {name: message[name] for name in ("productType", "patches") if name in message}
        try:
            checked = check_shape(body, frozenset(body))
            if set(message) != _MESSAGE or message["operationType"] != "PATCH":
                raise wrong("not a message of the operation PATCH")
        except RefusalError as refusal:
            text = refusal.error["details"]
            return [{**told, "code": "90000900", "severity": "ERROR", "message": text}]
        return [
            {
                **told,
                "code": issue["code"],
                "severity": issue["severity"],
                "message": issue["message"],
            }
            for issue in self._store.issues_of(message["sku"], checked)
        ]

    def _carry_out(self, messages: list[dict[str, Any]]) -> None:
        def apply() -> None:
            for message in messages:
                self._store.apply(message["sku"], message["patches"])

        self._store.later(self._store.now_s + APPLIED_AFTER_S, apply)

    def _report(
        self, feed: Feed, issues: list[dict[str, Any]], processed: int, taken: int
    ) -> dict[str, Any]:
        return {
            "header": {"sellerId": self._seller, "version": "2.0", "feedId": feed.id},
            "issues": issues,
            "summary": {
                "errors": len(issues),
                "warnings": 0,
                "messagesProcessed": processed,
                "messagesAccepted": taken,
                "messagesInvalid": processed - taken,
            },
        }


def _date(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
