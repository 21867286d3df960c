"""What is published arrives: all of it, soon, and in few requests."""

from __future__ import annotations

from stockfold.channels import Purpose
from stockfold_services.publisher.conformance.scenario import Scenario
from stockfold_services.publisher.conformance.stage import Stage, see

MANY = 600
QUEUE = 5_000
QUEUE_BEGUN = 50
AHEAD_MAX = 500
"""What may go out before an urgent zero: requests that were under way, and its own company."""
REQUESTS_PER_SKU = 6
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
    stage.publish_all(skus, 7)
    async with stage.connected():
        await stage.ends_right()
    most = stage.subject.items_most
    see(most > 0, "the subject counted no items: items_most is 0")
    refused = [one for one in stage.wire.exchanges if one.status in (400, 413, 414, 431)]
    see(not refused, f"{len(refused)} requests were refused as wrong or too large")
    asked, allowed = len(stage.wire.exchanges), REQUESTS_PER_SKU * MANY + REQUESTS_BESIDE
    see(asked <= allowed, f"{asked:,} requests were made for {MANY} SKUs, {allowed:,} are enough")


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
        asked = len(stage.wire.exchanges)
        stage.publish(sku, quantity)
        async with stage.connected():
            await stage.ends_right()
        made = len(stage.wire.exchanges) - asked
        see(made <= 40, f"{made} requests were made for one change of one SKU")


async def zero_lane(stage: Stage) -> None:
    """A zero that comes when thousands of others wait."""
    others = stage.listed(QUEUE, 1)
    (gone,) = stage.listed(1, 9, "GONE-")
    stage.publish_all(others, 6)
    stage.publish(gone, 9)
    async with stage.connected():
        await stage.until(
            lambda: len(stage.subject.writes) >= QUEUE_BEGUN or _is_under_way(stage),
            "write of anything",
            3_600.0,
        )
        began, before = stage.clock.monotonic_s(), len(stage.subject.writes)
        stage.publish(gone, 0)
        await stage.until(lambda: stage.subject.shows(gone) == 0, "zero of the SKU", 7_200.0)
        took_s = stage.clock.monotonic_s() - began
        ahead = len(stage.subject.writes) - before
        see(
            ahead <= AHEAD_MAX or took_s <= 60.0,
            f"{ahead:,} others were written before it, for {took_s:,.0f} s",
        )


def _is_under_way(stage: Stage) -> bool:
    return sum(len(request.updates) for request in stage.requests(Purpose.WRITE)) >= QUEUE_BEGUN


SCENARIOS = (
    Scenario("shown", "What is published is shown, told as applied and committed", shown),
    Scenario("batches", "Hundreds of changes arrive within what one request may hold", batches),
    Scenario("duplicate", "The same availability once more sends nothing", duplicate),
    Scenario("bounded", "One change takes a handful of requests, not an endless loop", bounded),
    Scenario("zero-lane", "A zero overtakes a queue of 5,000 others", zero_lane),
)
