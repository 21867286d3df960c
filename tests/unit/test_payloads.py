"""The library of examples: every one does what its place and its name say."""

from __future__ import annotations

import json

import pytest
from tests.support.contract_records import EVENT_TYPES, JSON_TYPE, ORDER_TYPES, headers, read

from stockfold.contracts.inputs import InputReader
from stockfold.contracts.judging import Judge
from stockfold.contracts.order_inputs import OrderInputReader
from stockfold.contracts.payloads import GROUPS, Payload, payloads
from stockfold.contracts.topics import ORDERS
from stockfold.domain.errors import ContractError
from stockfold.ledger.facts import Refused
from stockfold.ledger.validation import validate
from stockfold.orders.reading import check_event

ALL = list(payloads())
PLAIN = [payload for payload in ALL if not payload.is_cloud_event]
READER = InputReader()
ORDER_READER = OrderInputReader()
JUDGE = Judge()


def named(payload: Payload) -> str:
    return f"{payload.event_type}-{payload.group}-{payload.name}"


def sku_of(payload: Payload) -> str:
    try:
        return str(json.loads(payload.raw).get("sku", ""))
    except (ValueError, AttributeError):
        return ""


def outcome(payload: Payload, value: bytes, *more: tuple[str, bytes]) -> str:
    """The exception kind that the first look of the ledger, or of orders, gives; or nothing."""
    try:
        if payload.event_type in ORDER_TYPES:
            told = headers(payload.event_type, *more)
            check_event(ORDER_READER.read(ORDERS, value, told)[1])
            return ""
        given = read(READER, payload.event_type, value, *more, sku=sku_of(payload))
        validate(given.type, given.body)
    except ContractError as error:
        return error.kind
    except Refused as error:
        return error.kind
    return ""


@pytest.mark.parametrize("event_type", [*EVENT_TYPES, *ORDER_TYPES])
def test_every_event_type_has_valid_edge_and_invalid_examples(event_type: str) -> None:
    assert {payload.group for payload in payloads(event_type)} == set(GROUPS)


def test_there_are_no_examples_of_what_does_not_exist() -> None:
    assert {payload.event_type for payload in ALL} == {*EVENT_TYPES, *ORDER_TYPES}
    assert {payload.group for payload in ALL} == set(GROUPS)


@pytest.mark.parametrize("payload", PLAIN, ids=named)
def test_an_example_as_json_does_what_its_name_says(payload: Payload) -> None:
    assert outcome(payload, payload.raw, *JSON_TYPE) == payload.kind


@pytest.mark.parametrize("payload", [p for p in PLAIN if p.avro() is not None], ids=named)
def test_an_example_as_avro_does_the_same(payload: Payload) -> None:
    value = payload.avro()
    assert value is not None
    assert outcome(payload, value) == payload.kind


@pytest.mark.parametrize("payload", ALL, ids=named)
def test_the_judge_says_the_same_of_an_example(payload: Payload) -> None:
    (verdict,) = JUDGE.file(payload.raw, f"stockfold.{payload.event_type}")
    kinds = {problem.kind for problem in verdict.problems}
    assert kinds == ({payload.kind} if payload.kind else set())


def test_everything_that_avro_can_say_has_avro_bytes() -> None:
    without = {payload.kind for payload in PLAIN if payload.avro() is None}
    assert without == {"invalid_json", "schema_mismatch"}
