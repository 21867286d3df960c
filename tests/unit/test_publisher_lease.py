"""A connection has one owner, and whoever may no longer be it sends nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from aiokafka.cluster import ClusterMetadata
from tests.support.memory_feed import MemoryDeliveries, MemoryFeed, channel, connected
from tests.support.publishing import eventually
from tests.support.woo_shop import Shop, ShopServer

from stockfold.channels import Failure, Purpose, Request
from stockfold.runtime.channel_adapters import adapter_of
from stockfold.runtime.clock import SYSTEM_CLOCK, ManualClock
from stockfold.runtime.shop_http import Transport
from stockfold_services.publisher.lease import Lease, OneOwner

MEMBERS = [f"member-{n}" for n in range(5)]


@pytest.fixture
def server() -> Iterator[ShopServer]:
    with ShopServer(Shop()) as server:
        yield server


class Cluster(ClusterMetadata):  # type: ignore[misc] # aiokafka ships no types
    """Two partitions of every topic."""

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0, 1}


def owner(members: list[str]) -> str:
    """Who is given everything; the others must be given nothing."""
    told = OneOwner.assign(Cluster(), {m: OneOwner.metadata(["availability"]) for m in members})
    assert told.keys() == set(members)
    owners = [member for member, given in told.items() if given.partitions()]
    assert len(owners) == 1
    assert len(told[owners[0]].partitions()) == 2
    return owners[0]


def test_every_partition_goes_to_one_member() -> None:
    assert owner(MEMBERS) in MEMBERS


def test_only_the_connections_of_whoever_comes_or_goes_are_moved() -> None:
    before = owner(MEMBERS)
    for member in MEMBERS:
        if member != before:
            assert owner([m for m in MEMBERS if m != member]) == before


def test_a_lease_holds_from_the_start_of_a_proof_and_not_for_ever() -> None:
    clock = ManualClock(1_000_000_000)
    lease = Lease(clock, 5.0)
    assert not lease.holds, "nothing is proved yet"
    began = lease.now()
    clock.sleep(3)
    lease.proved(began)
    assert lease.holds
    clock.sleep(1.9)
    assert lease.holds
    clock.sleep(0.1)
    assert not lease.holds
    lease.proved(lease.now())
    assert lease.holds


def test_an_older_proof_that_arrives_late_changes_nothing() -> None:
    clock = ManualClock(1_000_000_000)
    lease = Lease(clock, 5.0)
    early = lease.now()
    clock.sleep(4)
    lease.proved(lease.now())
    lease.proved(early)
    clock.sleep(2)
    assert lease.holds


def test_a_lease_that_was_lost_needs_a_new_proof() -> None:
    clock = ManualClock()
    lease = Lease(clock, 5.0)
    lease.proved(lease.now())
    lease.lost()
    assert not lease.holds
    lease.proved(lease.now())
    assert lease.holds


class _Suspended(ManualClock):
    """Wall time goes on while the machine sleeps, its monotonic seconds do not."""

    def monotonic_s(self) -> float:
        return 0.0


def test_a_machine_that_was_suspended_holds_no_lease() -> None:
    clock = _Suspended()
    lease = Lease(clock, 5.0)
    lease.proved(lease.now())
    assert lease.holds
    clock.sleep(6)
    assert not lease.holds


async def test_a_request_is_not_sent_when_the_lease_ends_while_it_connects(
    server: ShopServer,
) -> None:
    settings = channel(server)
    adapter = adapter_of(settings)
    request = Request(Purpose.LOOK_UP, "GET", "/wp-json/wc/v3/products", ())
    async with Transport(settings, adapter, SYSTEM_CLOCK, may_send=lambda: False) as transport:
        answer = await transport.perform(request)
    assert isinstance(answer, Failure)
    assert answer.code == "connect", "nothing was said, so nothing is unclear"
    assert server.shop.stats.requests == 0


async def test_without_a_lease_nothing_is_written_and_with_the_next_one_everything_is(
    server: ShopServer,
) -> None:
    server.shop.add_products(["A", "B"])
    feed, record = MemoryFeed(), MemoryDeliveries()
    feed.publish("A", 4)
    async with connected(server, feed, record):
        await eventually(lambda: len(record.all) == 1, 10, "the first")
        feed.refusing = True
        requests = server.shop.stats.requests
        await eventually(lambda: feed.refused > 0, 10, "somebody else may be the owner")
        feed.publish("B", 7)
        await eventually(lambda: feed.refused > 2, 10, "still refused")
        assert server.shop.stats.requests == requests
        feed.refusing = False
        await eventually(lambda: len(record.all) == 2, 10, "the second")
    assert server.shop.stock() == {"A": 4, "B": 7}
