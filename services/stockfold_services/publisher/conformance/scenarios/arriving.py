"""What is published arrives: all of it, soon, and in few requests."""

from __future__ import annotations

from collections.abc import Sequence

from stockfold.channels import Purpose, Request
from stockfold_services.publisher.conformance.scenario import Scenario
from stockfold_services.publisher.conformance.stage import Stage, see

MANY = 400
QUEUE = 5_000
SOON_S = 0.01
AHEAD_MAX = 500
"""What may go out before an urgent zero: requests that were under way, and its own company."""
HANDFUL = 40
"""Look-ups, tokens, documents, the write, and questions what became of it."""
REQUESTS_AHEAD_MAX = 8
"""One of them may have been accepted with any number of items."""
REQUESTS_PER_SKU = 8
"""Of two changes: to read it, to write it, to ask what became of it, and one spare."""
REQUESTS_BESIDE = 200
"""Tokens, documents, questions what became of something: not for each SKU."""


async def shown(stage: Stage) -> None:
    """A few SKUs, old and new quantities."""
    skus = stage.listed(30, 2)
    for number, sku in enumerate(skus):
        stage.publish(sku, number)
    async with stage.connected():
        await stage.ends_right()


async def batches(stage: Stage) -> None:
    """Many at once: the imitated channel refuses requests with more than its contract allows."""
    skus = stage.listed(MANY)
    stage.asked_max = REQUESTS_PER_SKU * MANY + REQUESTS_BESIDE
    async with stage.connected():
        # The second time, every listing is known.
        for quantity in (7, 4):
            stage.publish_all(skus, quantity)
            await stage.ends_right()
    most = stage.subject.items_most
    see(most > 0, "the subject counted no items: items_most is 0")
    refused = [one for one in stage.wire.exchanges if one.status in (400, 413, 414, 431)]
    see(not refused, f"{len(refused)} requests were refused as wrong or too large")


async def duplicate(stage: Stage) -> None:
    """The same quantity as a new version."""
    skus = stage.listed(3, 1)
    stage.publish_all(skus, 5)
    async with stage.connected():
        await stage.ends_right()
        asked = len(stage.asked)
        stage.publish_all(skus, 5)
        await stage.ends_right()
    more = [one.request.path or one.request.url for one in stage.asked[asked:]]
    see(not more, f"{len(more)} requests were made for what is shown already: {more[:3]}")
    for sku in skus:
        see(len(stage.written(sku)) == 1, f"{sku} was written {len(stage.written(sku))} times")


async def bounded(stage: Stage) -> None:
    """One change of one SKU, then one more."""
    (sku,) = stage.listed(1, 3)
    for quantity in (5, 0, 9):
        stage.asked_max = len(stage.asked) + HANDFUL
        stage.publish(sku, quantity)
        async with stage.connected():
            await stage.ends_right()


async def zero_lane(stage: Stage) -> None:
    """A zero that comes when thousands of others wait."""
    others = stage.listed(QUEUE, 1)
    (gone,) = stage.listed(1, 9, "GONE-")
    stage.publish_all(others, 6)
    stage.publish(gone, 9)
    async with stage.connected():
        await stage.until(lambda: bool(stage.requests(Purpose.WRITE)), "write", 3_600.0, 0.1)
        stage.publish(gone, 0)
        await stage.until(lambda: stage.feed.is_read, "reading of it", 60.0, SOON_S)
        writes, asked = len(stage.subject.writes), len(stage.asked)
        await stage.until(lambda: stage.subject.shows(gone) == 0, "zero of the SKU", 7_200.0)
    ahead = stage.subject.writes[writes:].index((gone, 0))
    requests = [one.request for one in stage.asked[asked:]]
    before = [r.purpose for r in requests[: _first_with(requests, gone)]].count(Purpose.WRITE)
    see(
        ahead <= AHEAD_MAX or before <= REQUESTS_AHEAD_MAX,
        f"{ahead:,} others were written before it, by {before:,} requests",
    )


def _first_with(requests: Sequence[Request], sku: str) -> int:
    """The place of the first write of a SKU's zero."""
    for number, request in enumerate(requests):
        writes = request.purpose is Purpose.WRITE
        if writes and any(one.sku == sku and one.quantity == 0 for one in request.updates):
            return number
    return len(requests)


SCENARIOS = (
    Scenario("shown", "What is published is shown, told as applied and committed", shown),
    Scenario("batches", "Hundreds of changes arrive within what one request may hold", batches),
    Scenario("duplicate", "The same availability once more sends nothing", duplicate),
    Scenario("bounded", "One change takes a handful of requests, not an endless loop", bounded),
    Scenario("zero-lane", "A zero overtakes a queue of 5,000 others", zero_lane),
)
