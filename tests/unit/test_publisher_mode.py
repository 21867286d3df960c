"""What a mode writes, and whether progress made in another one counts."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from tests.support.memory_feed import MemoryDeliveries, MemoryFeed, connected
from tests.support.publishing import eventually
from tests.support.woo_shop import Shop, ShopServer

from stockfold.runtime.channel_modes import UNMARKED, mode_of_marks
from stockfold.runtime.settings import ChannelSettings, load
from stockfold.runtime.shop_publishing_settings import ShopPublishingSettings
from stockfold_services.publisher.mode import ALL, Mode, mode_of

SHADOW = Mode("shadow")
FEW = Mode("canary", frozenset({"A", "B"}))
OTHERS = Mode("canary", frozenset({"A", "C"}))
TOML = """
[[channels]]
name = "woo"
kind = "woocommerce"
url = "https://shop.example"
consumer_key = "env:K"
consumer_secret = "env:S"
"""


def test_shadow_writes_nothing_canary_its_skus_and_live_everything() -> None:
    assert [mode.writes("A") for mode in (SHADOW, FEW, ALL)] == [False, True, True]
    assert [mode.writes("Z") for mode in (SHADOW, FEW, ALL)] == [False, False, True]


@pytest.mark.parametrize(
    ("now", "before", "goes_on"),
    [
        (ALL, ALL.mark, True),
        (ALL, UNMARKED, True),
        (ALL, SHADOW.mark, False),
        (ALL, FEW.mark, False),
        (FEW, ALL.mark, True),
        (FEW, UNMARKED, True),
        (FEW, FEW.mark, True),
        (FEW, OTHERS.mark, False),
        (FEW, SHADOW.mark, False),
        (SHADOW, SHADOW.mark, True),
        (SHADOW, FEW.mark, True),
        (SHADOW, ALL.mark, True),
    ],
)
def test_a_mode_goes_on_only_where_all_that_it_writes_was_written(
    now: Mode, before: str, goes_on: bool
) -> None:
    assert now.may_go_on_from(before) is goes_on


def test_the_mark_of_canaries_is_of_the_set_and_short() -> None:
    again = Mode("canary", frozenset(["B", "A"]))
    assert again.mark == FEW.mark != OTHERS.mark
    assert Mode("canary", frozenset({"AB"})).mark != Mode("canary", frozenset({"A", "B"})).mark
    many = Mode("canary", frozenset(f"SKU-{n}" for n in range(1_000)))
    assert len(many.mark) < 100


def test_a_connection_is_in_shadow_until_somebody_says_otherwise(tmp_path: Path) -> None:
    (tmp_path / "stockfold.toml").write_text(TOML)
    (channel,) = load(tmp_path / "stockfold.toml").channels
    assert mode_of(channel.publishing) == SHADOW


@pytest.mark.parametrize(("mode", "holds"), [("live", True), ("canary", False), ("shadow", False)])
def test_orders_are_held_for_overselling_only_where_our_numbers_are_sold(
    mode: str, holds: bool
) -> None:
    publishing = {"mode": mode, "canary_skus": ["A"]}
    channel = ChannelSettings(
        name="woo",
        kind="woocommerce",
        url="https://shop.example",
        consumer_key="env:K",
        consumer_secret="env:S",
        orders={"hold_oversold": True},
        publishing=publishing,
    )
    assert channel.holds_oversold is holds


def test_canaries_named_for_later_are_not_written_in_shadow() -> None:
    publishing = ShopPublishingSettings(mode="shadow", canary_skus=["A"])
    assert not mode_of(publishing).writes("A")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"mode": "canary"}, "needs canary_skus"),
        ({"mode": "canary", "canary_skus": ["A", "B", "A"]}, "A is named more than once"),
        ({"mode": "canary", "canary_skus": [""]}, "at least 1 character"),
        ({"mode": "on"}, "'off', 'shadow', 'canary' or 'live'"),
    ],
)
def test_settings_that_mean_nothing_are_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ShopPublishingSettings(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mode", "written"),
    [(SHADOW, {"A": 0, "B": 0, "Z": 0}), (FEW, {"A": 7, "B": 8, "Z": 0})],
)
async def test_what_is_not_written_is_on_record_as_shadow_and_its_offset_is_committed(
    mode: Mode, written: dict[str, int]
) -> None:
    feed, record = MemoryFeed(), MemoryDeliveries()
    with ShopServer(Shop()) as server:
        server.shop.add_products(written, 0)
        async with connected(server, feed, record, mode=mode):
            for sku, quantity in {"A": 7, "B": 8, "Z": 9}.items():
                feed.publish(sku, quantity)
            await eventually(lambda: feed.committed == 3, 10, "all have their outcome")
        assert server.shop.stock(written) == written
        assert {sku for sku, _ in server.shop.written} == {s for s, q in written.items() if q}
        assert (server.shop.stats.requests == 0) is (mode is SHADOW)
    (last,) = [one for one in record.all if one.wanted.sku == "Z"]
    assert (last.kind.value, last.quantity, last.attempts) == ("shadow", 9, 0)


@pytest.mark.parametrize(
    ("marks", "in_force"),
    [
        ([], None),
        ([ALL.mark, UNMARKED], "live"),
        ([FEW.mark, FEW.mark], "canary"),
        ([FEW.mark, OTHERS.mark], "canary"),
        ([SHADOW.mark, ALL.mark], "changing"),
    ],
)
def test_marks_of_commits_say_which_mode_is_in_force(
    marks: list[str], in_force: str | None
) -> None:
    assert mode_of_marks(marks) == in_force
