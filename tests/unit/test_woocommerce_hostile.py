"""Whatever stands in the fields of an answer, the adapter says what it means and never fails."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.woo_adapter import adapter, knowing, product, updates

from stockfold.channels import Answer, Response
from stockfold.channels.woocommerce import WooCommerce

NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(), st.sampled_from([0, 1, 5, 10, 11, "5", "x", "1e999"])
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=4), st.just("parent")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)
FIELDS = (
    "id",
    "sku",
    "type",
    "parent_id",
    "manage_stock",
    "stock_quantity",
    "backorders",
    "meta_data",
    "error",
)
ROWS = st.one_of(
    VALUES,
    st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, VALUES)),
    st.fixed_dictionaries(
        {"id": st.sampled_from([10, 11]), "sku": st.sampled_from(["A", "B"])},
        optional=dict.fromkeys(FIELDS[2:], VALUES),
    ),
)


def answered(woo: WooCommerce, body: Any) -> Answer:
    request = woo.next_request(updates("A", "B"))
    assert request is not None
    raw = json.dumps(body).encode()
    return woo.receive(request, Response(200, {}, raw))


@given(st.one_of(VALUES, st.lists(ROWS, max_size=3)))
@settings(max_examples=150, deadline=None)
def test_a_look_up_that_holds_anything_is_understood_or_trouble(body: Any) -> None:
    answer = answered(adapter(), body)
    assert isinstance(answer, Answer)


@given(st.one_of(VALUES, st.fixed_dictionaries({"update": st.lists(ROWS, min_size=2, max_size=2)})))
@settings(max_examples=150, deadline=None)
def test_a_batch_that_holds_anything_is_understood_or_trouble(body: Any) -> None:
    answer = answered(knowing(product(10, "A"), product(11, "B")), body)
    assert isinstance(answer, Answer)
    assert {outcome.update.sku for outcome in answer.outcomes} <= {"A", "B"}


@given(st.one_of(VALUES, st.lists(ROWS, max_size=3)))
@settings(max_examples=150, deadline=None)
def test_a_read_that_holds_anything_is_understood_or_trouble(body: Any) -> None:
    woo = knowing(product(10, "A"), product(11, "B"))
    raw = json.dumps(body).encode()
    answer = woo.receive(woo.read(updates("A", "B")), Response(200, {}, raw))
    assert {observed.sku for observed in answer.observed} <= {"A", "B"}
