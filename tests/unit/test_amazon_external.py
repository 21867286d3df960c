"""Amazon's External Fulfillment: stock by location, ten at a time, each with its own answer."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from tests.support.amazon_loop import Loop, on_the_wire

from stockfold.channels.amazon.external_adapter import ExternalFulfillment
from stockfold.channels.amazon.fake_external import ExternalImitation
from stockfold.channels.amazon.options import ExternalOptions
from stockfold.channels.conformance import Fault
from stockfold.channels.port import Failure, Promise, Purpose, Request, Restored, StockUpdate
from stockfold.domain.errors import SettingsError

BERLIN, HAMBURG = "EXSB", "EXSH"


def loop(amazon: ExternalImitation, locations: Any = None, **options: Any) -> Loop:
    made = ExternalOptions.model_validate({**amazon.options, **options})
    places = amazon.locations if locations is None else locations
    adapter = ExternalFulfillment(amazon.url, made, amazon.credentials.__getitem__, places)
    return Loop(adapter, amazon)


def listed(*skus: str) -> ExternalImitation:
    amazon = ExternalImitation()
    for sku in skus:
        amazon.list(sku, 1)
    return amazon


def update(sku: str = "A", quantity: int = 8, version: int = 3, **more: Any) -> StockUpdate:
    places = (("berlin", 5), ("hamburg", 3))
    return StockUpdate(sku, quantity, version, **{"locations": places, **more})


def writes(talk: Loop) -> list[Request]:
    return [request for request in talk.asked if request.purpose is Purpose.WRITE]


def test_each_location_is_written_with_our_version_as_its_sequence_number() -> None:
    amazon = listed("A")
    talk = loop(amazon)
    talk.want(update())
    talk.run()
    assert amazon.shows_at("A") == {BERLIN: 5, HAMBURG: 3}
    (write,) = writes(talk)
    assert write.json["requests"][0] == {
        "method": "POST",
        "uri": "/inventory/update?locationId=EXSB&skuId=A",
        "body": {"quantity": 5, "clientSequenceNumber": 3},
    }
    assert talk.kinds("A") == ["applied"]


def test_the_channel_and_the_marketplace_go_with_it_where_they_are_set() -> None:
    talk = loop(listed("A"), marketplace="A1PA6795UKMFR9", channel_name="MFN")
    talk.want(update())
    talk.run()
    assert writes(talk)[0].json["requests"][0]["body"]["marketplaceAttributes"] == {
        "marketplaceId": "A1PA6795UKMFR9",
        "channelName": "MFN",
    }


def test_a_batch_has_ten_requests_at_most_and_never_half_a_sku() -> None:
    skus = [f"S{number}" for number in range(12)]
    amazon = listed(*skus)
    talk = loop(amazon)
    talk.want(*(update(sku) for sku in skus))
    talk.run()
    assert [len(one.updates) for one in writes(talk)] == [5, 5, 2]
    assert amazon.items_most == 10


def test_an_eleventh_request_is_refused_by_the_imitation() -> None:
    amazon = listed("A")
    talk = loop(amazon)
    talk.want(update())
    talk.run()
    (write,) = writes(talk)
    many = {"requests": write.json["requests"] * 6}
    answer = talk.perform(msgspec.structs.replace(write, json=many))
    assert not isinstance(answer, Failure)
    assert answer.status == 400
    assert json.loads(answer.body)["errors"][0]["code"] == "BATCH_SIZE_EXCEED"


@pytest.mark.parametrize(
    ("more", "places"),
    [
        ({"quantity": 6}, {BERLIN: 5, HAMBURG: 1}),
        ({"unseen": 4}, {BERLIN: 4, HAMBURG: 0}),
        ({"quantity": -1}, {BERLIN: 0, HAMBURG: 0}),
        ({"locations": ()}, {BERLIN: 8, HAMBURG: 0}),
        ({"locations": (("berlin", 2), ("nowhere", 6))}, {BERLIN: 2, HAMBURG: 0}),
        ({"promise": Promise("preorder")}, {BERLIN: 0, HAMBURG: 0}),
        ({"restored": Restored(9)}, {BERLIN: 9, HAMBURG: 0}),
    ],
)
def test_never_more_is_offered_than_there_is(more: dict[str, Any], places: dict[str, int]) -> None:
    talk = loop(listed("A"))
    shown = talk.adapter.to_show(update(**more))
    assert dict(shown.locations) == places
    assert shown.quantity == sum(places.values())


def test_without_names_of_locations_all_is_at_amazons_default_one() -> None:
    talk = loop(listed("A"), {})
    assert talk.adapter.to_show(update()).locations == (("DEFAULT", 0),)
    assert talk.adapter.to_show(update(locations=())).locations == (("DEFAULT", 8),)


def test_more_locations_than_a_request_holds_are_refused_in_the_settings() -> None:
    names = {f"ours-{number}": f"L{number}" for number in range(11)}
    with pytest.raises(SettingsError):
        loop(listed("A"), names)


def test_one_that_is_refused_does_not_hinder_the_others() -> None:
    amazon = listed("A", "B", "C")
    amazon.spoil("B")
    talk = loop(amazon)
    talk.want(update("A"), update("B"), update("C"), update("D"))
    talk.run()
    ends = {sku: talk.kinds(sku)[-1] for sku in "ABCD"}
    assert ends == {"A": "applied", "B": "rejected", "C": "applied", "D": "unmapped"}
    assert "PRODUCT_VALIDATION_FAILURE" in [one.code for one in talk.outcomes]


def test_a_batch_that_is_half_done_is_done_again() -> None:
    skus = ("A", "B", "C")
    amazon = listed(*skus)
    talk = loop(amazon)
    amazon.fail(Fault.BROKEN)
    talk.want(*(update(sku) for sku in skus))
    talk.run()
    assert {amazon.shows(sku) for sku in skus} == {8}


def test_an_update_that_comes_too_late_changes_nothing() -> None:
    amazon = listed("A")
    talk = loop(amazon)
    talk.want(update(version=3))
    talk.run()
    late = writes(talk)[0]
    talk.want(update(quantity=2, version=4, locations=(("berlin", 2),)))
    talk.run()
    talk.perform(late)
    assert amazon.shows_at("A") == {BERLIN: 2, HAMBURG: 0}


def test_a_higher_sequence_number_of_somebody_else_is_told_with_what_to_do() -> None:
    amazon = listed("A")
    for held in amazon.held["A"].values():
        held.sequence = 1_000
    talk = loop(amazon)
    talk.want(update())
    talk.run()
    assert talk.kinds("A") == ["rejected"]
    assert "sequence_base to 1000" in talk.outcomes[0].detail
    after = loop(amazon, sequence_base=1_000)
    after.want(update())
    after.run()
    assert amazon.shows("A") == 8


def test_a_sku_with_odd_characters_is_named_whole() -> None:
    amazon = listed("a&b=c d")
    talk = loop(amazon)
    talk.want(update("a&b=c d"))
    talk.run()
    query = urlsplit(writes(talk)[0].json["requests"][0]["uri"]).query
    assert dict(parse_qsl(query))["skuId"] == "a&b=c d"
    assert amazon.shows("a&b=c d") == 8


def test_a_quantity_that_is_no_number_is_refused_by_the_imitation() -> None:
    amazon = listed("A")
    talk = loop(amazon)
    talk.want(update())
    talk.run()
    (write,) = writes(talk)
    (part, *_) = write.json["requests"]
    bad = {"requests": [{**part, "body": {**part["body"], "quantity": "5"}}]}
    answer = talk.perform(msgspec.structs.replace(write, json=bad))
    assert not isinstance(answer, Failure)
    assert answer.status == 400
    assert on_the_wire(amazon.url, write).headers["content-type"] == "application/json"
