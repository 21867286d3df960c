"""The 250 revisions of a listing and day: who counts them, and what happens near their end."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from pydantic import ValidationError
from tests.support.ebay import Seller, update

from stockfold.channels.ebay.options import EbayOptions
from stockfold.channels.ebay.revisions import Budget, Revisions
from stockfold.channels.port import OutcomeKind, Purpose, Response

BULK = "/bulk_update_price_quantity"


@pytest.fixture
def seller() -> Seller:
    """Six revisions a day, of which two are kept."""
    seller = Seller(revisions_per_day=6, revisions_kept=2)
    seller.ebay.list("tea", 1)
    for version in range(1, 5):
        seller.publish(update("tea", 10 + version, version))
    return seller


def revised(seller: Seller) -> int:
    listing = seller.ebay.store.items["tea"].offers[0].listing
    return seller.ebay.store.revised(listing, seller.ebay.today)


def test_near_the_end_an_ordinary_change_is_held_back(seller: Seller) -> None:
    told = seller.publish(update("tea", 20, 5))["tea"]
    assert (told.kind, told.code) == (OutcomeKind.ACCEPTED, "revisions_used_up")
    assert told.retry_after_s is not None
    assert 0 < told.retry_after_s <= 3_600
    assert (seller.ebay.shows("tea"), revised(seller)) == (14, 4)


def test_near_the_end_a_sold_out_sku_is_still_written_and_so_is_its_return(seller: Seller) -> None:
    assert seller.publish(update("tea", 0, 5))["tea"].kind is OutcomeKind.APPLIED
    assert seller.publish(update("tea", 3, 6))["tea"].kind is OutcomeKind.APPLIED
    assert (seller.ebay.shows("tea"), revised(seller)) == (3, 6)


def test_beyond_the_end_only_a_zero_is_tried(seller: Seller) -> None:
    seller.publish(update("tea", 0, 5))
    seller.publish(update("tea", 3, 6))
    assert seller.publish(update("tea", 0, 7))["tea"].kind is OutcomeKind.APPLIED
    assert seller.publish(update("tea", 4, 8))["tea"].kind is OutcomeKind.ACCEPTED
    assert seller.ebay.shows("tea") == 0


def test_what_was_held_back_is_written_on_the_next_day(seller: Seller) -> None:
    held = update("tea", 20, 5)
    for _ in range(30):
        told = seller.publish(held)["tea"]
        if told.kind is OutcomeKind.APPLIED:
            break
        assert told.retry_after_s is not None
        seller.ebay.advance(told.retry_after_s)
    assert seller.ebay.shows("tea") == 20
    assert revised(seller) == 1


def test_variations_of_one_listing_share_its_revisions(seller: Seller) -> None:
    seller.ebay.list("cup", 1)
    shared = seller.ebay.store.items["tea"].offers[0].listing
    seller.ebay.store.items["cup"].offers[0].listing = shared
    assert seller.publish(update("cup", 20))["cup"].kind is OutcomeKind.ACCEPTED


def test_a_listing_that_is_held_back_does_not_hold_others(seller: Seller) -> None:
    seller.ebay.list("cup", 1)
    outcomes = seller.publish(update("tea", 20, 5), update("cup", 20))
    assert outcomes["cup"].kind is OutcomeKind.APPLIED


def test_what_changes_above_the_cap_is_no_change() -> None:
    seller = Seller(shown_at_most=10)
    seller.ebay.list("tea", 1)
    seller.publish(update("tea", 400))
    assert seller.ebay.shows("tea") == 10
    assert seller.adapter.to_show(update("tea", 400)) == seller.adapter.to_show(update("tea", 90))


def test_a_limit_that_ebay_tells_of_holds_even_a_zero(seller: Seller) -> None:
    request = seller.adapter.next_request([update("tea", 0, 5)])
    assert request is not None
    assert request.purpose is Purpose.WRITE
    message = "Any User error. You have exceeded the number of allowed revisions for this listing."
    row = {"sku": "tea", "statusCode": 400, "errors": [{"errorId": 25002, "message": message}]}
    body = msgspec.json.encode({"responses": [row]})
    (told,) = seller.adapter.receive(request, Response(207, {}, body)).outcomes
    assert (told.kind, told.code) == (OutcomeKind.ACCEPTED, "revision_limit")
    assert seller.publish(update("tea", 0, 6))["tea"].kind is OutcomeKind.ACCEPTED
    seller.ebay.advance(3_600)
    assert seller.publish(update("tea", 0, 6))["tea"].kind is OutcomeKind.APPLIED


@pytest.mark.parametrize("message", ["You may not revise an ended listing", "Limit of photos"])
def test_other_errors_are_not_taken_for_the_limit(seller: Seller, message: str) -> None:
    request = seller.adapter.next_request([update("tea", 0, 5)])
    assert request is not None
    row = {"sku": "tea", "statusCode": 400, "errors": [{"errorId": 25002, "message": message}]}
    body = msgspec.json.encode({"responses": [row]})
    (told,) = seller.adapter.receive(request, Response(207, {}, body)).outcomes
    assert told.kind is OutcomeKind.REJECTED


def test_the_day_begins_in_the_zone_of_the_options() -> None:
    revisions = Revisions(Budget(3, 1, "America/Los_Angeles"))
    evening = int(datetime(2026, 7, 2, 6, 59, tzinfo=UTC).timestamp())
    revisions.tell(evening)
    revisions.count(["L"])
    assert revisions.hold_s() == 60
    revisions.tell(evening + 59)
    assert revisions.used("L") == 1
    revisions.tell(evening + 60)
    assert revisions.used("L") == 0


def test_a_zone_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValidationError, match="no time zone is called 'Mars/Olympus'"):
        EbayOptions(day_zone="Mars/Olympus")


def test_not_all_revisions_can_be_kept() -> None:
    with pytest.raises(ValidationError, match="revisions_kept must be less"):
        EbayOptions(revisions_per_day=10, revisions_kept=10)
