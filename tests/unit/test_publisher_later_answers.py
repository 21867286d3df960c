"""A connection to a channel that is no shop of ours: answers that come later, budgets, restarts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import pytest
from tests.support.publishing import eventually
from tests.support.tiny_shop import SECRET, TinyShop

from stockfold.channels import (
    Adapter,
    Answer,
    Charge,
    Failure,
    Purpose,
    Request,
    Response,
    Shown,
    StockUpdate,
)
from stockfold.runtime.channel_adapters import adapter_of
from stockfold.runtime.clock import SYSTEM_CLOCK, ManualClock
from stockfold.runtime.rate_budgets import Budgets
from stockfold.runtime.settings import ChannelSettings
from stockfold.runtime.shop_http import Transport
from stockfold_services.publisher.affordable import Affordable
from stockfold_services.publisher.backlog import Backlog
from stockfold_services.publisher.conformance.memory import MemoryDeliveries, MemoryFeed
from stockfold_services.publisher.connection import Connection
from stockfold_services.publisher.standing import state_of
from stockfold_services.publisher.wanted import Wanted

pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture
def shop() -> Iterator[TinyShop]:
    with TinyShop(job_s=0.3) as shop:
        yield shop


def channel(url: str) -> ChannelSettings:
    return ChannelSettings(
        name="tiny",
        kind="tiny",
        url=url,
        options={"seller": "A1"},
        credentials={"client_secret": SECRET},
        location_names={"berlin": "loc/1"},
    )


@asynccontextmanager
async def connected(
    shop: TinyShop, feed: MemoryFeed, record: MemoryDeliveries
) -> AsyncIterator[Connection]:
    settings = channel(shop.url)
    adapter = adapter_of(settings)
    stop = asyncio.Event()
    async with Transport(settings, adapter, SYSTEM_CLOCK) as transport:

        def anew() -> Adapter:
            fresh = adapter_of(settings)
            transport.use(fresh)
            return fresh

        connection = Connection(
            "tiny", adapter, transport, feed, record, SYSTEM_CLOCK, account=transport, anew=anew
        )
        task = asyncio.create_task(connection.run(stop))
        try:
            yield connection
        finally:
            stop.set()
            await asyncio.wait_for(task, 20)


async def test_what_is_accepted_is_told_as_such_and_recorded_once_it_is_shown(
    shop: TinyShop,
) -> None:
    feed, record = MemoryFeed(), MemoryDeliveries()
    feed.publish("A", 5, (("berlin", 5),))
    async with connected(shop, feed, record) as connection:
        await eventually(lambda: connection.backlog.standing().accepted == 1, 5, "it is accepted")
        assert state_of(connection, "live", 0, SYSTEM_CLOCK).accepted == 1
        assert (record.all, feed.committed) == ([], 0)
        await eventually(lambda: len(record.all) == 1, 5, "its outcome")
    (done,) = record.all
    assert (done.kind.value, done.attempts) == ("applied", 1)
    assert shop.stock == {"A": (5, {"loc/1": 5})}
    assert feed.committed == 1


async def test_when_others_served_the_channel_meanwhile_nothing_is_concluded_from_before(
    shop: TinyShop,
) -> None:
    feed, record = MemoryFeed(), MemoryDeliveries()
    shop.job_s = 1.0
    feed.publish("A", 5)
    async with connected(shop, feed, record) as connection:
        await eventually(lambda: connection.backlog.standing().accepted == 1, 5, "it is accepted")
        await feed.revoked({0})
        shop.job_s = 0.0
        await eventually(lambda: shop.shows().get("A") == (5, {}), 5, "it is done")
        shop.stock["A"] = (9, {})  # By whoever served it meanwhile.
        feed.reassign()
        await eventually(lambda: len(record.all) == 1, 5, "its outcome")
    assert shop.stock["A"] == (5, {}), "written again, not taken for done"
    assert shop.posted == 2


class TwoWays:
    """Zeros go one by one, all else by one feed; as much of an adapter as this needs."""

    def __init__(self) -> None:
        self.is_feeding = False

    def receive(self, request: Request, response: Response | Failure) -> Answer:
        self.is_feeding = False
        return Answer()

    def next_request(self, due: Sequence[StockUpdate], items_max: int = 100) -> Request | None:
        if due[0].quantity <= 0:
            return Request(Purpose.WRITE, "PATCH", "/items", tuple(due[:1]))
        assert not self.is_feeding, "what has begun is told to be over"
        self.is_feeding = True
        feed = tuple(update for update in due if update.quantity > 0)[:items_max]
        return Request(Purpose.WRITE, "POST", "/feeds", feed)

    def probe(self, due: Sequence[StockUpdate]) -> Request:
        return Request(Purpose.LOOK_UP, "GET", "/", ())


class Purse:
    """Feeds: one in two minutes. Items: one a second. See ``affordable.Account``."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.budget = Budgets(self.clock).of("amazon")

    def charges(self, request: Request) -> tuple[Charge, ...]:
        per_s = 1.0 if request.path == "/items" else 1 / 120
        return (Charge(request.path, per_s, burst=1.0),)

    def wait_s(self, request: Request) -> float:
        return self.budget.wait_s(self.charges(request))

    def told(self, levels: Sequence[tuple[str, float]]) -> None:
        self.budget.told(levels)

    def make(self, request: Request) -> None:
        self.budget.landed(self.budget.take(self.charges(request)), sent=True)


def test_while_the_budget_of_feeds_is_used_up_zeros_go_out_by_their_own() -> None:
    adapter, purse = TwoWays(), Purse()
    backlog = Backlog(lambda update: Shown(update.quantity), float, 3)
    affordable = Affordable(adapter, backlog, purse, None, 100)

    def next_path() -> str:
        now_s = purse.clock.monotonic_s()
        request = affordable.next(lambda due: due, now_s, probe=False)
        if request is None:
            return ""
        backlog.claim(request.updates, 0)
        purse.make(request)
        adapter.receive(request, Response(200, {}, b""))
        return request.path

    def offer(sku: str, quantity: int) -> None:
        backlog.offer(Wanted(sku, quantity, 1, 0, 1), 0)

    offer("A", 5)
    assert next_path() == "/feeds"
    offer("B", 6)
    offer("C", 7)
    assert next_path() == ""
    assert backlog.next_due_s() == pytest.approx(120.0)
    offer("Z", 0)
    assert next_path() == "/items"
    purse.clock.sleep(119.5)
    assert next_path() == ""
    purse.clock.sleep(0.5)
    assert next_path() == "/feeds"
    assert not backlog.has_due, "both in one feed"


def test_a_question_about_no_update_rests_for_its_budget() -> None:
    purse = Purse()
    backlog = Backlog(lambda update: Shown(update.quantity), float, 3)
    affordable = Affordable(TwoWays(), backlog, purse, None, 100)
    backlog.offer(Wanted("A", 5, 1, 0, 1), 0)
    purse.make(Request(Purpose.LOOK_UP, "GET", "/", ()))
    assert affordable.next(lambda due: due, 0.0, probe=True) is None
    assert affordable.rests_until_s == pytest.approx(120.0)
    assert affordable.next(lambda due: due, 60.0, probe=False) is None
    affordable.told([("/", 1.0)])
    assert affordable.next(lambda due: due, 120.0, probe=True) is not None
