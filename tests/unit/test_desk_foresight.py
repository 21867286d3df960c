"""What would become of an event that the desk sends, by the ledger's own reading and deciding."""

from __future__ import annotations

from typing import Any

from stockfold.contracts import codec, envelope
from stockfold.contracts.topics import ALLOCATIONS, ORDERS, RECEIPTS, RESERVATIONS, Topic
from stockfold.domain.times import DAY_US
from stockfold.ledger.decide import decide_and_fold
from stockfold.ledger.facts import Fact, Input
from stockfold.ledger.state import SkuState
from stockfold.runtime.desk.foresight import Foreseen, foresee
from stockfold.runtime.desk.repair import Message
from stockfold.runtime.settings import Settings

NOW_US = 1_790_000_000_000_000
SETTINGS = Settings()


def message(topic: Topic, kind: str, at_us: int = NOW_US, **body: Any) -> Message:
    name = f"stockfold.{kind}"
    told = envelope.Envelope("e-2", "/test/erp", name, at_us)
    value = codec.encode(name, body)
    key = body.get("sku", "x").encode()
    return Message(topic, key, value, tuple(envelope.build(told)), "e-2")


def receipt(quantity: int) -> list[Fact]:
    body = {"sku": "S", "location": "A", "quantity": quantity}
    body = codec.decode(codec.encode("stockfold.GoodsReceived", body))[1]
    given = Input("GoodsReceived", "S", body, "/test/wms", "e-1", NOW_US, NOW_US)
    return decide_and_fold(SkuState("S"), given, NOW_US)[0]


def seen(one: Message, facts: list[Fact]) -> Foreseen:
    return foresee(SETTINGS, one, "S", facts, NOW_US)


def reserve(quantity: int) -> Message:
    return message(RESERVATIONS, "ReserveStock", sku="S", reservation="R", order="O", line="1",
                   channel="web", quantity=quantity, locations=["A"])  # fmt: skip


def test_what_it_would_bring_is_told_in_words_by_the_state_as_it_is() -> None:
    enough, too_few = seen(reserve(3), receipt(5)), seen(reserve(3), receipt(2))
    assert enough.facts != too_few.facts
    assert "3" in enough.facts[0]
    assert (enough.refused, too_few.refused) == ("", "")


def test_what_makes_no_sense_would_be_refused_again_with_its_remedy() -> None:
    told = seen(message(RECEIPTS, "GoodsReceived", sku="S", location="A", quantity=-1), [])
    assert told.kind == "quantity_out_of_range"
    assert told.refused
    assert told.remedy
    assert told.facts == ()


def test_an_event_on_the_wrong_topic_or_older_than_the_horizon_would_be_refused() -> None:
    body = {"sku": "S", "location": "A", "quantity": 1}
    assert seen(message(ALLOCATIONS, "GoodsReceived", **body), []).kind == "wrong_topic"
    long_ago = message(RECEIPTS, "GoodsReceived", NOW_US - 400 * DAY_US, **body)
    assert seen(long_ago, []).kind == "older_than_horizon"


def test_another_skus_facts_are_not_guessed() -> None:
    other = message(RECEIPTS, "GoodsReceived", sku="T", location="A", quantity=1)
    assert seen(other, receipt(5)) == Foreseen()


def test_an_order_is_checked_and_its_outcome_left_to_its_service() -> None:
    body = {"channel": "web", "order": "O", "verdict": "cleared", "reason": "",
            "occurred_at": NOW_US}  # fmt: skip
    value = codec.encode("stockfold.OrderReviewed", body)
    told = seen(Message(ORDERS, b"web|O", value, (), "e"), [])
    assert (told.refused, told.known) == ("", False)
    empty = codec.encode("stockfold.OrderReviewed", body | {"order": ""})
    assert seen(Message(ORDERS, b"web|", empty, (), "e"), []).refused
