"""Whatever a signed body says, it is read, or refused for a reason; never a crash."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.woo_orders import TERMS, line, order

from stockfold.channels.orders import QUANTITY_MAX, ChannelOrder
from stockfold.channels.shopify.orders import read_body as read_shopify
from stockfold.channels.woocommerce.orders import read_body
from stockfold.contracts.codec import decode
from stockfold.contracts.shop_orders import order_record
from stockfold.domain.errors import ContractError

SHOPIFYS = ["updated_at", "fulfillments", "refund_line_items", "restock_type", "cancelled_at"]
OTHERS = ["tax_lines", "key", "value", "rate_id", "rate_code", "rate_percent"]
NAMES = st.sampled_from((*order(), *line(), *SHOPIFYS, *OTHERS))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.sampled_from(["_reduced_stock", "_restock_refunded_items", "processing", "1e999"]),
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=6)),
    max_leaves=25,
)
CHANGES = st.dictionaries(NAMES, TREES, max_size=4)


def told(found: ChannelOrder) -> dict[str, Any]:
    """The record that goes to Kafka, read again."""
    body = decode(order_record(found).value)[1]
    assert body["revision"] >= 0
    for row in body["lines"]:
        assert -1 <= row["quantity"] <= QUANTITY_MAX
        assert 0 <= row["restocked"] <= max(row["quantity"], 0)
        assert 0 <= row["shipped"] <= max(row["quantity"], 0)
    return body


@settings(max_examples=150, deadline=None)
@given(body=st.one_of(st.binary(max_size=200), TREES.map(msgspec.json.encode)))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    for read in (
        lambda: read_body(body, TERMS),
        lambda: read_shopify(body, "orders/updated", "shop", 1),
    ):
        try:
            found = read()
        except ContractError:
            continue
        if isinstance(found, ChannelOrder):
            told(found)


@settings(max_examples=150, deadline=None)
@given(
    changes=CHANGES,
    of_line=CHANGES,
    updated=st.datetimes().map(lambda moment: f"{moment.isoformat()}+00:00"),
)
def test_a_shopify_order_with_anything_in_its_fields_is_told_or_refused(
    changes: dict[str, Any], of_line: dict[str, Any], updated: str
) -> None:
    item = {"id": 466, "sku": "A", "quantity": 3, "current_quantity": 3}
    rows = {"refunds": [{"refund_line_items": [of_line]}], "fulfillments": [of_line]}
    base = {"id": 820, "updated_at": updated, "line_items": [{**item, **of_line}], **rows}
    body = msgspec.json.encode({**base, **changes})
    try:
        found = read_shopify(body, "orders/updated", "shop", 1)
    except ContractError:
        return
    assert found is not None
    assert told(found)["order"] == found.order


@settings(max_examples=150, deadline=None)
@given(changes=CHANGES, of_line=CHANGES)
def test_an_order_with_anything_in_its_fields_is_told_or_refused(
    changes: dict[str, Any], of_line: dict[str, Any]
) -> None:
    body = msgspec.json.encode({**order(line_items=[{**line(), **of_line}]), **changes})
    try:
        found = read_body(body, TERMS)
    except ContractError:
        return
    if isinstance(found, ChannelOrder):
        assert told(found)["order"] == found.order
