"""Talks to the shop in-process, with Basic as if behind a proxy that ends TLS."""

from __future__ import annotations

from typing import Any

import httpx

from stockfold.channels import Request, Response
from tests.support.woo_shop import Shop, create_app

ROOT = "/wp-json/wc/v3/"


class WooClient:
    """A few calls, each returning (status, JSON)."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(create_app(shop)),
            base_url="http://shop.test",
            auth=(shop.consumer_key, shop.consumer_secret),
            headers={"x-forwarded-proto": "https"},
        )

    async def perform(self, request: Request) -> Response:
        """What an adapter asks for; see ``stockfold.runtime.shop_catalog.Performing``."""
        answer = await self._client.request(
            request.method, request.path, params=request.params or None, json=request.json
        )
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status_code, headers, answer.content)

    async def get(self, route: str, **params: Any) -> httpx.Response:
        return await self._client.get(ROOT + route, params=params)

    async def post(self, route: str, body: Any) -> httpx.Response:
        return await self._client.post(ROOT + route, json=body)

    async def put(self, route: str, body: Any) -> httpx.Response:
        return await self._client.put(ROOT + route, json=body)

    async def update(self, *items: dict[str, Any], parent: int | None = None) -> list[Any]:
        """A batch of updates; the answer's items."""
        route = "products/batch" if parent is None else f"products/{parent}/variations/batch"
        response = await self.post(route, {"update": list(items)})
        assert response.status_code == 200, response.text
        return response.json()["update"]
