"""Whatever is published, sold, edited by hand and lost meanwhile: Shopify ends up as it shall."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.sans_io import Talk

from stockfold.channels import Outcome, OutcomeKind, StockUpdate
from stockfold.channels.conformance import Fault
from stockfold.channels.shopify.fake import FakeShopify
from stockfold.channels.shopify.kind import KIND

SKUS = ("A", "B", "C", "D")
BERLIN, HAMBURG = "gid://shopify/Location/71", "gid://shopify/Location/72"

skus = st.sampled_from(SKUS)
units = st.integers(-3, 30)
steps = st.one_of(
    st.tuples(st.just("publish"), st.lists(st.tuples(skus, units, units), min_size=1, max_size=4)),
    st.tuples(st.just("sell"), skus, st.integers(1, 4)),
    st.tuples(st.just("edit"), skus, st.sampled_from([BERLIN, HAMBURG]), st.integers(0, 30)),
    st.tuples(st.just("fail"), st.sampled_from([f for f in Fault if f is not Fault.GARBAGE])),
    st.tuples(st.just("restart")),
    st.tuples(st.just("again")),
    st.tuples(st.just("relist"), skus),
    st.tuples(st.just("leave"), skus),
)


class _World:
    def __init__(self, *, names_stale: bool) -> None:
        self.shop = FakeShopify()
        self.shop.stock.names_stale = names_stale
        self.talk = Talk(KIND, self.shop)
        self.version = 0
        self.newest: dict[str, StockUpdate] = {}
        self.outcomes: dict[str, Outcome] = {}
        for sku in SKUS:
            self.shop.list(sku, 5)

    def publish(self, wanted: list[tuple[str, int, int]]) -> None:
        self.version += 1
        rows = {sku: (berlin, hamburg) for sku, berlin, hamburg in wanted}
        updates = [
            StockUpdate(
                sku,
                max(berlin, 0) + max(hamburg, 0),
                self.version,
                locations=(("berlin", berlin), ("hamburg", hamburg)),
            )
            for sku, (berlin, hamburg) in rows.items()
        ]
        self.newest |= {update.sku: update for update in updates}
        self.outcomes |= self.talk.run(*updates)

    def again(self) -> None:
        """What is wanted already is sent once more, as when somebody asks for it."""
        self.outcomes |= self.talk.run(*self.newest.values())

    def step(self, step: tuple[object, ...]) -> None:
        match step:
            case ("publish", list() as wanted):
                self.publish(wanted)
            case ("sell", str() as sku, int() as count):
                self.shop.sell(sku, count)
            case ("edit", str() as sku, str() as place, int() as count):
                level = self.shop.stock.named(sku)[0].levels.get(place)
                if level is not None:
                    level.available = count
            case ("fail", Fault() as fault):
                self.shop.fail(fault)
            case ("restart",):
                self.talk.restart()
            case ("again",):
                self.again()
            case ("relist", str() as sku):
                self.shop.unlist(sku)
                self.shop.list(sku, 1)
            case ("leave", str() as sku):
                self.shop.stock.named(sku)[0].levels.pop(HAMBURG, None)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(steps, max_size=20),
    st.tuples(units, units),
    st.lists(steps.filter(lambda step: step[0] != "publish"), max_size=6),
    st.booleans(),
)
def test_the_last_that_is_published_is_shown(
    history: list[tuple[object, ...]],
    last: tuple[int, int],
    after: list[tuple[object, ...]],
    names_stale: bool,
) -> None:
    world = _World(names_stale=names_stale)
    for step in history:
        world.step(step)
    world.publish([(sku, *last) for sku in SKUS])
    for step in after:
        world.step(step)
    world.again()
    for sku in SKUS:
        assert world.outcomes[sku].kind is OutcomeKind.APPLIED
        levels = world.shop.shows_at(sku)
        assert levels[BERLIN] == max(last[0], 0)
        assert levels.get(HAMBURG, max(last[1], 0)) == max(last[1], 0)
        is_short = HAMBURG not in levels and last[1] > 0
        assert (world.outcomes[sku].code == "not_stocked_there") == is_short
