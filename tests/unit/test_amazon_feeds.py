"""Many changes at once on Amazon: one feed, what becomes of it, and what may not overtake it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from tests.support.amazon_loop import Loop

from stockfold.channels.amazon.adapter import Amazon
from stockfold.channels.amazon.fake import SELLER, Imitation
from stockfold.channels.amazon.kind import KIND
from stockfold.channels.amazon.operations import operation_of
from stockfold.channels.amazon.options import AmazonOptions
from stockfold.channels.conformance import Fault
from stockfold.channels.port import OutcomeKind, Request, StockUpdate
from stockfold_services.publisher.conformance.suite import chosen, play

SKUS = tuple(f"S{number}" for number in range(30))


def feeding(**options: Any) -> tuple[Imitation, Loop]:
    amazon = Imitation()
    for sku in SKUS:
        amazon.list(sku, 1)
    return amazon, talk_to(amazon, **options)


def talk_to(amazon: Imitation, **options: Any) -> Loop:
    made = AmazonOptions(**{**amazon.options, "patch_at_most": 5, **options})
    return Loop(Amazon(amazon.url, made, amazon.credentials.__getitem__), amazon)


def want_all(talk: Loop, quantity: int = 10, version: int = 1) -> None:
    talk.want(*(StockUpdate(sku, quantity, version) for sku in SKUS))


def steps(talk: Loop) -> list[str]:
    operations = [operation_of(request) for request in talk.asked]
    return [one.name for one in operations if one is not None]


def patched(talk: Loop) -> list[str]:
    return [one.updates[0].sku for one in talk.asked if one.method == "PATCH"]


def contents(talk: Loop) -> list[Any]:
    return [json.loads(one.body) for one in talk.asked if one.body is not None]


def until_fed(talk: Loop) -> None:
    while not (asked := steps(talk)) or asked[-1] != "createFeed":
        talk.step()


def test_many_changes_go_as_one_feed_whose_report_is_read_and_whose_listings_are_read_back() -> (
    None
):
    amazon, talk = feeding()
    want_all(talk)
    talk.run()
    assert [steps(talk).count(name) for name in ("createFeedDocument", "createFeed")] == [1, 1]
    assert steps(talk).count("getFeedDocument") == 1
    assert patched(talk) == []
    assert {amazon.shows(sku) for sku in SKUS} == {10}
    assert {talk.kinds(sku)[-1] for sku in SKUS} == {"applied"}


def test_a_feed_says_of_each_listing_what_a_patch_would() -> None:
    _, talk = feeding()
    want_all(talk)
    until_fed(talk)
    (content,) = contents(talk)
    assert content["header"] == {"sellerId": SELLER, "version": "2.0"}
    assert content["messages"][0] == {
        "messageId": 1,
        "sku": "S0",
        "operationType": "PATCH",
        "productType": "PRODUCT",
        "patches": [
            {
                "op": "merge",
                "path": "/attributes/fulfillment_availability",
                "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": 10}],
            }
        ],
    }


def test_an_address_to_load_up_to_or_down_from_gets_no_token() -> None:
    _, talk = feeding()
    want_all(talk)
    talk.run()
    presigned = [one for one in talk.asked if one.url]
    assert [one.method for one in presigned] == ["PUT", "GET"]
    for one in presigned:
        assert talk.adapter.authorize(one, 0, "") == one


def test_few_changes_are_patched() -> None:
    _, talk = feeding()
    talk.want(*(StockUpdate(sku, 10, 1) for sku in SKUS[:5]))
    talk.run()
    assert patched(talk) == list(SKUS[:5])


def test_zeros_are_patched_however_many_are_due() -> None:
    amazon, talk = feeding()
    want_all(talk, quantity=0)
    talk.run()
    assert "createFeed" not in steps(talk)
    assert {amazon.shows(sku) for sku in SKUS} == {0}


def test_no_feed_is_made_where_they_are_off() -> None:
    _, talk = feeding(feeds=False)
    want_all(talk)
    talk.run()
    assert sorted(patched(talk)) == sorted(SKUS)
    assert not {"getFeeds", "createFeed"} & set(steps(talk))


def test_a_feed_holds_no_more_than_its_limit() -> None:
    amazon, talk = feeding(feed_items_max=20)
    want_all(talk)
    talk.run()
    assert len(contents(talk)[0]["messages"]) == 20
    assert {amazon.shows(sku) for sku in SKUS} == {10}


def test_one_message_that_is_refused_is_told_and_the_others_arrive() -> None:
    amazon, talk = feeding()
    amazon.spoil("S7")
    want_all(talk)
    talk.run()
    assert talk.kinds("S7")[-1] == "rejected"
    assert [one.code for one in talk.outcomes if one.kind is OutcomeKind.REJECTED] == ["8541"]
    assert {amazon.shows(sku) for sku in SKUS if sku != "S7"} == {10}


def test_of_a_feed_that_ends_fatally_all_is_written_again_patch_by_patch() -> None:
    amazon, talk = feeding()
    amazon.feeds.fatal_next = 1
    want_all(talk)
    talk.run()
    assert steps(talk).count("createFeed") == 1
    assert sorted(patched(talk)) == sorted(SKUS)
    assert {amazon.shows(sku) for sku in SKUS} == {10}


def test_what_changed_since_the_content_was_loaded_up_is_not_fed() -> None:
    amazon, talk = feeding()
    want_all(talk)
    while not contents(talk):
        talk.step()
    talk.want(StockUpdate("S3", 4, 2))
    talk.run()
    assert amazon.shows("S3") == 4
    assert ("S3", 10) not in amazon.writes
    assert len(contents(talk)[0]["messages"]) == 30


def test_a_quantity_that_falls_is_patched_at_once_and_again_after_the_feed() -> None:
    amazon, talk = feeding()
    want_all(talk)
    until_fed(talk)
    talk.want(StockUpdate("S3", 0, 2))
    talk.step()
    assert patched(talk) == ["S3"]
    talk.run()
    assert patched(talk) == ["S3", "S3"]
    assert [quantity for sku, quantity in amazon.writes if sku == "S3"] == [0, 10, 0]
    assert amazon.shows("S3") == 0


def test_a_quantity_that_rises_waits_for_the_feed() -> None:
    amazon, talk = feeding()
    want_all(talk)
    until_fed(talk)
    talk.want(StockUpdate("S3", 15, 2))
    talk.run()
    assert patched(talk) == ["S3"]
    assert [quantity for sku, quantity in amazon.writes if sku == "S3"] == [10, 15]


def test_a_feed_of_a_life_before_is_waited_for_and_never_has_the_last_word() -> None:
    amazon, talk = feeding()
    want_all(talk)
    until_fed(talk)
    after = talk_to(amazon)
    after.want(StockUpdate("S3", 2, 5))
    after.run()
    amazon.advance(3_600)
    assert amazon.shows("S3") == 2
    assert patched(after) == ["S3", "S3"]


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.BROKEN])
def test_whether_a_feed_was_made_is_asked_when_nobody_knows(fault: Fault) -> None:
    amazon, talk = feeding()
    want_all(talk)
    amazon.fail(fault)
    talk.run()
    assert steps(talk).count("getFeeds") == 2
    assert len(amazon.feeds.feeds) == 1
    amazon.advance(3_600)
    assert {amazon.shows(sku) for sku in SKUS} == {10}


def test_a_state_that_nobody_has_heard_of_is_no_end() -> None:
    amazon, talk = feeding()
    want_all(talk)
    until_fed(talk)
    (feed,) = amazon.feeds.feeds.values()
    feed.status = "PAUSED"
    while "getFeed" not in steps(talk):
        talk.step()
    assert patched(talk) == []
    assert {outcome.kind for outcome in talk.outcomes} == {OutcomeKind.ACCEPTED}
    talk.run()
    assert {amazon.shows(sku) for sku in SKUS} == {10}


def test_content_that_cannot_be_loaded_up_is_patched() -> None:
    amazon, talk = feeding()

    def forget(request: Request) -> None:
        if request.body is not None:
            amazon.feeds.documents.clear()

    talk.watch = forget
    want_all(talk)
    talk.run()
    assert sorted(patched(talk)) == sorted(SKUS)
    assert {amazon.shows(sku) for sku in SKUS} == {10}


def test_a_report_that_is_gone_has_all_written_again() -> None:
    amazon, talk = feeding()

    def forget(request: Request) -> None:
        if request.method == "GET" and request.url:
            amazon.feeds.documents.clear()

    talk.watch = forget
    want_all(talk)
    talk.run()
    assert sorted(patched(talk)) == sorted(SKUS)
    assert {talk.kinds(sku)[-1] for sku in SKUS} == {"applied"}


class Feeding(Imitation):
    """One whose channel feeds what would be patched otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.options = {**self.options, "patch_at_most": 5}


@pytest.mark.parametrize(
    "name", ["half-done", "lost-answers", "throttle", "newer-while-accepted", "expired", "unsent"]
)
def test_a_publisher_that_feeds_passes_the_suite(name: str) -> None:
    (scenario,) = chosen([name])
    verdict = play(msgspec.structs.replace(KIND, subject=Feeding), scenario)
    assert verdict.result == "pass", verdict.detail
