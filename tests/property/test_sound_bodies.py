"""The predicates that are written from the checks, against the checks one by one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.support.contract_records import EVENT_TYPES, field_values, newest

from stockfold.contracts.avro_reader import judging_reader
from stockfold.contracts.codec import write_body
from stockfold.contracts.registry import default_registry
from stockfold.domain.errors import ContractError
from stockfold.ledger.facts import Refused
from stockfold.ledger.validation import CHECKS, IS_SOUND, SOUND_SHORT, validate

WORDS = st.sampled_from(["L1", "", "a|b", "a\nb", "in_transit", "x" * 256, "x" * 257, "x" * 4001])
EDGES = [0, 1, 100, 10**12, 1 << 61, (1 << 62) - 1, 7_258_118_400_000_000]
NUMBERS = st.sampled_from(
    [signed + step for at in EDGES for signed in (at, -at) for step in (0, 1)]
)


def values(node: Any) -> st.SearchStrategy[Any]:
    """Values at the edges of what the checks demand; sound ones more often than not."""
    if isinstance(node, list):
        return st.one_of(*map(values, node))
    kind = node["type"] if isinstance(node, dict) else node
    if kind == "string":
        return st.one_of(st.just("L1"), st.just("R 7"), WORDS)
    if kind in ("int", "long"):
        return st.one_of(st.just(1), st.just(2), NUMBERS)
    if kind == "array":
        return st.lists(values(node["items"]), max_size=3) | st.just(["L1"] * 1001)
    if isinstance(kind, dict | list):
        return values(kind)
    return field_values(node)


def bodies(event_type: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {field["name"]: values(field["type"]) for field in newest(event_type)["fields"]}
    )


def is_refused(check: Any, *body: Any) -> bool:
    try:
        check(*body)
    except Refused:
        return True
    return False


@settings(max_examples=600, deadline=None)
@given(st.data(), st.sampled_from(EVENT_TYPES))
def test_a_check_refuses_exactly_what_its_expression_does_not_hold_for(data, event_type) -> None:
    body = data.draw(bodies(event_type))
    for check in CHECKS[event_type]:
        holds = eval(check.holds, {"body": body})
        assert holds == (not is_refused(check, body))
    assert IS_SOUND[event_type](body) == (not is_refused(validate, event_type, body))


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_a_body_without_a_sku_is_not_sound(event_type: str) -> None:
    body = dict.fromkeys((field["name"] for field in newest(event_type)["fields"]), "x")
    assert not IS_SOUND[event_type]({**body, "sku": ""})
    assert is_refused(validate, event_type, {**body, "sku": ""})


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from(EVENT_TYPES))
def test_a_reader_that_judges_says_what_the_checks_say(data, event_type) -> None:
    body = data.draw(bodies(event_type))
    schema = default_registry().by_name(f"stockfold.{event_type}")
    demand = SOUND_SHORT[event_type]
    read = judging_reader(schema.parsed, demand)
    assert read is not None
    try:
        raw = write_body(schema, body)
    except (ContractError, ValueError):  # No schema has room for it.
        assume(False)
    found, end, is_sound = read(raw, 0)
    assert (found, end) == (body, len(raw))
    is_short = len(raw) <= demand.bytes_max
    assert is_sound == (is_short and not is_refused(validate, event_type, body))
