"""The eBay adapter against the imitated eBay: what is written, when, and what answers mean."""

from __future__ import annotations

import msgspec
import pytest
from tests.support.ebay import Seller, update

from stockfold.channels.conformance import Fault
from stockfold.channels.ebay.fake import FakeEbay
from stockfold.channels.port import (
    Metered,
    OutcomeKind,
    Promise,
    Purpose,
    Renewing,
    Response,
    Restored,
    TroubleKind,
)

BULK = "/bulk_update_price_quantity"


@pytest.fixture
def seller() -> Seller:
    seller = Seller()
    for sku in ("tea", "cup", "pot"):
        seller.ebay.list(sku, 1)
    return seller


def test_both_quantities_are_written(seller: Seller) -> None:
    outcomes = seller.publish(update("tea", 7))
    assert outcomes["tea"].kind is OutcomeKind.APPLIED
    item = seller.ebay.store.items["tea"]
    assert (item.quantity, item.live[0].quantity) == (7, 7)


def test_the_offers_of_a_sku_are_looked_up_once(seller: Seller) -> None:
    seller.publish(update("tea", 7))
    seller.publish(update("tea", 6, 2))
    assert seller.count("/offer") == 1


def test_offers_are_looked_up_again_after_a_day(seller: Seller) -> None:
    seller.publish(update("tea", 7))
    seller.ebay.advance(86_400)
    seller.turn([update("pot", 3)])
    seller.publish(update("tea", 6, 2))
    assert seller.count("/offer") == 3


def test_every_live_offer_of_a_sku_is_written(seller: Seller) -> None:
    second = seller.ebay.offer("tea", 1)
    seller.publish(update("tea", 9))
    assert second.quantity == 9


def test_offers_of_other_marketplaces_can_be_left_out(seller: Seller) -> None:
    second = seller.ebay.offer("tea", 1)
    second.marketplace = "EBAY_US"
    chooser = Seller(seller.ebay, marketplaces=["EBAY_DE"])
    chooser.publish(update("tea", 9))
    assert second.quantity == 1


def test_a_sku_without_any_offer_is_unmapped(seller: Seller) -> None:
    assert seller.publish(update("saucer", 5))["saucer"].kind is OutcomeKind.UNMAPPED


def test_an_offer_that_is_not_published_is_unmapped(seller: Seller) -> None:
    seller.ebay.store.items["tea"].offers[0].published = False
    told = seller.publish(update("tea", 5))["tea"]
    assert (told.kind, told.detail) == (
        OutcomeKind.UNMAPPED,
        "it has offers, but none is published",
    )


def test_a_sku_that_was_taken_off_is_found_out_by_its_write(seller: Seller) -> None:
    seller.publish(update("tea", 7))
    seller.ebay.unlist("tea")
    assert seller.publish(update("tea", 6, 2))["tea"].kind is OutcomeKind.UNMAPPED


def test_negative_stock_is_shown_as_none(seller: Seller) -> None:
    seller.publish(update("tea", -3))
    assert seller.ebay.shows("tea") == 0


def test_no_more_is_shown_than_the_options_allow() -> None:
    seller = Seller(shown_at_most=10)
    seller.ebay.list("tea", 1)
    seller.publish(update("tea", 5_000))
    assert seller.ebay.shows("tea") == 10


def test_units_that_are_still_to_come_are_not_shown_as_stock(seller: Seller) -> None:
    seller.publish(update("tea", 4, promise=Promise("preorder", 20_000)))
    assert seller.ebay.shows("tea") == 0


def test_preorders_are_shown_as_stock_where_the_options_say_so() -> None:
    seller = Seller(preorders="stock")
    seller.ebay.list("tea", 1)
    seller.publish(update("tea", 4, promise=Promise("preorder", 20_000)))
    assert seller.ebay.shows("tea") == 4


def test_a_listing_is_restored_to_what_it_was(seller: Seller) -> None:
    seller.publish(update("tea", 4, restored=Restored(12)))
    assert seller.ebay.shows("tea") == 12


# Locations.


def test_units_are_distributed_over_the_locations_that_have_a_name(seller: Seller) -> None:
    places = (("berlin", 4), ("hamburg", 2), ("attic", 1))
    seller.publish(update("tea", 7, locations=places))
    assert seller.ebay.shows_at("tea") == {"WH-BER": 4, "WH-HAM": 2}
    assert seller.ebay.shows("tea") == 7


def test_a_distribution_never_exceeds_the_quantity(seller: Seller) -> None:
    places = (("berlin", 4), ("hamburg", 2))
    seller.publish(update("tea", 6, unseen=3, locations=places))
    assert seller.ebay.shows_at("tea") == {"WH-BER": 3, "WH-HAM": 0}


def test_a_location_that_ebay_does_not_know_is_told_as_such(seller: Seller) -> None:
    seller.ebay.store._places = {"WH-HAM"}
    told = seller.publish(update("tea", 6, locations=(("berlin", 6),)))["tea"]
    assert (told.kind, told.code) == (OutcomeKind.REJECTED, "ebay_25900")
    assert "location_names" in told.detail


# Calls with several SKUs.


def test_calls_grow_while_ebay_answers_all_of_them() -> None:
    seller = Seller()
    skus = [f"sku-{number}" for number in range(30)]
    for sku in skus:
        seller.ebay.list(sku, 1)
    seller.publish(*(update(sku, 2) for sku in skus))
    seller.publish(*(update(sku, 3, 2) for sku in skus))
    assert seller.ebay.items_most == 16
    assert {seller.ebay.shows(sku) for sku in skus} == {3}


@pytest.mark.parametrize("passes_over", [False, True])
def test_where_one_sku_a_call_is_allowed_one_is_sent(passes_over: bool) -> None:
    seller = Seller(FakeEbay(skus_per_call=1, passes_over=passes_over))
    skus = [f"sku-{number}" for number in range(6)]
    for sku in skus:
        seller.ebay.list(sku, 1)
    seller.publish(*(update(sku, 2) for sku in skus))
    seller.publish(*(update(sku, 3, 2) for sku in skus))
    calls = seller.count(BULK)
    seller.publish(*(update(sku, 4, 3) for sku in skus))
    assert {seller.ebay.shows(sku) for sku in skus} == {4}
    assert seller.count(BULK) - calls == 6


def test_one_sku_a_call_is_the_default() -> None:
    seller = Seller(items_per_call=1)
    for sku in ("tea", "cup"):
        seller.ebay.list(sku, 1)
    for version in range(2, 5):
        seller.publish(update("tea", version, version), update("cup", version, version))
    assert seller.ebay.items_most == 1


def test_of_a_207_each_sku_has_its_own_outcome(seller: Seller) -> None:
    skus = ("tea", "cup", "pot")
    seller.publish(*(update(sku, 2) for sku in skus))
    seller.ebay.spoil("cup")
    outcomes = seller.publish(*(update(sku, 3, 2) for sku in skus))
    kinds = [outcomes[sku].kind for sku in skus]
    assert kinds == [OutcomeKind.APPLIED, OutcomeKind.REJECTED, OutcomeKind.APPLIED]


# Auctions.


def test_units_in_an_auction_are_not_offered_at_a_fixed_price(seller: Seller) -> None:
    seller.ebay.offer("tea", 1, auction=True)
    seller.publish(update("tea", 5))
    item = seller.ebay.store.items["tea"]
    assert (item.quantity, item.live[0].quantity) == (5, 4)


def test_fewer_units_than_an_auction_holds_empty_the_other_offers_and_are_told(
    seller: Seller,
) -> None:
    seller.ebay.offer("tea", 1, auction=True)
    told = seller.publish(update("tea", 0))["tea"]
    assert (told.kind, told.code) == (OutcomeKind.REJECTED, "auction_allocation")
    assert seller.ebay.shows("tea") == 0


def test_an_auction_that_began_since_is_found_out(seller: Seller) -> None:
    seller.publish(update("tea", 5))
    seller.ebay.offer("tea", 1, auction=True)
    told = seller.publish(update("tea", 0, 2))["tea"]
    assert told.code == "auction_allocation"
    assert seller.ebay.shows("tea") == 0


def test_an_offer_that_became_an_auction_is_looked_up_again(seller: Seller) -> None:
    seller.publish(update("tea", 5))
    seller.ebay.store.items["tea"].offers[0].auction = True
    assert seller.publish(update("tea", 4, 2))["tea"].kind is OutcomeKind.UNMAPPED


def test_what_was_observed_beside_an_auction_can_be_restored(seller: Seller) -> None:
    seller.ebay.list("tea", 5)
    seller.ebay.offer("tea", 1, auction=True)
    seller.ebay.store.items["tea"].live[0].quantity = 4
    _, answer = seller.turn([update("tea", 9)])
    (seen,) = answer.observed
    assert seen.quantity == 5
    seller.publish(update("tea", 9))
    seller.publish(update("tea", 0, 2, restored=Restored(seen.quantity)))
    item = seller.ebay.store.items["tea"]
    assert (item.quantity, item.live[0].quantity) == (5, 4)


# After a restart.


def test_what_is_right_already_is_not_revised_after_a_restart(seller: Seller) -> None:
    seller.publish(update("tea", 5), update("cup", 3))
    calls = seller.count(BULK)
    again = Seller(seller.ebay)
    outcomes = again.publish(update("tea", 5), update("cup", 3))
    assert {one.kind for one in outcomes.values()} == {OutcomeKind.APPLIED}
    assert again.count(BULK) == calls
    assert again.count("/bulk_get_inventory_item") >= 1


def test_an_item_that_holds_less_than_its_offer_shows_is_written(seller: Seller) -> None:
    seller.publish(update("tea", 5))
    seller.ebay.store.items["tea"].quantity = 2
    Seller(seller.ebay).publish(update("tea", 5))
    assert seller.ebay.shows("tea") == 5


def test_what_this_process_has_written_is_not_read_instead_of_written(seller: Seller) -> None:
    seller.publish(update("tea", 5))
    seller.ebay.fail(Fault.LOST)
    request, answer = seller.turn([update("tea", 4, 2)])
    assert request.purpose is Purpose.WRITE
    assert [one.kind for one in answer.outcomes] == [OutcomeKind.RETRYABLE]
    request, _ = seller.turn([update("tea", 5, 3)])
    assert request.purpose is Purpose.WRITE
    assert seller.ebay.shows("tea") == 5


# Trouble.


def test_a_token_that_ends_early_is_renewed(seller: Seller) -> None:
    seller.publish(update("tea", 5))
    seller.ebay.fail(Fault.EXPIRED)
    assert seller.publish(update("tea", 4, 2))["tea"].kind is OutcomeKind.APPLIED
    assert seller.count("/token") == 2


def test_a_token_is_renewed_before_it_ends(seller: Seller) -> None:
    seller.publish(update("tea", 5))
    seller.ebay.advance(7_190)
    seller.publish(update("tea", 4, 2))
    assert all(answer.trouble is None for answer in seller.answers)
    assert seller.count("/token") == 2


def test_a_refresh_token_that_was_withdrawn_is_told(seller: Seller) -> None:
    seller.ebay.credentials = {**seller.ebay.credentials, "refresh_token": "v^1.1#another"}
    renewal = seller.adapter.renewal(int(seller.ebay.now_s))
    assert renewal is not None
    trouble = seller.adapter.renewed(seller._sent(renewal), int(seller.ebay.now_s))
    assert trouble is not None
    assert (trouble.kind, trouble.code) == (TroubleKind.REFUSED, "invalid_grant")


@pytest.mark.parametrize(
    ("fault", "kind", "again"),
    [
        (Fault.THROTTLED, TroubleKind.LIMITED, 0),
        (Fault.UNAVAILABLE, TroubleKind.UNAVAILABLE, 1),
        (Fault.GARBAGE, TroubleKind.UNAVAILABLE, 1),
        (Fault.LOST, TroubleKind.UNAVAILABLE, 1),
        (Fault.BROKEN, TroubleKind.UNAVAILABLE, 1),
    ],
)
def test_a_fault_is_trouble_of_the_channel(
    seller: Seller, fault: Fault, kind: TroubleKind, again: int
) -> None:
    seller.publish(update("tea", 5))
    seller.ebay.fail(fault)
    _, answer = seller.turn([update("tea", 4, 2)])
    assert answer.trouble is not None
    assert (answer.trouble.kind, len(answer.outcomes)) == (kind, again)
    assert seller.publish(update("tea", 4, 2))["tea"].kind is OutcomeKind.APPLIED


@pytest.mark.parametrize(
    ("response", "kind", "code"),
    [
        (Response(404, {}, b"<html>Not here</html>"), TroubleKind.REFUSED, "no_api"),
        (Response(413, {}, b"<html>Too large</html>"), TroubleKind.UNAVAILABLE, "http_413"),
        (Response(200, {}, b'{"responses": 7}'), TroubleKind.UNAVAILABLE, "not_ebay"),
        (Response(200, {}, b'{"responses": [1]}'), TroubleKind.UNAVAILABLE, "not_ebay"),
        (Response(200, {}, b"[" * 5_000), TroubleKind.UNAVAILABLE, "not_ebay"),
        (Response(200, {}, b"\xff\xfe"), TroubleKind.UNAVAILABLE, "not_ebay"),
    ],
)
@pytest.mark.parametrize("known", [False, True])
def test_what_ebay_never_sends_is_trouble(
    seller: Seller, known: bool, response: Response, kind: TroubleKind, code: str
) -> None:
    if known:
        seller.publish(update("tea", 5))
    request = seller.adapter.next_request([update("tea", 4, 2)])
    assert request is not None
    answer = seller.adapter.receive(request, response)
    assert answer.trouble is not None
    assert (answer.trouble.kind, answer.trouble.code) == (kind, code)


def test_an_answer_that_does_not_speak_of_the_sku_is_asked_for_again(seller: Seller) -> None:
    seller.publish(update("tea", 5))
    request = seller.adapter.next_request([update("tea", 4, 2)])
    assert request is not None
    (told,) = seller.adapter.receive(request, Response(200, {}, b'{"responses": []}')).outcomes
    assert (told.kind, told.code) == (OutcomeKind.RETRYABLE, "not_answered")


def test_an_offer_that_was_not_answered_leaves_its_sku_unwritten(seller: Seller) -> None:
    seller.publish(update("tea", 5))
    request = seller.adapter.next_request([update("tea", 4, 2)])
    assert request is not None
    body = b'{"responses": [{"sku": "tea", "statusCode": 200}]}'
    (told,) = seller.adapter.receive(request, Response(200, {}, body)).outcomes
    assert (told.kind, told.code) == (OutcomeKind.RETRYABLE, "not_answered")


def test_a_warning_comes_with_what_was_applied(seller: Seller) -> None:
    seller.publish(update("tea", 5))
    request = seller.adapter.next_request([update("tea", 4, 2)])
    assert request is not None
    offer = request.json["requests"][0]["offers"][0]["offerId"]
    warning = {"errorId": 25096, "message": "This listing is on hold"}
    row = {"sku": "tea", "offerId": offer, "statusCode": 200, "warnings": [warning]}
    body = msgspec.json.encode({"responses": [row]})
    (told,) = seller.adapter.receive(request, Response(200, {}, body)).outcomes
    assert (told.kind, told.code) == (OutcomeKind.APPLIED, "ebay_25096")


def test_a_system_error_of_one_row_is_tried_again(seller: Seller) -> None:
    seller.publish(update("tea", 5))
    request = seller.adapter.next_request([update("tea", 4, 2)])
    assert request is not None
    row = {"sku": "tea", "statusCode": 400, "errors": [{"errorId": 25001, "message": "later"}]}
    body = msgspec.json.encode({"responses": [row]})
    (told,) = seller.adapter.receive(request, Response(207, {}, body)).outcomes
    assert (told.kind, told.code) == (OutcomeKind.RETRYABLE, "ebay_25001")


def test_it_is_metered_and_renews_itself(seller: Seller) -> None:
    assert isinstance(seller.adapter, Metered)
    assert isinstance(seller.adapter, Renewing)
    probe = seller.adapter.probe([update("tea", 5)])
    (charge,) = seller.adapter.charges(probe)
    assert (charge.bucket, charge.per_s, charge.burst) == ("ebay seller", 20.0, 40.0)
    assert probe.purpose is Purpose.LOOK_UP
