"""The Shopify adapter finds items by SKU and sets their quantities by location."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from tests.support.sans_io import Talk
from tests.support.shopify_talk import BERLIN, HAMBURG, codes, next_of, operations, quantities_of

from stockfold.channels import (
    OutcomeKind,
    Promise,
    Purpose,
    Response,
    StockUpdate,
    TroubleKind,
)
from stockfold.channels.kinds import Terms
from stockfold.channels.port import Restored
from stockfold.channels.shopify.adapter import Shopify
from stockfold.channels.shopify.fake import FakeShopify
from stockfold.channels.shopify.kind import KIND
from stockfold.channels.shopify.terms import ShopifyOptions
from stockfold.domain.errors import SettingsError


@pytest.fixture
def shop() -> FakeShopify:
    return FakeShopify()


@pytest.fixture
def talk(shop: FakeShopify) -> Talk:
    return Talk(KIND, shop)


def test_an_item_is_looked_up_once_and_then_written_by_what_the_last_write_left(
    shop: FakeShopify, talk: Talk
) -> None:
    shop.list("A", 3)
    talk.show([("A", 5)], 1)
    talk.show([("A", 6)], 2)
    assert operations(talk) == ["StockBySku", "SetStock", "SetStock"]
    assert [row["changeFromQuantity"] for w in talk.writes() for row in quantities_of(w)] == [
        *(3, 0),
        *(5, 0),
    ]
    assert shop.shows_at("A") == {BERLIN: 6, HAMBURG: 0}


def test_what_the_shop_shows_already_is_not_written(shop: FakeShopify, talk: Talk) -> None:
    shop.list("A", 3)
    assert talk.show([("A", 3)])["A"].kind is OutcomeKind.APPLIED
    assert not talk.writes()


def test_each_location_gets_its_units(shop: FakeShopify, talk: Talk) -> None:
    shop.list("A", 1)
    update = StockUpdate("A", 9, 1, locations=(("berlin", 4), ("hamburg", 5)))
    assert talk.run(update)["A"].code == ""
    assert shop.shows_at("A") == {BERLIN: 4, HAMBURG: 5}


def test_units_of_a_location_that_has_no_name_there_are_told_and_not_shown(
    shop: FakeShopify, talk: Talk
) -> None:
    shop.list("A", 1)
    update = StockUpdate("A", 9, 1, locations=(("berlin", 4), ("munich", 5)))
    outcome = talk.run(update)["A"]
    assert (outcome.kind, outcome.code) == (OutcomeKind.APPLIED, "location_unmapped")
    assert shop.shows("A") == 4


def test_a_location_that_does_not_stock_an_item_is_left_out_and_told(
    shop: FakeShopify, talk: Talk
) -> None:
    shop.stock.add("A", {BERLIN: 1})
    update = StockUpdate("A", 9, 1, locations=(("berlin", 4), ("hamburg", 5)))
    outcome = talk.run(update)["A"]
    assert (outcome.kind, outcome.code) == (OutcomeKind.APPLIED, "not_stocked_there")
    assert shop.shows_at("A") == {BERLIN: 4}


def test_an_item_that_leaves_a_location_before_the_write_is_written_at_the_others(
    shop: FakeShopify, talk: Talk
) -> None:
    shop.list("A", 1)
    talk.show([("A", 2)], 1)
    del shop.stock.named("A")[0].levels[HAMBURG]
    assert talk.show([("A", 3)], 2)["A"].kind is OutcomeKind.APPLIED
    assert operations(talk)[-2:] == ["SetStock", "SetStock"]
    assert shop.shows_at("A") == {BERLIN: 3}


def test_an_item_that_none_of_our_locations_stocks_is_refused_with_what_to_do(
    shop: FakeShopify, talk: Talk
) -> None:
    shop.stock.add("A", {"gid://shopify/Location/73": 1})
    outcome = talk.show([("A", 9)])["A"]
    assert (outcome.kind, outcome.code) == (OutcomeKind.REJECTED, "not_stocked")


def test_an_untracked_item_is_refused_because_the_shop_would_sell_it_on(
    shop: FakeShopify, talk: Talk
) -> None:
    shop.list("A", 3)
    shop.stock.named("A")[0].tracked = False
    outcome = talk.show([("A", 5)])["A"]
    assert (outcome.kind, outcome.code) == (OutcomeKind.REJECTED, "not_tracked")
    restored = Restored(0, managed=False)
    assert talk.run(StockUpdate("A", 0, 2, restored=restored))["A"].kind is OutcomeKind.APPLIED


@pytest.mark.parametrize(("count", "code"), [(0, "sku_unknown"), (2, "sku_ambiguous")])
def test_a_sku_that_does_not_name_one_item_is_unmapped(
    shop: FakeShopify, talk: Talk, count: int, code: str
) -> None:
    for _ in range(count):
        shop.list("A", 3)
    outcome = talk.show([("A", 5)])["A"]
    assert (outcome.kind, outcome.code) == (OutcomeKind.UNMAPPED, code)


def test_a_sku_is_found_among_many_that_resemble_it(shop: FakeShopify, talk: Talk) -> None:
    for number in range(600):
        shop.list(f"SHIRT-{number}")
    shop.list("shirt")
    shop.list("SHIRT")
    assert talk.show([("SHIRT", 5)])["SHIRT"].kind is OutcomeKind.APPLIED
    assert (shop.shows("SHIRT"), shop.shows("shirt")) == (5, 0)
    assert len(shop.asked) == 5


def test_a_sku_that_too_many_resemble_is_not_taken_for_unknown(
    shop: FakeShopify, talk: Talk
) -> None:
    for number in range(4_000):
        shop.list(f"SHIRT-{number}")
    outcome = talk.show([("SHIRT", 5)])["SHIRT"]
    assert (outcome.kind, outcome.code) == (OutcomeKind.UNMAPPED, "sku_resembles_many")


@pytest.mark.parametrize("sku", ["it's", "a\\b", "sku:'x' OR y", "(1)", "ä-ö"])
def test_a_sku_of_odd_characters_is_found(shop: FakeShopify, talk: Talk, sku: str) -> None:
    shop.list(sku, 1)
    assert talk.show([(sku, 5)])[sku].kind is OutcomeKind.APPLIED


def test_an_item_that_got_another_sku_is_told_and_everything_is_looked_up_again(
    shop: FakeShopify, talk: Talk
) -> None:
    shop.list("A", 1)
    talk.show([("A", 2)], 1)
    shop.stock.named("A")[0].sku = "B"
    outcome = talk.show([("A", 3)], 2)["A"]
    assert "sku_moved" in codes(talk)
    assert (outcome.kind, outcome.code) == (OutcomeKind.UNMAPPED, "sku_unknown")


def test_a_bundle_is_refused_and_the_others_of_its_write_are_written(
    shop: FakeShopify, talk: Talk
) -> None:
    for sku in ("A", "B"):
        shop.list(sku, 1)
    shop.spoil("A")
    ended = talk.show([("A", 5), ("B", 5)])
    assert (ended["A"].kind, ended["A"].code) == (
        OutcomeKind.REJECTED,
        "NON_MUTABLE_INVENTORY_ITEM",
    )
    assert (ended["B"].kind, shop.shows("B")) == (OutcomeKind.APPLIED, 5)


def test_an_unknown_reason_is_a_matter_of_settings(shop: FakeShopify) -> None:
    talk = Talk(KIND, shop, reason="because")
    shop.list("A", 1)
    talk.ask(next_of(talk, [StockUpdate("A", 5, 1)]))
    trouble = talk.ask(next_of(talk, [StockUpdate("A", 5, 1)])).trouble
    assert trouble is not None
    assert (trouble.kind, trouble.code) == (TroubleKind.REFUSED, "INVALID_REASON")


def test_the_basis_gross_writes_what_is_on_hand(shop: FakeShopify) -> None:
    gross = FakeShopify(quantity="on_hand")
    talk = Talk(KIND, gross)
    gross.list("A", 10)
    gross.sell("A", 4)
    talk.run(StockUpdate("A", 12, 1, unseen=3))
    level = gross.stock.named("A")[0].levels[BERLIN]
    assert (level.get("on_hand"), level.available) == (12, 8)


@pytest.mark.parametrize(("ahead", "quantity"), [("zero", 0), ("stock", 7)])
def test_what_is_not_there_yet_is_shown_as_set(
    shop: FakeShopify, ahead: str, quantity: int
) -> None:
    talk = Talk(KIND, shop, ahead=ahead)
    update = StockUpdate("A", 7, 1, promise=Promise("preorder", 20_000))
    assert talk.adapter.to_show(update).quantity == quantity


@pytest.mark.parametrize(("quantity", "shown"), [(-5, 0), (0, 0), (10**12, 1_000_000_000), (7, 7)])
def test_quantities_are_clamped_to_what_shopify_takes(
    talk: Talk, quantity: int, shown: int
) -> None:
    assert talk.adapter.to_show(StockUpdate("A", quantity, 1)).quantity == shown


def test_what_was_there_before_us_is_restored_below_zero_too(shop: FakeShopify, talk: Talk) -> None:
    shop.list("A", 1)
    talk.run(StockUpdate("A", 0, 1, restored=Restored(-4)))
    assert shop.shows("A") == -4


def test_a_write_has_no_more_quantities_than_shopify_takes(shop: FakeShopify) -> None:
    talk = Talk(KIND, shop, quantities_max=7)
    for number in range(10):
        shop.list(f"S{number}")
    talk.show([(f"S{number}", 5) for number in range(10)])
    assert shop.items_most == 6


def test_a_shop_that_takes_fewer_quantities_gets_fewer(talk: Talk) -> None:
    updates = [StockUpdate(f"S{number}", 5, 1) for number in range(4)]
    for update in updates:
        talk.subject.list(update.sku)
    talk.ask(next_of(talk, updates))
    write = next_of(talk, updates)
    told = b'{"errors": [{"message": "x", "extensions": {"code": "MAX_INPUT_SIZE_EXCEEDED"}}]}'
    assert not talk.adapter.receive(write, Response(200, {}, told)).outcomes
    assert len(next_of(talk, updates).updates) == 2


def test_what_is_shown_can_be_read_before_and_after_it_is_known(
    shop: FakeShopify, talk: Talk
) -> None:
    shop.list("A", 3)
    update = StockUpdate("A", 5, 1)
    before = talk.ask(talk.adapter.read([update])).observed
    talk.run(update)
    asked = talk.adapter.read([update])
    after = talk.ask(asked).observed
    assert asked.purpose is Purpose.READ
    assert [(one.quantity, one.managed) for one in (*before, *after)] == [(3, True), (5, True)]


def test_orders_are_not_asked(talk: Talk) -> None:
    reading = talk.adapter.changed_orders(0)
    assert (reading.request, reading.latest_us) == (None, 0)


def test_a_channel_without_a_location_is_refused_when_it_is_made() -> None:
    terms = Terms("s", "https://s.example", lambda _: "token", ShopifyOptions(), {})
    with pytest.raises(SettingsError, match="no location"):
        Shopify(terms)


def test_options_that_nobody_knows_are_refused() -> None:
    with pytest.raises(ValidationError):
        ShopifyOptions.model_validate({"locations": "x"})
