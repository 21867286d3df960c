"""The Shopify adapter, talking to an imitated shop in memory."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from tests.support.sans_io import Talk

from stockfold.channels import (
    Metered,
    Outcome,
    OutcomeKind,
    Promise,
    Purpose,
    Renewing,
    Request,
    Response,
    StockUpdate,
    TroubleKind,
)
from stockfold.channels.conformance import Fault
from stockfold.channels.kinds import Terms
from stockfold.channels.port import Restored
from stockfold.channels.shopify.adapter import Shopify
from stockfold.channels.shopify.fake import FakeShopify
from stockfold.channels.shopify.kind import KIND
from stockfold.channels.shopify.terms import ShopifyOptions
from stockfold.domain.errors import SettingsError

BERLIN, HAMBURG = "gid://shopify/Location/71", "gid://shopify/Location/72"


@pytest.fixture
def shop() -> FakeShopify:
    return FakeShopify()


@pytest.fixture
def talk(shop: FakeShopify) -> Talk:
    return Talk(KIND, shop)


def _operations(talk: Talk) -> list[str]:
    return [request.json["operationName"] for request in talk.requests]


def _quantities(request: Request) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = request.json["variables"]["input"]["quantities"]
    return rows


def _codes(talk: Talk) -> list[str]:
    return [outcome.code for outcome in talk.outcomes]


def test_an_item_is_looked_up_once_and_then_written_by_what_the_last_write_left(
    shop: FakeShopify, talk: Talk
) -> None:
    shop.list("A", 3)
    talk.show([("A", 5)], 1)
    talk.show([("A", 6)], 2)
    assert _operations(talk) == ["StockBySku", "SetStock", "SetStock"]
    assert [row["changeFromQuantity"] for w in talk.writes() for row in _quantities(w)] == [
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
    assert _operations(talk)[-2:] == ["SetStock", "SetStock"]
    assert shop.shows_at("A") == {BERLIN: 3}


def test_an_item_that_none_of_our_locations_stocks_is_refused_with_what_to_do(
    shop: FakeShopify, talk: Talk
) -> None:
    shop.stock.add("A", {"gid://shopify/Location/73": 1})
    outcome = talk.show([("A", 9)])["A"]
    assert (outcome.kind, outcome.code) == (OutcomeKind.REJECTED, "not_stocked")


@pytest.mark.parametrize("names_stale", [True, False])
def test_a_sale_undoes_the_write_and_that_item_is_asked_and_written_alone(
    shop: FakeShopify, talk: Talk, names_stale: bool
) -> None:
    shop.stock.names_stale = names_stale
    for sku in ("A", "B", "C"):
        shop.list(sku, 10)
    talk.show([("A", 9), ("B", 9), ("C", 9)], 1)
    shop.sell("B", 2)
    talk.requests.clear()
    talk.show([("A", 5), ("B", 5), ("C", 5)], 2)
    told = [(r.json["operationName"], "".join(u.sku for u in r.updates)) for r in talk.requests]
    if names_stale:
        asked = [("SetStock", "AC"), ("StockById", "B")]
    else:
        asked = [("StockById", "ABC"), ("SetStock", "AC")]
    assert told == [("SetStock", "ABC"), *asked, ("SetStock", "B")]
    assert [shop.shows(sku) for sku in ("A", "B", "C")] == [5, 5, 5]


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


def test_writes_that_sales_undo_again_and_again_are_made_later_and_smaller(
    talk: Talk,
) -> None:
    skus = [f"S{number}" for number in range(30)]
    for sku in skus:
        talk.subject.list(sku, 10)
    updates = [StockUpdate(sku, 5, 1) for sku in skus]
    talk.ask(_next(talk, updates))
    body = b'{"data": {"inventorySetQuantities": {"userErrors": [%s]}}}'
    stale = body % b'{"code": "CHANGE_FROM_QUANTITY_STALE", "field": null, "message": "x"}'
    ended: list[Outcome] = []
    for _ in range(30):
        request = _next(talk, updates)
        if request.purpose is not Purpose.WRITE:
            talk.ask(request)
            continue
        ended += talk.adapter.receive(request, Response(200, {}, stale)).outcomes
        if ended:
            break
    assert {(one.kind, one.whole_request) for one in ended} == {(OutcomeKind.RETRYABLE, True)}


def test_after_a_sale_units_are_added_only_when_the_order_had_time_to_come(
    shop: FakeShopify, talk: Talk
) -> None:
    shop.list("A", 10)
    talk.show([("A", 9)], 1)
    shop.sell("A", 2)
    before_s = shop.now_s
    talk.show([("A", 20)], 2)
    assert "sold_meanwhile" in _codes(talk)
    assert shop.now_s - before_s >= 5.0
    assert shop.shows("A") == 20


def test_after_a_sale_a_zero_goes_out_at_once(shop: FakeShopify, talk: Talk) -> None:
    shop.list("A", 10)
    talk.show([("A", 9)], 1)
    shop.sell("A", 2)
    before_s = shop.now_s
    talk.show([("A", 0)], 2)
    assert (shop.now_s, shop.shows("A")) == (before_s, 0)


def test_a_sale_that_we_know_of_already_is_no_write_at_all(shop: FakeShopify, talk: Talk) -> None:
    shop.list("A", 10)
    talk.show([("A", 9)], 1)
    shop.sell("A", 2)
    talk.show([("A", 7)], 2)
    assert [quantity for _, quantity in shop.writes] == [9]


def test_an_item_that_sells_again_and_again_is_retried_later(shop: FakeShopify, talk: Talk) -> None:
    shop.list("A", 10)
    talk.show([("A", 9)], 1)
    (update,) = updates = [StockUpdate("A", 5, 2)]
    shop.sell("A", 1)
    talk.ask(_next(talk, updates))
    talk.ask(_next(talk, updates))
    shop.sell("A", 1)
    (outcome,) = talk.ask(_next(talk, updates)).outcomes
    assert (outcome.update, outcome.kind) == (update, OutcomeKind.RETRYABLE)
    assert outcome.retry_after_s == 5.0
    assert talk.show([("A", 5)], 2)["A"].kind is OutcomeKind.APPLIED


def _next(talk: Talk, updates: list[StockUpdate]) -> Request:
    request = talk.adapter.next_request(updates)
    assert request is not None
    return request


def test_when_sales_undo_two_writes_in_a_row_everything_in_the_second_is_asked_anew(
    shop: FakeShopify, talk: Talk
) -> None:
    shop.stock.names_stale = True
    skus = [f"S{number}" for number in range(4)]
    for sku in skus:
        shop.list(sku, 10)
    talk.show([(sku, 9) for sku in skus], 1)
    updates = [StockUpdate(sku, 5, 2) for sku in skus]
    shop.sell("S0", 1)
    talk.ask(_next(talk, updates))
    shop.sell("S1", 1)
    talk.ask(_next(talk, updates[1:]))
    asked = _next(talk, updates[1:])
    assert [u.sku for u in asked.updates] == ["S1", "S2", "S3"]
    assert asked.json["operationName"] == "StockById"


def test_an_answer_that_got_lost_is_read_back_and_nothing_is_written_twice(
    shop: FakeShopify, talk: Talk
) -> None:
    shop.list("A", 3)
    request = _next(talk, [StockUpdate("A", 5, 1)])
    talk.ask(request)
    shop.fail(Fault.LOST)
    assert talk.show([("A", 5)])["A"].kind is OutcomeKind.APPLIED
    assert shop.writes == (("A", 5),)


def test_a_write_after_a_lost_answer_is_not_taken_for_the_lost_one(
    shop: FakeShopify, talk: Talk
) -> None:
    shop.list("A", 3)
    talk.show([("A", 5)], 1)
    shop.fail(Fault.LOST)
    talk.show([("A", 5)], 1)
    shop.sell("A", 1)
    talk.show([("A", 5)], 1)
    assert shop.shows("A") == 5


def test_the_key_stays_the_same_until_a_write_was_answered(shop: FakeShopify, talk: Talk) -> None:
    shop.list("A", 3)
    talk.ask(_next(talk, [StockUpdate("A", 5, 1)]))
    shop.fail(Fault.THROTTLED)
    updates = [StockUpdate("A", 5, 1)]
    first = _next(talk, updates)
    assert talk.ask(first).trouble is not None
    again = _next(talk, updates)
    shop.advance(20)
    assert talk.ask(again).outcomes[0].kind is OutcomeKind.APPLIED
    third = _next(talk, updates)
    keys = [request.json["variables"]["key"] for request in (first, again, third)]
    assert keys[0] == keys[1] != keys[2]


def test_a_key_is_no_key_of_the_life_before(shop: FakeShopify, talk: Talk) -> None:
    shop.list("A", 3)
    talk.show([("A", 5)], 1)
    shop.stock.named("A")[0].levels[BERLIN].available = 3  # By hand, in the shop.
    talk.restart()
    assert talk.show([("A", 5)], 1)["A"].kind is OutcomeKind.APPLIED
    assert shop.shows("A") == 5


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
    assert "sku_moved" in _codes(talk)
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
    talk.ask(_next(talk, [StockUpdate("A", 5, 1)]))
    trouble = talk.ask(_next(talk, [StockUpdate("A", 5, 1)])).trouble
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


def test_units_that_are_sold_there_already_are_taken_off_where_most_are(talk: Talk) -> None:
    update = StockUpdate("A", 9, 1, unseen=3, locations=(("berlin", 4), ("hamburg", 5)))
    shown = talk.adapter.to_show(update)
    assert (shown.quantity, shown.locations) == (6, ((BERLIN, 4), (HAMBURG, 2)))


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
    talk.ask(_next(talk, updates))
    write = _next(talk, updates)
    told = b'{"errors": [{"message": "x", "extensions": {"code": "MAX_INPUT_SIZE_EXCEEDED"}}]}'
    assert not talk.adapter.receive(write, Response(200, {}, told)).outcomes
    assert len(_next(talk, updates).updates) == 2


def test_an_old_version_is_spoken_in_its_own_words() -> None:
    old = FakeShopify(version="2025-10")
    talk = Talk(KIND, old)
    old.list("A", 3)
    assert talk.show([("A", 5)])["A"].kind is OutcomeKind.APPLIED
    (write,) = talk.writes()
    assert "compareQuantity" in _quantities(write)[0]
    assert "@idempotent" not in write.json["query"]


def test_the_wrong_words_for_a_version_are_a_matter_of_settings(shop: FakeShopify) -> None:
    shop.list("A", 3)
    talk = Talk(KIND, shop, compare="compareQuantity")
    talk.ask(_next(talk, [StockUpdate("A", 5, 1)]))
    trouble = talk.ask(_next(talk, [StockUpdate("A", 5, 1)])).trouble
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
    search = _next(talk, [StockUpdate("A", 5, 1)])
    (charge,) = talk.adapter.charges(search)
    assert charge.bucket == "shopify imitated.myshopify.com imitated-app"
    assert (charge.per_s, charge.burst) == (100.0, 2_000.0)
    ((bucket, left),) = talk.ask(search).levels
    assert bucket == charge.bucket
    (learned,) = talk.adapter.charges(search)
    assert learned.cost == 2_000.0 - left <= charge.cost
    write = _next(talk, [StockUpdate("A", 5, 1)])
    assert talk.adapter.charges(write)[0].cost == 13.0


def test_a_throttled_request_waits_until_the_bucket_holds_it(shop: FakeShopify, talk: Talk) -> None:
    shop.list("A", 3)
    shop.fail(Fault.THROTTLED)
    trouble = talk.ask(_next(talk, [StockUpdate("A", 5, 1)])).trouble
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


def _answered(talk: Talk, errors: str) -> tuple[Outcome, ...]:
    talk.subject.list("A", 3)
    updates = [StockUpdate("A", 5, 1)]
    talk.ask(_next(talk, updates))
    body = f'{{"data": {{"inventorySetQuantities": {{"userErrors": [{errors}]}}}}}}'
    return talk.adapter.receive(_next(talk, updates), Response(200, {}, body.encode())).outcomes


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", OutcomeKind.RETRYABLE),
        ("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", OutcomeKind.RETRYABLE),
        ("SOMETHING_NEW", OutcomeKind.REJECTED),
    ],
)
def test_an_error_that_names_no_item_is_that_of_the_only_one(
    talk: Talk, code: str, kind: OutcomeKind
) -> None:
    (outcome,) = _answered(talk, f'{{"code": "{code}", "field": null, "message": "no"}}')
    assert (outcome.kind, outcome.code) == (kind, code)
