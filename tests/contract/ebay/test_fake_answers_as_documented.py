"""The imitated eBay answers documented requests with documented statuses, fields and error ids.

The examples are written from the facts of eBay's description, since no recorded traffic of a
seller's account may be had: they bind the fake to the contract, and prove nothing about eBay.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.ebay import Seller, update

from stockfold.channels.conformance import Sent

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.json"))
NAMED = ("errorId", "domain", "category", "statusCode", "sku", "offerId", "quantity", "status")
"""Fields whose value counts; of all others the type does."""


def shape(tree: Any, name: str = "") -> Any:
    if isinstance(tree, dict):
        return {key: shape(value, key) for key, value in tree.items()}
    if isinstance(tree, list):
        return [shape(value) for value in tree]
    return tree if name in NAMED else type(tree).__name__


@pytest.fixture
def seller() -> Seller:
    seller = Seller()
    seller.ebay.list("tea", 5)
    seller.ebay.list("painting", 1)
    seller.ebay.offer("painting", 1, auction=True)
    seller.publish(update("painting", 2))  # Has a token by then.
    return seller


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_documented_request_has_the_documented_answer(seller: Seller, path: Path) -> None:
    example = json.loads(path.read_text())
    asked = example["request"]
    token = asked.get("token", seller.adapter._tokens.token)
    body = json.dumps(asked["json"]).encode() if "json" in asked else b""
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    answer = seller.ebay.answer(
        Sent(asked["method"], seller.ebay.url + asked["path"], headers, body)
    )
    assert answer is not None
    assert answer.status == example["status"]
    assert shape(json.loads(answer.body)) == shape(example["response"])


@pytest.mark.parametrize(
    "row",
    [
        {"sku": "tea", "quantity": 3},
        {"sku": "tea", "shipToLocationAvailability": {"quantity": "3"}},
        {"sku": "tea", "shipToLocationAvailability": {"quantity": -1}},
        {"sku": "tea", "shipToLocationAvailability": {"quantity": True}},
        {"sku": "tea", "offers": [{"availableQuantity": 3}]},
        {"sku": "tea", "offers": [{"offerId": "36000000001"}]},
        {"offers": []},
    ],
)
def test_what_the_description_has_not_is_refused(seller: Seller, row: dict[str, Any]) -> None:
    headers = {
        "authorization": f"Bearer {seller.adapter._tokens.token}",
        "content-type": "application/json",
    }
    url = f"{seller.ebay.url}/sell/inventory/v1/bulk_update_price_quantity"
    answer = seller.ebay.answer(
        Sent("POST", url, headers, json.dumps({"requests": [row]}).encode())
    )
    assert answer is not None
    assert answer.status == 400
    assert json.loads(answer.body)["errors"][0]["errorId"] == 25709


def test_a_listing_is_blocked_after_250_revisions_until_the_next_day(seller: Seller) -> None:
    careless = Seller(seller.ebay, revisions_per_day=1_000)
    for version in range(250):
        careless.publish(update("tea", 10 + version % 2, version))
    assert careless.publish(update("tea", 30, 251))["tea"].code == "revision_limit"
    seller.ebay.advance(86_400)
    careless.turn([update("tea", 30, 251)])
    careless.publish(update("tea", 30, 251))
    assert seller.ebay.shows("tea") == 30
