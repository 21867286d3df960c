"""A channel that has work and gets nothing done raises an alert, once."""

from __future__ import annotations

from tests.support.memory_feed import MemoryDeliveries, MemoryFeed, connected
from tests.support.publishing import eventually
from tests.support.woo_shop import Shop, ShopServer

from stockfold_services.publisher.frozen import Progress
from stockfold_services.publisher.pace import Limits


def test_work_without_any_outcome_for_so_long_is_frozen_and_one_outcome_ends_it() -> None:
    progress = Progress(300.0)
    assert not progress.look(0.0, has_work=True, done=5)
    assert not progress.look(299.0, has_work=True, done=5)
    assert progress.look(300.0, has_work=True, done=5)
    assert progress.is_frozen
    assert not progress.look(400.0, has_work=True, done=5), "told once"
    assert progress.look(401.0, has_work=True, done=6)
    assert not progress.is_frozen


def test_a_channel_that_moves_or_rests_is_not_frozen() -> None:
    progress = Progress(300.0)
    for second in range(0, 1_000, 100):
        assert not progress.look(second, has_work=True, done=second)
    assert not progress.look(5_000.0, has_work=False, done=900)
    assert not progress.look(5_299.0, has_work=True, done=900), "the work came only then"
    assert progress.look(5_300.0, has_work=True, done=900)


class Told:
    """Alerts, in memory."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str]] = []

    async def alert(self, kind: str, reason: str, remedy: str) -> None:
        """See ``Alerts.alert``."""
        assert remedy
        self.all.append((kind, reason))


async def test_a_shop_that_refuses_the_key_freezes_its_channel() -> None:
    feed, record, told = MemoryFeed(), MemoryDeliveries(), Told()
    with ShopServer(Shop()) as server:
        server.shop.add_products(["A"])
        server.shop.keys.permissions = "read"
        feed.publish("A", 5)
        limits = Limits(frozen_after_s=1.0)
        async with connected(server, feed, record, alerts=told, limits=limits):
            await eventually(lambda: bool(told.all), 20, "an alert")
            server.shop.keys.permissions = "read_write"
            await eventually(lambda: server.shop.stock() == {"A": 5}, 20, "nothing was lost")
    ((kind, reason),) = told.all
    assert kind == "channel_frozen"
    assert "refused" in reason
