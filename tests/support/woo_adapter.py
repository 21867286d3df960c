"""Short words for tests of the WooCommerce adapter."""

from __future__ import annotations

import json
from typing import Any

from stockfold.channels import (
    Answer,
    OutcomeKind,
    Purpose,
    Request,
    Response,
    StockUpdate,
)
from stockfold.channels.woocommerce import WooCommerce

KINDS = OutcomeKind


def adapter(url: str = "https://shop.test") -> WooCommerce:
    return WooCommerce(url, "ck_1", "cs_1")


def updates(*skus: str, quantity: int = 5, failures: int = 0) -> list[StockUpdate]:
    return [StockUpdate(sku, quantity, 1, failures) for sku in skus]


def reply(body: Any, status: int = 200, **headers: str) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {name.replace("_", "-"): v for name, v in headers.items()}, raw)


def product(number: int, sku: str, parent: int = 0, kind: str = "") -> dict[str, Any]:
    kind = kind or ("variation" if parent else "simple")
    return {"id": number, "sku": sku, "type": kind, "parent_id": parent}


def knowing(*products: dict[str, Any]) -> WooCommerce:
    """An adapter that has looked these up."""
    woo = adapter()
    for start in range(0, len(products), 100):
        some = products[start : start + 100]
        request = woo.next_request(updates(*(p["sku"] for p in some)))
        assert request is not None
        answer = woo.receive(request, reply(list(some)))
        assert (answer.outcomes, answer.trouble) == ((), None)
    return woo


def echo(request: Request, **changes: Any) -> dict[str, Any]:
    return {"update": [{**item, **changes} for item in request.json["update"]]}


def write_of(woo: WooCommerce, *due: StockUpdate) -> Request:
    request = woo.next_request(due)
    assert request is not None
    assert request.purpose is Purpose.WRITE
    return request


def kinds(answer: Answer) -> list[tuple[str, OutcomeKind, str]]:
    return [(o.update.sku, o.kind, o.code) for o in answer.outcomes]
