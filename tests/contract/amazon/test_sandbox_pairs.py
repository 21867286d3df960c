"""The imitated Amazon answers the sandbox's requests as the sandbox does.

The pairs are those of ``x-amzn-api-sandbox`` in Amazon's own models. Names, kinds of values, states
and codes count; numbers, dates and words do not. What the pairs do not show (how long things take,
that a patch of an unlisted SKU is accepted, what is said of an expired token) is from Amazon's
documentation and issue tracker, and no recording of it was had.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from tests.support.amazon_loop import on_the_wire

from stockfold.channels.amazon import feeds, operations
from stockfold.channels.amazon.fake import SELLER, Imitation
from stockfold.channels.amazon.fake_external import ExternalImitation
from stockfold.channels.amazon.fake_feeds import Document, Feed
from stockfold.channels.amazon.fake_store import Store, check_shape
from stockfold.channels.amazon.lookups import Account
from stockfold.channels.amazon.patches import Patching
from stockfold.channels.port import Purpose, Request, Response, Shown

EXAMPLES = Path(__file__).parent / "examples"
PAIRS = [
    pair
    for name in ("listings_items", "feeds")
    for pair in json.loads((EXAMPLES / f"{name}.json").read_text())["pairs"]
]
MARKETPLACES = ("ATVPDKIKX0DER", "A2EUQ1WTGCTBG2", "A1F83G8C2ARO7P")
COUNTS = frozenset({"status", "processingStatus", "severity", "sku"})
OPTIONAL = frozenset(
    {
        "nextToken",
        "pagination",
        "compressionAlgorithm",
        "resultFeedDocumentId",
        "marketplaceIds",
    }
)
"""What the models do not require, and the pairs leave out or have by chance."""
PATCH = {
    "productType": "PRODUCT",
    "patches": [
        {
            "op": "merge",
            "path": "/attributes/fulfillment_availability",
            "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": 10}],
        }
    ],
}
PATHS = {
    "getListingsItem": ("GET", f"{operations.LISTINGS}/{{seller}}/{{sku}}"),
    "patchListingsItem": ("PATCH", f"{operations.LISTINGS}/{{seller}}/{{sku}}"),
    "searchListingsItems": ("GET", f"{operations.LISTINGS}/{{seller}}"),
    "getFeeds": ("GET", operations.FEEDS),
    "createFeed": ("POST", operations.FEEDS),
    "getFeed": ("GET", f"{operations.FEEDS}/{{feedId}}"),
    "createFeedDocument": ("POST", operations.DOCUMENTS),
    "getFeedDocument": ("GET", f"{operations.DOCUMENTS}/{{feedDocumentId}}"),
}
EVERYTHING = "summaries,offers,fulfillmentAvailability,issues"


def imitation() -> Imitation:
    amazon = Imitation(MARKETPLACES)
    for sku in ("GM-ZDPI-9B4E", "HW-ZDPI-9B4E", "VALIDATION_VALID", "VALIDATION_INVALID"):
        amazon.list(sku, 100)
    amazon.spoil("VALIDATION_INVALID")
    for number in ("3d4e42b5-1d6e-44e8-a89c-2abfca0625bb", "0356cf79-b8b0-4226-b4b9-0ee058ea5760"):
        amazon.feeds.documents[number] = Document("text/xml", amazon.now_s + 60, b"<a/>")
    feed = Feed("feedId1", "", [], amazon.now_s, "CANCELLED", type="POST_PRODUCT_DATA")
    feed.started_s = feed.ended_s = amazon.now_s
    amazon.feeds.feeds[feed.id] = feed
    return amazon


def as_request(pair: dict[str, Any]) -> Request:
    told = dict(pair["parameters"])
    method, path = PATHS[pair["operation"]]
    sku = told.pop("sku", "GM-ZDPI-9B4E")
    body = told.pop("body", None)
    known = {"seller": told.pop("sellerId", SELLER), "sku": sku}
    known |= {name: told.pop(name) for name in ("feedId", "feedDocumentId") if name in told}
    if "/listings/" in path:
        told.setdefault("marketplaceIds", [MARKETPLACES[0]])
    if pair["operation"] == "getListingsItem":
        told["includedData"] = EVERYTHING.split(",")
        if sku == "BadSKU":
            told["marketplaceIds"] = ["nowhere"]
    if method == "PATCH":
        body = PATCH if pair["status"] == 200 else {}
    params = tuple(
        (name, ",".join(value) if isinstance(value, list) else str(value))
        for name, value in told.items()
    )
    return Request(Purpose.READ, method, path.format(**known), (), params, body)


def like(ours: Any, theirs: Any, where: str) -> None:
    """Ours says nothing that theirs has no place for, and says it alike."""
    if isinstance(theirs, dict):
        assert isinstance(ours, dict), where
        assert set(ours) <= set(theirs) | OPTIONAL, where
        for name in set(ours) & set(theirs):
            like(ours[name], theirs[name], f"{where}.{name}")
            if name in COUNTS and isinstance(theirs[name], str):
                assert ours[name].lower() == theirs[name].lower(), f"{where}.{name}"
    elif isinstance(theirs, list):
        assert isinstance(ours, list), where
        for one in ours if theirs else ():
            like(one, theirs[0], f"{where}[]")
    else:
        assert type(ours) is type(theirs), where


def answered(amazon: Imitation, request: Request) -> Response:
    form = {"grant_type": "refresh_token", **amazon.credentials}
    kind = {"content-type": "application/x-www-form-urlencoded"}
    _, granted = amazon.access.grant(kind, urlencode(form).encode())
    asked = on_the_wire(amazon.url, request)
    headers = {**asked.headers, "x-amz-access-token": granted["access_token"]}
    answer = amazon.answer(msgspec.structs.replace(asked, headers=headers))
    assert answer is not None
    return answer


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair["name"])
def test_a_request_of_the_sandbox_has_its_answer(pair: dict[str, Any]) -> None:
    amazon = imitation()
    answer = answered(amazon, as_request(pair))
    told = json.loads(answer.body)
    assert answer.status == pair["status"], told
    assert set(told) - OPTIONAL == set(pair["response"]) - OPTIONAL
    like(told, pair["response"], pair["operation"])
    if answer.status == 400:
        assert told["errors"][0]["code"] == pair["response"]["errors"][0]["code"]


def test_our_message_of_a_feed_is_that_of_amazons_example() -> None:
    example = json.loads((EXAMPLES / "listings_feed.json").read_text())["message"]
    patching = Patching(Account(SELLER, MARKETPLACES, "DEFAULT"), "LUGGAGE", "merge")
    content = {"My-SKU-E": feeds.Told(5, 1, Shown(10))}
    (ours,) = json.loads(feeds.content_of(patching, content))["messages"]
    assert ours == example
    check_shape({name: ours[name] for name in ("productType", "patches")}, frozenset(ours))
    assert Store(0.0).issues_of("My-SKU-E", ours) == []


def test_amazons_example_of_a_report_is_read_by_message() -> None:
    example = json.loads((EXAMPLES / "listings_feed.json").read_text())["report"]
    report = feeds.read_report(json.dumps(example).encode(), gzipped=False)
    assert report is not None
    assert report.whole is None
    assert {number: code for number, (code, _) in report.errors.items()} == {4: "90220", 5: "99022"}


def test_our_report_has_the_members_of_amazons_example() -> None:
    example = json.loads((EXAMPLES / "listings_feed.json").read_text())["report"]
    amazon = imitation()
    _, made = amazon.feeds.create_document({"contentType": feeds.CONTENT_TYPE})
    number = made["feedDocumentId"]
    patching = Patching(Account(SELLER, MARKETPLACES, "DEFAULT"), "PRODUCT", "merge")
    content = {"VALIDATION_INVALID": feeds.Told(1, 1, Shown(10))}
    amazon.feeds.documents[number].content = feeds.content_of(patching, content)
    amazon.feeds.create_feed(
        {
            "feedType": feeds.FEED_TYPE,
            "marketplaceIds": [MARKETPLACES[0]],
            "inputFeedDocumentId": number,
        }
    )
    amazon.advance(3_600)
    report_id = list(amazon.feeds.feeds.values())[-1].report_id
    packed = amazon.feeds.documents[report_id].content
    assert packed is not None
    ours = json.loads(feeds.unpacked(packed))
    like(ours, {**example, "issues": [example["issues"][2] | {"sku": "VALIDATION_INVALID"}]}, "")
    assert set(ours["summary"]) == set(example["summary"])


def test_a_batch_of_external_fulfillment_is_answered_as_its_model_says() -> None:
    example = json.loads((EXAMPLES / "external_fulfillment.json").read_text())
    amazon = ExternalImitation()
    amazon.list("tea", 3)
    request = Request(Purpose.WRITE, "POST", operations.INVENTORIES, (), json=example["request"])
    answer = answered(amazon, request)
    assert answer.status == example["status"]
    assert json.loads(answer.body) == example["response"]
