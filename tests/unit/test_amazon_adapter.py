"""The Amazon adapter against the imitated Selling Partner API, request by request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.support.amazon_loop import Loop

from stockfold.channels.amazon.adapter import Amazon
from stockfold.channels.amazon.fake import SELLER, Imitation
from stockfold.channels.amazon.operations import operation_of
from stockfold.channels.amazon.options import AmazonOptions
from stockfold.channels.conformance import Fault
from stockfold.channels.port import (
    Failure,
    OutcomeKind,
    Promise,
    Purpose,
    Request,
    Restored,
    StockUpdate,
    TroubleKind,
)


def loop(amazon: Imitation, **options: Any) -> Loop:
    made = AmazonOptions(**{**amazon.options, **options})
    return Loop(Amazon(amazon.url, made, amazon.credentials.__getitem__), amazon)


def listed(*skus: str, quantity: int = 1) -> Imitation:
    amazon = Imitation()
    for sku in skus:
        amazon.list(sku, quantity)
    return amazon


def update(sku: str = "A", quantity: int = 10, version: int = 1, **more: Any) -> StockUpdate:
    return StockUpdate(sku, quantity, version, **more)


def names(asked: list[Request]) -> list[str]:
    operations = [operation_of(request) for request in asked]
    return ["presigned" if one is None else one.name for one in operations]


def patch_of(asked: list[Request]) -> Mapping[str, Any]:
    patches: Any = next(one.json for one in asked if one.method == "PATCH")
    return dict(patches["patches"][0])


def test_a_quantity_is_patched_and_counts_once_the_listing_shows_it() -> None:
    amazon = listed("A")
    talk = loop(amazon)
    talk.want(update())
    talk.run()
    assert amazon.shows("A") == 10
    assert names(talk.asked) == [
        "getFeeds",
        "searchListingsItems",
        "patchListingsItem",
        "searchListingsItems",
    ]
    assert talk.kinds("A") == ["accepted", "applied"]


def test_a_patch_merges_so_that_lead_time_and_restock_date_stay() -> None:
    amazon = listed("A")
    amazon.store.listings["A"].lead_times["DEFAULT"] = 4
    talk = loop(amazon)
    talk.want(update())
    talk.run()
    assert patch_of(talk.asked) == {
        "op": "merge",
        "path": "/attributes/fulfillment_availability",
        "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": 10}],
    }
    assert amazon.store.listings["A"].lead_times == {"DEFAULT": 4}


def test_the_lead_time_goes_with_the_quantity_when_it_is_wanted() -> None:
    amazon = listed("A")
    talk = loop(amazon, lead_time=True)
    talk.want(update(promise=Promise(lead_time_days=45)))
    talk.run()
    assert amazon.store.listings["A"].lead_times == {"DEFAULT": 30}


def test_what_amazon_only_accepts_is_applied_at_once_without_reading_back() -> None:
    amazon = listed("A")
    talk = loop(amazon, read_back=False)
    talk.want(update())
    talk.run()
    assert talk.kinds("A") == ["applied"]


def test_a_sku_that_nobody_has_listed_is_unmapped_and_never_patched() -> None:
    talk = loop(listed("A"))
    talk.want(update("A"), update("B"))
    talk.run()
    assert talk.kinds("B") == ["unmapped"]
    assert [one.path for one in talk.asked if one.method == "PATCH"] == [
        f"/listings/2021-08-01/items/{SELLER}/A"
    ]


def test_a_listing_that_amazon_ships_is_not_turned_into_one_that_we_ship() -> None:
    amazon = listed("A")
    amazon.store.listings["A"].quantities = {"AMAZON_EU": 7}
    talk = loop(amazon)
    talk.want(update())
    talk.run()
    assert [(one.kind, one.code) for one in talk.outcomes] == [
        (OutcomeKind.REJECTED, "fulfilled_by_amazon")
    ]
    assert amazon.store.listings["A"].quantities == {"AMAZON_EU": 7}


def test_twenty_skus_are_looked_up_at_once() -> None:
    skus = [f"S{number}" for number in range(45)]
    talk = loop(listed(*skus))
    talk.want(*(update(sku) for sku in skus))
    talk.run()
    looked = [len(one.updates) for one in talk.asked if one.purpose is Purpose.LOOK_UP][1:]
    assert looked == [20, 20, 5]
    assert {talk.kinds(sku)[-1] for sku in skus} == {"applied"}


@pytest.mark.parametrize("sku", ["a,b", "a/b", "a b", "50%", "a#b?c", "ä&ö"])
def test_any_sku_that_a_seller_can_give_is_written(sku: str) -> None:
    amazon = listed(sku, "a", "b")
    talk = loop(amazon)
    talk.want(update(sku, 7))
    talk.run()
    assert amazon.shows(sku) == 7
    assert amazon.shows("a") == 1


def test_a_patch_that_amazon_calls_invalid_is_rejected_with_its_words() -> None:
    amazon = listed("A")
    amazon.spoil("A")
    talk = loop(amazon)
    talk.want(update())
    talk.run()
    assert [(one.kind, one.code) for one in talk.outcomes] == [(OutcomeKind.REJECTED, "8541")]
    assert "conflicts" in talk.outcomes[0].detail


def test_a_listing_that_shows_less_was_sold_meanwhile_and_is_not_raised_again() -> None:
    amazon = listed("A")
    talk = loop(amazon, read_back_tries=2)
    talk.want(update())
    while amazon.shows("A") != 10:
        talk.step()
        amazon.advance(1)
    amazon.sell("A", 3)
    talk.run()
    assert amazon.shows("A") == 7
    assert (talk.outcomes[-1].kind, talk.outcomes[-1].code) == (OutcomeKind.APPLIED, "shows_less")
    assert len(amazon.writes) == 1


def test_a_change_that_does_not_show_is_written_again() -> None:
    amazon = listed("A", quantity=50)
    talk = loop(amazon, read_back_tries=2)

    def undo(request: Request) -> None:
        if request.purpose is Purpose.FOLLOW and len(amazon.writes) == 1:
            amazon.list("A", 50)

    talk.watch = undo
    talk.want(update())
    talk.run()
    assert amazon.shows("A") == 10
    assert "not_shown" in [one.code for one in talk.outcomes if one.kind is OutcomeKind.RETRYABLE]


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        ({"quantity": -3}, 0),
        ({"unseen": 4}, 6),
        ({"promise": Promise("backorder")}, 0),
        ({"promise": Promise("preorder")}, 0),
        ({"restored": Restored(3)}, 3),
    ],
)
def test_only_units_that_are_there_are_shown(more: dict[str, Any], shown: int) -> None:
    talk = loop(listed("A"))
    assert talk.adapter.to_show(update(**more)).quantity == shown


def test_a_token_that_is_not_taken_any_more_is_renewed_without_anybody_noticing() -> None:
    amazon = listed("A")
    talk = loop(amazon)
    amazon.fail(Fault.EXPIRED, 2)
    talk.want(update())
    talk.run()
    assert talk.kinds("A")[-1] == "applied"
    assert talk.troubles == []


def test_a_refresh_token_that_the_seller_has_withdrawn_is_trouble_that_somebody_must_end() -> None:
    amazon = listed("A")
    talk = loop(amazon)
    wrong = {**amazon.credentials, "refresh_token": "Atzr|gone"}
    talk.adapter = Amazon(amazon.url, AmazonOptions(**amazon.options), wrong.__getitem__)
    talk.want(update())
    talk.step()
    assert (talk.troubles[0].kind, talk.troubles[0].code) == (TroubleKind.REFUSED, "invalid_grant")


def test_no_secret_is_in_a_request_but_that_for_the_token() -> None:
    amazon = listed("A")
    talk = loop(amazon)
    talk.want(update())
    talk.run()
    text = repr([talk.adapter.authorize(one, 0, "") for one in talk.asked])
    assert not any(secret in text for secret in amazon.credentials.values())


@pytest.mark.parametrize("fault", [Fault.THROTTLED, Fault.UNAVAILABLE, Fault.GARBAGE])
def test_a_channel_in_trouble_is_written_to_once_it_serves_again(fault: Fault) -> None:
    amazon = listed("A")
    talk = loop(amazon)
    amazon.fail(fault, 3)
    talk.want(update())
    talk.run()
    assert amazon.shows("A") == 10
    assert len(talk.troubles) == 3


def test_being_too_fast_names_a_time_to_wait_although_amazon_names_none() -> None:
    amazon = listed("A")
    talk = loop(amazon)
    amazon.fail(Fault.THROTTLED)
    talk.want(update())
    talk.step()
    assert talk.troubles[0].kind is TroubleKind.LIMITED
    assert talk.troubles[0].retry_after_s == pytest.approx(1 / 0.0222)


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.BROKEN])
def test_a_patch_whose_fate_is_unclear_is_written_again(fault: Fault) -> None:
    amazon = listed("A")
    talk = loop(amazon)
    amazon.fail(fault)
    talk.want(update())
    talk.run()
    assert amazon.writes == (("A", 10), ("A", 10))
    assert talk.kinds("A") == ["retryable", "accepted", "applied"]


def test_what_never_left_is_not_counted_against_an_update() -> None:
    talk = loop(listed("A"))
    request = talk.adapter.next_request([update()])
    assert request is not None
    answer = talk.adapter.receive(request, Failure("connect", "no route"))
    assert answer.outcomes == ()


def test_every_request_names_the_budget_of_its_seller_and_operation() -> None:
    amazon = listed("A")
    talk = loop(amazon)
    talk.want(update())
    talk.run()
    adapter: Any = talk.adapter
    buckets = [adapter.charges(one)[0].bucket.rsplit(":", 2)[-2:] for one in talk.asked]
    assert [SELLER, "patchListingsItem"] in buckets
    assert all(bucket[0] == SELLER for bucket in buckets)


def test_the_rate_that_an_answer_tells_is_kept_to() -> None:
    amazon = listed("A")
    talk = loop(amazon)
    talk.want(update())
    talk.run()
    adapter: Any = talk.adapter
    patch = next(one for one in talk.asked if one.method == "PATCH")
    answer = talk.perform(patch)
    assert not isinstance(answer, Failure)
    answer.headers["x-amzn-ratelimit-limit"] = "20.0"
    adapter.receive(patch, answer)
    assert adapter.charges(patch)[0].per_s == 20.0
