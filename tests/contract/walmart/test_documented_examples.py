"""The imitated Walmart, and the adapter's requests, against what Walmart documents.

Each file of ``examples/`` is one exchange as a page or an OpenAPI document shows it, with its
source: in ``given`` state, ``request`` is answered by ``response``. Values differ where a vendor's
would (ids, tokens, times); ``exact`` names those that may not.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from tests.support.walmart import signed, token

from stockfold.channels import Purpose, Request, Response, StockUpdate
from stockfold.channels.walmart import feeds, writes
from stockfold.channels.walmart.fake import WalmartSubject
from stockfold.channels.walmart.fake.parsing import file_of
from stockfold.channels.walmart.nodes import Nodes
from stockfold.channels.walmart.options import WalmartOptions

OPTIONS = WalmartOptions(seller="100009")
EXAMPLES = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted((Path(__file__).parent / "examples").glob("*.json"))
}
EVERY = pytest.mark.parametrize("name", EXAMPLES)


def subject_of(example: dict[str, Any]) -> WalmartSubject:
    subject = WalmartSubject(example.get("nodes", {}))
    for sku, nodes in example.get("listed", {}).items():
        subject.list(sku, 0, nodes)
    for sku, units in example.get("sold", {}).items():
        subject.sell(sku, units)
    return subject


def nodes_of(example: dict[str, Any]) -> Nodes:
    return Nodes(example.get("nodes", {}), "")


def update_of(told: dict[str, Any]) -> StockUpdate:
    places = tuple((name, units) for name, units in told.get("locations", ()))
    return StockUpdate(told["sku"], told["quantity"], 1, locations=places)


def feed_of(example: dict[str, Any], told: list[dict[str, Any]]) -> Request:
    updates = [update_of(one) for one in told]
    feed = feeds.build(OPTIONS, updates, nodes_of(example).to_show, 10_000)
    assert feed is not None
    return feed


def asked(example: dict[str, Any], feed_id: str) -> Request:
    told = example["request"]
    if "file" in told:
        return feed_of(example, example["feed"])
    path = told["path"].replace("{feedId}", quote(feed_id, safe=""))
    params = tuple(told.get("params", {}).items())
    return Request(Purpose.READ, told["method"], path, (), params, json=told.get("json"))


def answer_of(example: dict[str, Any]) -> Response:
    subject = subject_of(example)
    if "form" in example["request"]:
        return token(subject, urlencode(example["request"]["form"]).encode())
    key = example["request"].get("token") or token_of(subject)
    feed_id = ""
    if "carried_out" in example:
        feed = subject.answer(signed(subject, feed_of(example, example["carried_out"]), key))
        assert feed is not None
        feed_id = json.loads(feed.body)["feedId"]
        subject.advance(600.0)
    request = asked(example, feed_id)
    for _ in range(example.get("again", 0)):
        subject.answer(signed(subject, request, key))
    answer = subject.answer(signed(subject, request, key))
    assert answer is not None
    return answer


def token_of(subject: WalmartSubject) -> str:
    found: str = json.loads(token(subject).body)["access_token"]
    return found


def shape(tree: Any) -> Any:
    """Names and kinds of values; of a list, of its first item."""
    if isinstance(tree, dict):
        return {name: shape(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [shape(one) for one in tree[:1]]
    return type(tree).__name__


def holds(whole: Any, part: Any) -> bool:
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            name in whole and holds(whole[name], inner) for name, inner in part.items()
        )
    if isinstance(part, list):
        return isinstance(whole, list) and all(map(holds, whole, part))
    return bool(whole == part)


def value(tree: Any, name: str) -> Any:
    for part in name.split("."):
        tree = tree[0] if isinstance(tree, list) else tree
        tree = tree[part]
    return tree


@EVERY
def test_the_imitation_answers_as_the_example_does(name: str) -> None:
    example = EXAMPLES[name]
    answer, expected = answer_of(example), example["response"]
    assert answer.status == expected["status"], answer.body
    found = json.loads(answer.body)
    assert holds(shape(found), shape(expected["json"])), found
    for place in example["exact"]:
        assert value(found, place) == value(expected["json"], place)
    for header in expected.get("headers", ()):
        assert header in answer.headers


@pytest.mark.parametrize("name", [name for name, one in EXAMPLES.items() if "update" in one])
def test_the_adapter_writes_one_sku_as_the_example_does(name: str) -> None:
    example = EXAMPLES[name]
    update = update_of(example["update"])
    request = writes.write(OPTIONS.base_path, update, nodes_of(example).to_show(update))
    told = example["request"]
    assert (request.method, urlsplit(request.path).path) == (told["method"], told["path"])
    assert dict(request.params) == told.get("params", {})
    assert request.json == told["json"]


@pytest.mark.parametrize("name", [name for name, one in EXAMPLES.items() if "feed" in one])
def test_the_adapter_writes_a_feed_as_the_example_does(name: str) -> None:
    example = EXAMPLES[name]
    request = feed_of(example, example["feed"])
    told = example["request"]
    assert (request.method, request.path) == (told["method"], told["path"])
    assert dict(request.params) == told["params"]
    assert request.body is not None
    content = file_of(request.body, dict(request.headers)["content-type"])
    assert json.loads(content) == told["file"]


@EVERY
def test_every_example_names_its_source(name: str) -> None:
    assert "alm" in EXAMPLES[name]["source"]
