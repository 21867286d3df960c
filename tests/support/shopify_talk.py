"""What tests of the Shopify adapter ask of a talk with an imitated shop."""

from __future__ import annotations

from typing import Any

from stockfold.channels import Request, StockUpdate
from tests.support.sans_io import Talk

BERLIN, HAMBURG = "gid://shopify/Location/71", "gid://shopify/Location/72"


def operations(talk: Talk) -> list[str]:
    return [request.json["operationName"] for request in talk.requests]


def quantities_of(request: Request) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = request.json["variables"]["input"]["quantities"]
    return rows


def codes(talk: Talk) -> list[str]:
    return [outcome.code for outcome in talk.outcomes]


def next_of(talk: Talk, updates: list[StockUpdate]) -> Request:
    request = talk.adapter.next_request(updates)
    assert request is not None
    return request
