"""A channel connection against the shop, its feed and its record in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.memory_feed import MemoryDeliveries, MemoryFeed, connected
from tests.support.publishing import eventually
from tests.support.woo_shop import Fault, Shop, ShopServer

from stockfold_services.publisher.retry import RetryPolicy


@pytest.fixture
def server() -> Iterator[ShopServer]:
    with ShopServer(Shop()) as server:
        yield server


@pytest.fixture
def feed() -> MemoryFeed:
    return MemoryFeed()


@pytest.fixture
def record() -> MemoryDeliveries:
    return MemoryDeliveries()


async def test_what_is_published_is_shown_recorded_and_committed(
    server: ShopServer, feed: MemoryFeed, record: MemoryDeliveries
) -> None:
    server.shop.add_products(["A", "B"], 9)
    server.shop.add_variations("P", ["V"])
    for sku, quantity in [("A", 5), ("B", -2), ("V", 3)]:
        feed.publish(sku, quantity)
    feed.pass_by()
    async with connected(server, feed, record):
        await eventually(lambda: len(record.all) == 3, 10, "three outcomes")
    assert server.shop.stock(["A", "B", "V"]) == {"A": 5, "B": 0, "V": 3}
    assert {one.kind.value for one in record.all} == {"applied"}
    assert {one.wanted.sku: one.quantity for one in record.all} == {"A": 5, "B": 0, "V": 3}
    assert {one.attempts for one in record.all} == {2}, "a look-up and a write"
    assert feed.committed == 4


async def test_what_the_shop_shows_already_is_not_sent_again(
    server: ShopServer, feed: MemoryFeed, record: MemoryDeliveries
) -> None:
    server.shop.add_products(["A"])
    feed.publish("A", 5)
    async with connected(server, feed, record):
        await eventually(lambda: len(record.all) == 1, 10, "the first")
        requests = server.shop.stats.requests
        feed.publish("A", 5)
        await eventually(lambda: len(record.all) == 2, 10, "the second")
    assert record.of("A") == [(1, "applied"), (2, "applied")]
    assert record.all[1].attempts == 0
    assert server.shop.stats.requests == requests


async def test_skus_that_the_shop_lacks_or_doubles_are_told_and_hold_nobody_up(
    server: ShopServer, feed: MemoryFeed, record: MemoryDeliveries
) -> None:
    server.shop.add_products(["A", "TWICE", "TWICE"])
    for sku in ("NOBODY", "TWICE", "A"):
        feed.publish(sku, 4)
    async with connected(server, feed, record):
        await eventually(lambda: len(record.all) == 3, 10, "three outcomes")
    assert {one.wanted.sku: one.kind.value for one in record.all} == {
        "NOBODY": "unmapped",
        "TWICE": "rejected",
        "A": "applied",
    }
    assert server.shop.stock(["TWICE"]) == {"TWICE": 0}
    assert feed.committed == 3


async def test_one_listing_that_the_shop_cannot_digest_is_isolated_and_given_up(
    server: ShopServer, feed: MemoryFeed, record: MemoryDeliveries
) -> None:
    skus = [f"S{n}" for n in range(100)]
    server.shop.add_products(skus)

    def choke(product: object) -> None:
        if getattr(product, "sku", "") == "S50":
            raise RuntimeError("a plugin of the shop fails")

    server.shop.on_item = choke
    for sku in skus:
        feed.publish(sku, 9)
    async with connected(server, feed, record, policy=RetryPolicy(0.01, 0.05, 12)):
        await eventually(lambda: len(record.all) == 100, 30, "an outcome for each")
    assert record.of("S50") == [(1, "gave_up")]
    assert {one.kind.value for one in record.all if one.wanted.sku != "S50"} == {"applied"}
    assert sum(quantity == 9 for quantity in server.shop.stock().values()) == 99
    assert feed.committed == 100


async def test_a_key_without_write_permission_holds_the_channel_and_loses_nothing(
    server: ShopServer, feed: MemoryFeed, record: MemoryDeliveries
) -> None:
    server.shop.add_products(["A"])
    server.shop.keys.permissions = "read"
    feed.publish("A", 5)
    async with connected(server, feed, record, policy=RetryPolicy(0.01, 0.05, 2)):
        await eventually(lambda: server.shop.stats.refused >= 5, 10, "refused more than twice")
        assert record.all == []
        assert feed.committed == 0
        server.shop.keys.permissions = "read_write"
        await eventually(lambda: server.shop.stock() == {"A": 5}, 10, "it heals by itself")
    assert record.of("A") == [(1, "applied")]


async def test_a_shop_that_is_away_for_long_is_probed_and_nothing_is_given_up(
    server: ShopServer, feed: MemoryFeed, record: MemoryDeliveries
) -> None:
    skus = [f"S{n}" for n in range(300)]
    server.shop.add_products(skus)
    outage = Fault("html", times=60, status=503)
    server.shop.faults.queue.append(outage)
    for sku in skus:
        feed.publish(sku, 1)
    async with connected(server, feed, record, policy=RetryPolicy(0.001, 0.02, 4)):
        await eventually(lambda: len(record.all) == 300, 30, "an outcome for each")
    assert outage.times == 0
    assert {one.kind.value for one in record.all} == {"applied"}


async def test_at_most_two_requests_are_under_way(
    server: ShopServer, feed: MemoryFeed, record: MemoryDeliveries
) -> None:
    skus = [f"S{n}" for n in range(600)]
    server.shop.add_products(skus)
    server.shop.item_written_s = 0.002
    for sku in skus:
        feed.publish(sku, 1)
    async with connected(server, feed, record):
        await eventually(lambda: len(record.all) == 600, 30, "an outcome for each")
    assert server.shop.stats.in_flight_max == 2


async def test_a_lower_limit_of_the_host_is_found_and_kept(
    feed: MemoryFeed, record: MemoryDeliveries
) -> None:
    with ShopServer(Shop(batch_items_max=30)) as server:
        skus = [f"S{n}" for n in range(200)]
        server.shop.add_products(skus)
        for sku in skus:
            feed.publish(sku, 1)
        async with connected(server, feed, record):
            await eventually(lambda: len(record.all) == 200, 20, "an outcome for each")
        assert max(server.shop.stats.batch_sizes) <= 30
        assert server.shop.stats.refused <= 4
        assert {one.kind.value for one in record.all} == {"applied"}


async def test_a_sku_that_has_moved_to_another_product_is_followed(
    server: ShopServer,
) -> None:
    one, other = server.shop.add_products(["A", "spare"])
    feed, deliveries = MemoryFeed(), MemoryDeliveries()
    async with connected(server, feed, deliveries):
        feed.publish("A", 5)
        await eventually(lambda: one.stock_quantity == 5, 10, "A is shown")
        for product, sku in ((one, "old"), (other, "A")):
            server.shop.catalogue.write(product, {"sku": sku})
        feed.publish("A", 6)
        await eventually(lambda: other.stock_quantity == 6, 10, "A is shown where it is now")


async def test_zeros_overtake_a_backlog(
    server: ShopServer, feed: MemoryFeed, record: MemoryDeliveries
) -> None:
    skus = [f"S{n}" for n in range(1000)]
    server.shop.add_products(skus, 3)
    for sku in skus:
        feed.publish(sku, 0 if sku == "S999" else 7)
    async with connected(server, feed, record):
        await eventually(lambda: len(record.all) == 1000, 30, "an outcome for each")
    order = [sku for sku, _ in server.shop.written]
    assert order.index("S999") < 300


async def test_after_a_crash_nothing_is_lost_and_nothing_older_is_written(
    server: ShopServer, feed: MemoryFeed, record: MemoryDeliveries
) -> None:
    server.shop.add_products(["A"])
    stuck = server.shop.add_variations("P", ["STUCK"])
    fault = Fault("error", times=10**9, status=500, path=f"products/{stuck.id}/")
    server.shop.faults.queue.append(fault)
    patient = RetryPolicy(0.01, 0.02, 10**6)
    async with connected(server, feed, record, policy=patient, crash=True):
        feed.publish("STUCK", 4)
        for quantity in range(1, 30):
            feed.publish("A", quantity)
            await eventually(lambda q=quantity: server.shop.stock(["A"])["A"] == q, 10, "A follows")
    assert feed.committed == 0, "the stuck one holds the offset"
    before = len(server.shop.written)
    fault.times = 0
    async with connected(server, feed, record, policy=patient):
        await eventually(lambda: server.shop.stock(["STUCK"])["STUCK"] == 4, 10, "not lost")
        await eventually(lambda: record.of("A")[-1] == (29, "applied"), 10, "A is on record")
    again = [quantity for sku, quantity in [*server.shop.written][before:] if sku == "A"]
    assert set(again) <= {29}, "only the latest, although all were read again"
    assert feed.committed == 30


async def test_when_partitions_go_what_is_under_way_is_brought_home_first(
    server: ShopServer, feed: MemoryFeed, record: MemoryDeliveries
) -> None:
    server.shop.add_products(["A"])
    server.shop.item_written_s = 0.3
    feed.publish("A", 5)
    async with connected(server, feed, record):
        await eventually(lambda: server.shop.stats.batches == 1, 10, "the write is under way")
        await feed.revoked({0})
        assert record.of("A") == [(1, "applied")]
        assert feed.committed == 1
        feed.publish("A", 6)
        feed.reassign()
        await eventually(lambda: server.shop.stock() == {"A": 6}, 10, "and goes on when it is back")
    assert record.of("A") == [(1, "applied"), (2, "applied")]


async def test_when_outcomes_cannot_be_recorded_nothing_is_committed(
    server: ShopServer, feed: MemoryFeed, record: MemoryDeliveries
) -> None:
    server.shop.add_products(["A"])
    record.failing = True
    feed.publish("A", 5)
    with pytest.raises(ExceptionGroup) as raised:
        async with connected(server, feed, record):
            await eventually(lambda: server.shop.stock() == {"A": 5}, 10, "it is written")
    assert raised.group_contains(ConnectionError)
    assert feed.committed == 0
    record.failing = False
    async with connected(server, feed, record):
        await eventually(lambda: record.of("A") == [(1, "applied")], 10, "recorded after all")


async def test_a_connection_that_is_torn_down_waits_for_what_the_shop_still_does(
    server: ShopServer, feed: MemoryFeed, record: MemoryDeliveries
) -> None:
    server.shop.add_products(["A"])
    server.shop.item_written_s = 0.4
    feed.publish("A", 5)
    async with connected(server, feed, record, crash=True):
        await eventually(lambda: server.shop.stats.batches == 1, 10, "the write is under way")
    assert server.shop.stats.items_written == 1
    assert feed.committed == 0, "nobody knows what became of it"


async def test_a_shop_that_manages_no_stock_holds_the_channel_and_loses_nothing(
    server: ShopServer, feed: MemoryFeed, record: MemoryDeliveries
) -> None:
    server.shop.add_products(["A"])
    server.shop.catalogue.manage_stock_option = False
    feed.publish("A", 5)
    async with connected(server, feed, record, policy=RetryPolicy(0.01, 0.05, 3)) as connection:
        breaker = connection.breaker
        await eventually(lambda: breaker.is_open, 10, "halted")
        assert breaker.trouble is not None
        assert breaker.trouble.code == "stock_management_off"
        assert record.all == []
        server.shop.catalogue.manage_stock_option = True
        await eventually(lambda: server.shop.stock() == {"A": 5}, 10, "it heals by itself")
        await eventually(lambda: record.of("A") == [(1, "applied")], 10, "an outcome")


async def test_a_write_whose_answer_was_lost_is_read_back_and_not_repeated(
    server: ShopServer, feed: MemoryFeed, record: MemoryDeliveries
) -> None:
    server.shop.add_products(["A"])
    server.shop.faults.queue.append(Fault("lost", delay_s=1.0, path="batch"))
    feed.publish("A", 5)
    async with connected(server, feed, record, timeout_s=0.4):
        await eventually(lambda: record.of("A") == [(1, "applied")], 10, "an outcome")
    assert list(server.shop.written) == [("A", 5)]


async def test_what_the_shop_shows_already_is_looked_up_and_not_written(
    server: ShopServer, feed: MemoryFeed, record: MemoryDeliveries
) -> None:
    server.shop.add_products(["A", "B"], 5)
    for sku, quantity in [("A", 5), ("B", 6)]:
        feed.publish(sku, quantity)
    async with connected(server, feed, record):
        await eventually(lambda: len(record.all) == 2, 10, "two outcomes")
    assert list(server.shop.written) == [("B", 6)]
    assert record.of("A") == [(1, "applied")]
