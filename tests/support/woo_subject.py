"""A WooCommerce shop that facts are checked on: the imitation of these tests, or a real one.

Everything goes through its REST interface, signed by the adapter and sent by the transport of
production. What a test makes it deletes again; the shop should be one made for tests all the same.
"""

from __future__ import annotations

import os
import uuid
from types import TracebackType
from typing import Any, Self

import msgspec

from stockfold.channels import Failure, Purpose, Request, Response
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.settings import ChannelSettings
from stockfold.runtime.shop_http import Transport, woocommerce

ROOT = "/wp-json/wc/v3/"
IN_FLIGHT_MAX = 24
VARIABLES = ("WOOCOMMERCE_URL", "WOOCOMMERCE_KEY", "WOOCOMMERCE_SECRET")


class Told(msgspec.Struct, frozen=True):
    """An answer of the shop."""

    status: int
    headers: dict[str, str]
    json: Any

    @property
    def code(self) -> str:
        """WooCommerce's own error code."""
        return str(self.json["code"])


def real_shop() -> tuple[str, str, str] | None:
    """Address, key and secret of the shop that the environment names; None for none."""
    found = [os.environ.get(name, "") for name in VARIABLES]
    return (found[0].rstrip("/"), found[1], found[2]) if all(found) else None


class Subject:
    """The shop; a context that deletes what was made."""

    def __init__(self, url: str, key: str, secret: str) -> None:
        self.url, self.key, self.secret = url, key, secret
        channel = ChannelSettings(
            name="facts",
            kind="woocommerce",
            url=url,
            consumer_key="env:FACTS_KEY",
            consumer_secret="env:FACTS_SECRET",
            request_timeout_s=120.0,
            connect_timeout_s=60.0,
        )
        os.environ["FACTS_KEY"], os.environ["FACTS_SECRET"] = key, secret
        adapter = woocommerce(channel)
        adapter.requests_in_flight_max = IN_FLIGHT_MAX
        self._transport = Transport(channel, adapter, SYSTEM_CLOCK)
        self._made: list[str] = []
        self._name = uuid.uuid4().hex[:8]
        self._count = 0

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for route in reversed(self._made):
            await self.ask("DELETE", route, force="true")
        await self._transport.__aexit__(kind, error, trace)

    async def ask(self, method: str, route: str, body: Any = None, **params: Any) -> Told:
        """Any call."""
        query = tuple((name, str(value)) for name, value in params.items())
        request = Request(Purpose.LOOK_UP, method, ROOT + route, (), query, json=body)
        answer: Response | Failure = await self._transport.perform(request)
        assert isinstance(answer, Response), answer
        return Told(answer.status, answer.headers, msgspec.json.decode(answer.body))

    async def get(self, route: str, **params: Any) -> Told:
        """``GET``."""
        return await self.ask("GET", route, **params)

    async def put(self, route: str, **body: Any) -> dict[str, Any]:
        """``PUT``, which succeeds; what the shop then shows."""
        told = await self.ask("PUT", route, body)
        assert told.status == 200, told
        shown: dict[str, Any] = told.json
        return shown

    async def batch(self, route: str, *items: dict[str, Any]) -> list[Any]:
        """A batch of updates, which is answered with 200; its items."""
        told = await self.ask("POST", f"{route}/batch", {"update": list(items)})
        assert told.status == 200, told
        answered: list[Any] = told.json["update"]
        return answered

    def sku(self, mark: str = "") -> str:
        """One that nobody has."""
        self._count += 1
        return f"SF-{self._name}-{self._count}{mark}"

    async def simple(self, quantity: int | None = 0, **fields: Any) -> dict[str, Any]:
        """A simple product; of None the shop does not manage its stock."""
        return await self._make("products", {"type": "simple", **_stock(quantity), **fields})

    async def variable(self, *quantities: int | None, **fields: Any) -> list[dict[str, Any]]:
        """A variable product and a variation for each quantity, in this order."""
        options = [str(number) for number, _ in enumerate(quantities, 1)]
        size = {"name": "Size", "variation": True, "visible": True, "options": options}
        told = {"type": "variable", "attributes": [size], **fields}
        parent = await self._make("products", told)
        found = [parent]
        for option, quantity in zip(options, quantities, strict=True):
            made = {**_stock(quantity), "attributes": [{"name": "Size", "option": option}]}
            found.append(await self._make(f"products/{parent['id']}/variations", made))
        return found

    async def _make(self, route: str, fields: dict[str, Any]) -> dict[str, Any]:
        sku = fields.get("sku", self.sku())
        body = {"name": f"Fact {sku}", "regular_price": "10", **fields, "sku": sku}
        told = await self.ask("POST", route, body)
        assert told.status == 201, told
        made: dict[str, Any] = told.json
        self._made.append(f"{route}/{made['id']}")
        return made

    async def order(self, product: dict[str, Any], quantity: int, status: str) -> dict[str, Any]:
        """An order of a product by REST."""
        lines = [{"product_id": product["id"], "quantity": quantity}]
        told = await self.ask("POST", "orders", {"status": status, "line_items": lines})
        assert told.status == 201, told
        placed: dict[str, Any] = told.json
        self._made.append(f"orders/{placed['id']}")
        return placed

    async def quantity(self, product: dict[str, Any]) -> int | None:
        """What the shop shows of a product now."""
        shown = (await self.get(f"products/{product['id']}")).json
        quantity: int | None = shown["stock_quantity"]
        return quantity

    async def version(self) -> tuple[int, ...]:
        """Which WooCommerce it is, such as (11, 0)."""
        told = await self.get("system_status", _fields="environment.version")
        return tuple(int(part) for part in told.json["environment"]["version"].split(".")[:2])


def _stock(quantity: int | None) -> dict[str, Any]:
    return {} if quantity is None else {"manage_stock": True, "stock_quantity": quantity}
