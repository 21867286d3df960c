"""Shopify: tokens of a day, points, and versions of the API."""

from __future__ import annotations

import pytest
from tests.support.sans_io import Talk
from tests.support.shopify_talk import BERLIN, next_of, quantities_of

from stockfold.channels import (
    Metered,
    OutcomeKind,
    Renewing,
    Response,
    StockUpdate,
    TroubleKind,
)
from stockfold.channels.conformance import Fault
from stockfold.channels.kinds import Terms
from stockfold.channels.shopify.adapter import Shopify
from stockfold.channels.shopify.fake import FakeShopify
from stockfold.channels.shopify.kind import KIND
from stockfold.channels.shopify.terms import ShopifyOptions


@pytest.fixture
def shop() -> FakeShopify:
    return FakeShopify()


@pytest.fixture
def talk(shop: FakeShopify) -> Talk:
    return Talk(KIND, shop)


def test_one_sale_among_many_is_found_for_a_few_points(shop: FakeShopify, talk: Talk) -> None:
    skus = [f"S{number}" for number in range(100)]
    for sku in skus:
        shop.list(sku, 10)
    talk.show([(sku, 9) for sku in skus], 1)
    shop.sell("S77", 2)
    talk.requests.clear()
    talk.show([(sku, 5) for sku in skus], 2)
    assert {shop.shows(sku) for sku in skus} == {5}
    assert isinstance(talk.adapter, Metered)
    points = sum(talk.adapter.charges(request)[0].cost for request in talk.requests)
    assert points <= 250
    assert max(outcome.update.failures for outcome in talk.outcomes) == 0


def test_an_old_version_is_spoken_in_its_own_words() -> None:
    old = FakeShopify(version="2025-10")
    talk = Talk(KIND, old)
    old.list("A", 3)
    assert talk.show([("A", 5)])["A"].kind is OutcomeKind.APPLIED
    (write,) = talk.writes()
    assert "compareQuantity" in quantities_of(write)[0]
    assert "@idempotent" not in write.json["query"]


def test_the_wrong_words_for_a_version_are_a_matter_of_settings(shop: FakeShopify) -> None:
    shop.list("A", 3)
    talk = Talk(KIND, shop, compare="compareQuantity")
    talk.ask(next_of(talk, [StockUpdate("A", 5, 1)]))
    trouble = talk.ask(next_of(talk, [StockUpdate("A", 5, 1)])).trouble
    assert trouble is not None
    assert (trouble.kind, trouble.code) == (TroubleKind.REFUSED, "INVALID_VARIABLE")


def test_a_version_that_has_ended_is_a_warning(shop: FakeShopify, talk: Talk) -> None:
    shop.list("A", 3)
    shop.served = "2026-07"
    outcome = talk.show([("A", 5)])["A"]
    assert (outcome.kind, outcome.code) == (OutcomeKind.APPLIED, "api_version_ended")


def test_a_token_that_is_not_taken_any_more_is_renewed_and_nothing_is_lost(
    shop: FakeShopify, talk: Talk
) -> None:
    shop.list("A", 3)
    shop.fail(Fault.EXPIRED)
    assert talk.show([("A", 5)])["A"].kind is OutcomeKind.APPLIED
    assert not talk.troubles


def test_tokens_of_a_day_are_renewed_before_they_end(shop: FakeShopify, talk: Talk) -> None:
    shop.list("A", 3)
    talk.show([("A", 5)], 1)
    assert isinstance(talk.adapter, Renewing)
    assert talk.adapter.renewal(int(shop.now_s)) is None
    shop.advance(86_399 - 60)
    assert talk.adapter.renewal(int(shop.now_s)) is not None


def test_an_access_token_given_as_it_is_is_sent_and_read_anew_each_time() -> None:
    tokens = iter(["shpat_one", "shpat_two"])
    terms = Terms("s", "https://s.example", lambda _: next(tokens), ShopifyOptions(), {"a": BERLIN})
    adapter = Shopify(terms)
    request = adapter.probe([StockUpdate("A", 1, 1)])
    sent = [dict(adapter.authorize(request, 0, str(n)).headers) for n in range(2)]
    assert [headers["x-shopify-access-token"] for headers in sent] == ["shpat_one", "shpat_two"]
    assert adapter.renewal(0) is None
    assert adapter.receive(request, Response(401, {}, b"{}")).trouble is not None


def test_points_are_charged_to_the_apps_bucket_in_the_shop_as_the_shop_tells_them(
    shop: FakeShopify, talk: Talk
) -> None:
    shop.list("A", 3)
    assert isinstance(talk.adapter, Metered)
    search = next_of(talk, [StockUpdate("A", 5, 1)])
    (charge,) = talk.adapter.charges(search)
    assert charge.bucket == "shopify imitated.myshopify.com imitated-app"
    assert (charge.per_s, charge.burst) == (100.0, 2_000.0)
    ((bucket, left),) = talk.ask(search).levels
    assert bucket == charge.bucket
    (learned,) = talk.adapter.charges(search)
    assert learned.cost == 2_000.0 - left <= charge.cost
    write = next_of(talk, [StockUpdate("A", 5, 1)])
    assert talk.adapter.charges(write)[0].cost == 13.0


def test_a_throttled_request_waits_until_the_bucket_holds_it(shop: FakeShopify, talk: Talk) -> None:
    shop.list("A", 3)
    shop.fail(Fault.THROTTLED)
    trouble = talk.ask(next_of(talk, [StockUpdate("A", 5, 1)])).trouble
    assert trouble is not None
    assert (trouble.kind, trouble.code) == (TroubleKind.LIMITED, "THROTTLED")
    assert 0 < (trouble.retry_after_s or 0) < 1


def test_no_question_can_cost_more_than_shopify_takes() -> None:
    places = {f"l{number}": f"gid://shopify/Location/{number}" for number in range(60)}
    terms = Terms("s", "https://s.example", lambda _: "token", ShopifyOptions(), places)
    adapter = Shopify(terms)
    updates = [StockUpdate(f"S{number}", 1, 1) for number in range(300)]
    request = adapter.next_request(updates)
    assert request is not None
    assert adapter.charges(request)[0].cost <= 1_000
