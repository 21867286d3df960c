"""The imitated shop answers as a real one was recorded to answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stockfold.channels import Response
from stockfold.channels.conformance import Sent
from stockfold.channels.shopify.fake import CLIENT_ID, FakeShopify

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.json"))
BERLIN = "gid://shopify/Location/71"


def _shop() -> FakeShopify:
    """As the recorded one was: one tracked item, with nothing of it at one location."""
    shop = FakeShopify()
    shop.stock.add("EX-ALPHA", {BERLIN: 0})
    return shop


def _token(shop: FakeShopify) -> str:
    form = (
        f"grant_type=client_credentials&client_id={CLIENT_ID}"
        f"&client_secret={shop.credentials['secret']}"
    )
    headers = {"content-type": "application/x-www-form-urlencoded"}
    url = f"{shop.url}/admin/oauth/access_token"
    answer = shop.answer(Sent("POST", url, headers, form.encode()))
    assert answer is not None
    told: dict[str, Any] = json.loads(answer.body)
    assert told["expires_in"] == 86_399
    return str(told["access_token"])


def _asked(shop: FakeShopify, asked: dict[str, Any], token: str) -> Response:
    headers = {"content-type": "application/json", "x-shopify-access-token": token}
    url = f"{shop.url}/admin/api/2026-04/graphql.json"
    answer = shop.answer(Sent("POST", url, headers, json.dumps(asked).encode()))
    assert answer is not None
    return answer


def _has(told: Any, recorded: Any) -> bool:
    """Whether all of what was recorded is told, and of a list nothing else."""
    if isinstance(recorded, dict) and isinstance(told, dict):
        return all(key in told and _has(told[key], value) for key, value in recorded.items())
    if isinstance(recorded, list) and isinstance(told, list):
        pairs = zip(told, recorded, strict=False)
        return len(told) == len(recorded) and all(_has(one, other) for one, other in pairs)
    return bool(told == recorded)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_recorded_request_gets_the_recorded_answer(path: Path) -> None:
    example = json.loads(path.read_text())
    shop, request = _shop(), example["request"]
    times = request.pop("quantities_times", 1)
    if times > 1:
        request["variables"]["input"]["quantities"] *= times
    answer = _asked(shop, request, _token(shop))
    told = json.loads(answer.body)
    assert answer.status == 200
    assert _has(told, example["response"]), json.dumps(told)
    assert ("data" in told) == ("data" in example["response"])


def test_a_success_tells_cost_and_what_is_left() -> None:
    """``extensions.cost`` of every recorded answer that was executed."""
    shop = _shop()
    example = json.loads((EXAMPLES[0].parent / "set_available.json").read_text())
    told = json.loads(_asked(shop, example["request"], _token(shop)).body)
    cost = told["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (13, 13)
    assert cost["throttleStatus"] == {
        "maximumAvailable": 2_000,
        "currentlyAvailable": 1_987,
        "restoreRate": 100,
    }


def test_a_field_that_the_schema_does_not_have_is_refused() -> None:
    shop = _shop()
    told = json.loads(_asked(shop, {"query": "{ nodes(ids: []) { stock } }"}, _token(shop)).body)
    assert told["errors"][0]["extensions"]["code"] == "undefinedField"
    assert "data" not in told


def test_a_wrong_token_is_refused() -> None:
    answer = _asked(_shop(), {"query": "{ nodes(ids: []) { id } }"}, "shpat_wrong")
    assert answer.status == 401
    assert "errors" in json.loads(answer.body)


def test_the_same_key_does_it_once_and_with_another_input_not_at_all() -> None:
    """The code as recorded of ``locationDeactivate``; the rule from shopify.dev."""
    shop = _shop()
    token = _token(shop)
    request = json.loads((EXAMPLES[0].parent / "set_available.json").read_text())["request"]
    first = json.loads(_asked(shop, request, token).body)
    again = json.loads(_asked(shop, request, token).body)
    assert first["data"] == again["data"]
    assert shop.writes == (("EX-ALPHA", 5),)
    request["variables"]["input"]["quantities"][0]["quantity"] = 6
    other = json.loads(_asked(shop, request, token).body)
    (error,) = other["data"]["inventorySetQuantities"]["userErrors"]
    assert (error["code"], error["field"]) == ("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", None)
