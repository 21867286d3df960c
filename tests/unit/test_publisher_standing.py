"""What a connection tells of itself: backlog, pace, trouble and guards as they are."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import msgspec
import pytest
from tests.support.memory_feed import MemoryDeliveries, MemoryFeed, connected
from tests.support.publishing import eventually
from tests.support.woo_shop import Fault, Shop, ShopServer

from stockfold.channels import Purpose, Trouble, TroubleKind
from stockfold.contracts.connections import (
    SILENT_S,
    ConnectionState,
    decode_connection,
    encode_connection,
)
from stockfold.domain.times import SECOND_US
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.shop_guards_settings import ShopGuardsSettings
from stockfold_services.publisher.connection import Connection
from stockfold_services.publisher.guards import Guards
from stockfold_services.publisher.pace import Limits, Pace
from stockfold_services.publisher.retry import Breaker, RetryPolicy
from stockfold_services.publisher.standing import state_of, telling

SKUS = [f"A-{n}" for n in range(30)]


@pytest.fixture
def server() -> Iterator[ShopServer]:
    with ShopServer(Shop()) as server:
        server.shop.add_products(SKUS, 9)
        yield server


def now(connection: Connection) -> ConnectionState:
    return state_of(connection, "live", SYSTEM_CLOCK.now_us(), SYSTEM_CLOCK)


async def test_a_shop_that_is_down_leaves_a_backlog_and_its_trouble(server: ShopServer) -> None:
    feed, record = MemoryFeed(), MemoryDeliveries()
    for number, sku in enumerate(SKUS):
        feed.publish(sku, number % 3)
    outage = Fault("html", times=10**6, status=503)
    server.shop.faults.queue.append(outage)
    async with connected(server, feed, record) as connection:
        await eventually(lambda: bool(now(connection).trouble), 10, "the trouble")
        await eventually(lambda: now(connection).zeros > 0, 10, "zeros that wait again")
        told = now(connection)
        assert (told.listings, told.waiting) == (30, 30)
        assert (told.trouble, told.settled) == ("unavailable", True)
        assert told.trouble_since is not None
        assert told.trouble_since <= told.told_at
        assert told.requests_last_minute >= 1
        server.shop.faults.queue.clear()
        await eventually(lambda: len(record.all) == 30, 20, "the outcomes")
        after = now(connection)
    assert (after.waiting, after.trouble, after.rests_until) == (0, "", None)
    assert after.outcomes == 30
    assert after.item_us is not None


async def test_it_is_told_once_there_are_partitions_and_reads_back_as_it_was(
    server: ShopServer,
) -> None:
    feed, record = MemoryFeed(), MemoryDeliveries()
    told: list[ConnectionState] = []

    class Standings:
        async def tell_connection(self, state: ConnectionState) -> None:
            told.append(state)

    async with connected(server, feed, record) as connection:
        await eventually(lambda: bool(connection.owns.watermarks), 10, "its partitions")
        async with telling(connection, "live", Standings(), SYSTEM_CLOCK):
            await eventually(lambda: bool(told), 10, "the first")
    (state,) = told
    assert decode_connection(encode_connection(state)) == state
    assert not state.is_silent(state.told_at + SILENT_S * SECOND_US)
    assert state.is_silent(state.told_at + SILENT_S * SECOND_US + 1)


def test_the_requests_of_the_last_minute_are_counted_and_older_ones_forgotten() -> None:
    pace = Pace(Limits())
    for second in range(90):
        pace.began(float(second))
    assert pace.last_minute(89.0) == 60
    assert pace.last_minute(200.0) == 0


def test_the_counts_of_the_guards_are_those_that_they_halt_by() -> None:
    settings = ShopGuardsSettings(zeros_percent=50, changes_percent=0, listings_min=1)
    guards = Guards(settings)
    for number, sku in enumerate(SKUS):
        guards.shows(sku, 5, 0.0, ours=False)
        guards.wants(sku, 0 if number < 15 else 5, 0.0)
    told = guards.counts(len(SKUS), 0.0, 0.0)
    assert (told.zeros, told.zeros_limit, told.changes_limit) == (15, 15, None)
    assert guards.halt(len(SKUS), 0.0, 0.0) is None
    guards.wants(SKUS[20], 0, 0.0)
    assert guards.counts(len(SKUS), 0.0, 0.0).zeros == 16
    assert guards.halt(len(SKUS), 0.0, 0.0) is not None


def test_trouble_is_as_old_as_its_beginning_whatever_follows() -> None:
    breaker = Breaker(RetryPolicy(), Random(1))
    trouble = Trouble(TroubleKind.UNAVAILABLE, "503", "down")
    breaker.failed(trouble, Purpose.WRITE, 5.0)
    breaker.failed(msgspec.structs.replace(trouble, code="502"), Purpose.LOOK_UP, 9.0)
    assert breaker.troubled_since_s == 5.0
