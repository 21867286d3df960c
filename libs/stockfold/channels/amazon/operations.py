"""The operations of the Selling Partner API that we use, and how often each may be called.

Rates and bursts are those of the usage plans in Amazon's models, for one seller and application;
an answer tells the rate that really holds in ``x-amzn-RateLimit-Limit``.
"""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from stockfold.channels.port import Charge, Request, Response

LISTINGS = "/listings/2021-08-01/items"
FEEDS = "/feeds/2021-06-30/feeds"
DOCUMENTS = "/feeds/2021-06-30/documents"
INVENTORIES = "/externalFulfillment/inventory/2024-09-11/inventories"
RATE_HEADER = "x-amzn-ratelimit-limit"
SPARE = 1.0
"""So many of a burst we leave: on their way requests come closer together."""


class Operation(msgspec.Struct, frozen=True):
    """``per_s`` requests a second, ``burst`` of them at once."""

    name: str
    per_s: float
    burst: float


PATCH_ITEM = Operation("patchListingsItem", 5, 5)
SEARCH_ITEMS = Operation("searchListingsItems", 5, 5)
GET_ITEM = Operation("getListingsItem", 5, 10)
# The model has a burst of 15; of listings feeds, five in five minutes are taken (May 2025).
CREATE_FEED = Operation("createFeed", 0.0083, 5)
GET_FEED = Operation("getFeed", 2, 15)
GET_FEEDS = Operation("getFeeds", 0.0222, 10)
CREATE_DOCUMENT = Operation("createFeedDocument", 0.5, 15)
GET_DOCUMENT = Operation("getFeedDocument", 0.0222, 10)
BATCH_INVENTORY = Operation("batchInventory", 50, 100)


def operation_of(request: Request) -> Operation | None:
    """The operation that a request calls; None for a presigned address."""
    if request.url:
        return None
    path, posts = request.path, request.method == "POST"
    if path == INVENTORIES:
        return BATCH_INVENTORY
    if path.startswith(DOCUMENTS):
        return CREATE_DOCUMENT if posts else GET_DOCUMENT
    if path == FEEDS:
        return CREATE_FEED if posts else GET_FEEDS
    if path.startswith(FEEDS):
        return GET_FEED
    if request.method == "PATCH":
        return PATCH_ITEM
    return GET_ITEM if path.count("/") > LISTINGS.count("/") + 1 else SEARCH_ITEMS


class Budgets:
    """What requests of one seller take. See ``stockfold.channels.port.Metered``."""

    def __init__(self, url: str, seller: str) -> None:
        self._account = f"amazon:{url.rstrip('/')}:{seller}"
        self._rates: dict[str, float] = {}

    def bucket(self, operation: Operation) -> str:
        """The name of the budget that an operation has."""
        return f"{self._account}:{operation.name}"

    def charges(self, request: Request) -> tuple[Charge, ...]:
        """See ``Metered.charges``."""
        operation = operation_of(request)
        if operation is None:
            return ()
        return (Charge(self.bucket(operation), self.per_s(operation), operation.burst - SPARE),)

    def per_s(self, operation: Operation) -> float:
        """How often an operation may be called, as far as is known."""
        return self._rates.get(operation.name, operation.per_s)

    def learn(self, request: Request, response: Response) -> None:
        """Take in the rate that an answer tells."""
        operation = operation_of(request)
        try:
            told = float(response.headers.get(RATE_HEADER, ""))
        except ValueError:
            return
        if operation is not None and 0 < told < 1_000_000:
            self._rates[operation.name] = told


def segment(text: str) -> str:
    """A part of a path, encoded: SKUs may hold what a path may not."""
    return quote(text, safe="")
