"""How far each listing is, as the publisher tells it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from tests.support.memory_feed import MemoryDeliveries, MemoryFeed, connected
from tests.support.publishing import eventually
from tests.support.woo_shop import Shop, ShopServer

from stockfold.channels import OutcomeKind, StockUpdate
from stockfold.channels.port import Observed
from stockfold.explain.listing_states import difference
from stockfold_services.publisher.listings import Listings, State
from stockfold_services.publisher.wanted import Finished, Wanted


class Told:
    """The topic of listings, in memory; it may be away."""

    def __init__(self) -> None:
        self.latest: dict[str, dict[str, object]] = {}
        self.count = 0
        self.away = False

    async def tell(self, states: Sequence[tuple[str, State]]) -> None:
        """See ``States.tell``."""
        if self.away:
            raise ConnectionError("the log is not there")
        self.count += len(states)
        for sku, state in states:
            self.latest[sku] = {name: getattr(state, name) for name in State.__slots__}


def finished(
    version: int, quantity: int, kind: OutcomeKind = OutcomeKind.APPLIED, caused_us: int = 0
) -> Finished:
    wanted = Wanted("A", quantity, version, 0, version, caused_at_us=caused_us, recorded_at_us=70)
    return Finished(wanted, kind, quantity, 1, "", 90, 100)


def asked(listings: Listings, version: int, quantity: int, sent_us: int | None) -> None:
    listings.asked([(StockUpdate("A", quantity, version), quantity, 0)], sent_us)


async def told(listings: Listings) -> dict[str, object]:
    """What is told of listing A now."""
    topic = Told()
    await listings.tell(topic)
    return topic.latest["A"]


async def test_a_listing_is_desired_sent_accepted_applied_and_observed_in_turn() -> None:
    listings = Listings()
    asked(listings, 3, 5, None)
    listings.observed([Observed("A", 9, listing="4711")], 10)
    state = await told(listings)
    assert (state["desired_version"], state["sent_version"]) == (3, None)
    assert (state["observed_quantity"], state["observed_version"], state["listing"]) == (
        9,
        0,
        "4711",
    )
    asked(listings, 3, 5, 20)
    state = await told(listings)
    assert (state["sent_version"], state["sent_at"], state["accepted_version"]) == (3, 20, None)
    listings.observed([Observed("A", 5, written=5)], 30)
    listings.finished([finished(3, 5, caused_us=40)])
    state = await told(listings)
    assert (state["accepted_version"], state["applied_version"], state["applied_quantity"]) == (
        3, 3, 5,
    )  # fmt: skip
    assert (state["observed_version"], state["outcome"], state["took_us"]) == (3, "applied", 60)


async def test_a_write_that_was_taken_and_not_shown_is_accepted_and_not_applied() -> None:
    listings = Listings()
    asked(listings, 3, 5, 20)
    listings.observed([Observed("A", 4, written=5)], 30)
    listings.finished([finished(3, 5, OutcomeKind.REJECTED)])
    state = await told(listings)
    assert (state["accepted_version"], state["applied_version"]) == (3, None)
    assert (state["observed_quantity"], state["observed_version"]) == (4, 0)
    assert state["outcome"] == "rejected"


async def test_a_newer_version_opens_the_listing_and_a_superseded_one_says_nothing() -> None:
    listings = Listings()
    listings.finished([finished(3, 5), finished(4, 6, OutcomeKind.SUPERSEDED)])
    assert (await told(listings))["applied_version"] == 3
    asked(listings, 5, 7, None)
    state = await told(listings)
    assert (state["desired_version"], state["outcome"], state["applied_version"]) == (5, "", 3)


async def test_an_outcome_of_the_ledgers_own_timer_is_timed_from_its_decision() -> None:
    assert finished(1, 5).took_us == 30
    assert finished(1, 5, OutcomeKind.REJECTED, caused_us=40).took_us is None


async def test_only_news_are_told_and_they_wait_while_the_log_is_away() -> None:
    listings, topic = Listings(), Told()
    listings.finished([finished(3, 5)])
    topic.away = True
    with pytest.raises(ConnectionError):
        await listings.tell(topic)
    listings.finished([finished(4, 6)])
    topic.away = False
    await listings.tell(topic)
    await listings.tell(topic)
    assert topic.count == 1
    assert topic.latest["A"]["applied_version"] == 4


async def test_a_partition_that_went_to_somebody_else_is_forgotten() -> None:
    listings, topic = Listings(), Told()
    listings.finished([finished(3, 5)])
    listings.drop(0)
    await listings.tell(topic)
    assert (len(listings), topic.latest) == (0, {})


@pytest.fixture
def server() -> Iterator[ShopServer]:
    with ShopServer(Shop()) as server:
        yield server


async def test_a_connection_tells_how_far_its_listings_are(server: ShopServer) -> None:
    (product,) = server.shop.add_products(["A"], quantity=2)
    feed, record, topic = MemoryFeed(), MemoryDeliveries(), Told()
    feed.publish("A", 5)
    feed.publish("NOBODY", 1)
    async with connected(server, feed, record, states=topic):
        await eventually(lambda: len(topic.latest) == 2, 10, "both are told")
        await eventually(lambda: topic.latest["A"]["outcome"] == "applied", 10, "the outcome too")
    a, nobody = topic.latest["A"], topic.latest["NOBODY"]
    assert [a[f"{n}_version"] for n in ("desired", "sent", "accepted", "applied", "observed")] == [
        1
    ] * 5
    assert (a["listing"], a["observed_quantity"]) == (str(product.id), 5)
    assert (nobody["outcome"], nobody["sent_version"]) == ("unmapped", None)


@pytest.mark.parametrize(
    ("expected", "desired", "told_of", "outcome", "sent", "accepted", "applied", "observed"),
    [
        ("", 3, 3, "applied", 3, 3, 3, 3),
        ("", 3, 3, "applied", None, None, 3, None),
        ("drifted", 3, 3, "applied", 3, 3, 3, 0),
        ("shadow", 3, 3, "shadow", None, None, None, 0),
        ("refused", 3, 3, "rejected", 3, 3, 2, 0),
        ("refused", 3, 3, "unmapped", None, None, None, None),
        ("waiting", 4, 3, "rejected", 3, 3, 2, 0),
        ("waiting", 1, 0, "", None, None, None, None),
        ("unanswered", 3, 3, "", 3, 2, 2, 2),
        ("not_shown", 3, 3, "", 3, 3, 2, 0),
    ],
)
def test_why_a_listing_differs(
    expected: str,
    desired: int,
    told_of: int,
    outcome: str,
    sent: int | None,
    accepted: int | None,
    applied: int | None,
    observed: int | None,
) -> None:
    assert difference(desired, told_of, outcome, sent, accepted, applied, observed) == expected
