"""The shop over HTTP, as an ASGI application."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from stockfold.channels.woocommerce.fake.catalogue import RestError
from tests.support.woo_shop import about, order_routes, product_routes
from tests.support.woo_shop.faults import HTML, Fault
from tests.support.woo_shop.shop import Shop

App = Callable[..., Awaitable[None]]
ROOT = "/wp-json/wc/v3/"
CONTROL = "/_shop/"
ONE = re.compile(r"products/(\d+)")
VARIATIONS = re.compile(r"products/(\d+)/variations")
VARIATION = re.compile(r"products/(\d+)/variations/(\d+)")
VARIATIONS_BATCH = re.compile(r"products/(\d+)/variations/batch")
NO_ROUTE = RestError(
    404, "rest_no_route", "No route was found matching the URL and request method."
)


def create_app(shop: Shop) -> App:
    """The application of one shop."""
    places: asyncio.Semaphore | None = None

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal places
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        response: Response | None
        if places is None:
            places = asyncio.Semaphore(shop.workers)
        if request.url.path.startswith(CONTROL):
            response = await _control(shop, request)
        else:
            shop.stats.requests += 1
            shop.stats.in_flight += 1
            shop.stats.in_flight_max = max(shop.stats.in_flight_max, shop.stats.in_flight)
            try:
                async with places:
                    response = await _serve(shop, request)
            finally:
                shop.stats.in_flight -= 1
        if response is None:
            await _break_off(send)
            return
        # By the shop's own clock, which may be wrong.
        response.headers["date"] = formatdate(shop.now_us() / 1_000_000, usegmt=True)
        await response(scope, receive, send)

    return app


async def _break_off(send: Any) -> None:
    """Promise more than is sent: the server closes the connection."""
    headers = [(b"content-length", b"100")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})


async def _serve(shop: Shop, request: Request) -> Response | None:
    path = request.url.path
    body = await request.body()
    fault = shop.faults.next(request.method, path)
    if fault is not None and fault.kind != "lost":
        return await _fail(shop, request, path, body, fault)
    try:
        _admit(shop, request)
        response = await _answer(shop, request.method, path, dict(request.query_params), body)
    except RestError as error:
        shop.stats.refused += 1
        response = _json(error.body(), error.status)
    if fault is not None:
        await asyncio.sleep(fault.delay_s)
    return response


def _admit(shop: Shop, request: Request) -> None:
    tls = request.headers.get("x-forwarded-proto") == "https"
    scheme = "https" if tls else request.url.scheme
    url = f"{scheme}://{request.headers['host']}{request.scope['raw_path'].decode()}"
    query = parse_qsl(request.scope["query_string"].decode(), keep_blank_values=True)
    shop.keys.admit(request.method, url, query, request.headers)


async def _fail(
    shop: Shop, request: Request, path: str, body: bytes, fault: Fault
) -> Response | None:
    if fault.kind == "dropped":
        return None
    if fault.kind == "dripping":
        return StreamingResponse(_drip(), media_type="application/json")
    if fault.kind == "error":
        error = RestError(fault.status, "internal_server_error", "There was a critical error.")
        return _json(error.body(), fault.status)
    if fault.kind == "limited":
        headers = {"retry-after": f"{fault.retry_after_s:g}"}
        return Response(b"Too many requests", 429, headers, "text/plain")
    if fault.kind == "half" and path.endswith("/batch"):
        _admit(shop, request)
        batch = orjson.loads(body)
        match = VARIATIONS_BATCH.fullmatch(path.removeprefix(ROOT))
        parent_id = int(match[1]) if match else None
        await shop.batch(batch, parent_id, stop_after=len(batch.get("update", ())) // 2)
    return Response(HTML, fault.status, media_type="text/html")


async def _drip() -> AsyncIterator[bytes]:
    while True:
        yield b" "
        await asyncio.sleep(0.1)


async def _answer(
    shop: Shop, method: str, path: str, query: dict[str, str], body: bytes
) -> Response:
    if not path.startswith(ROOT):
        return Response(b"<html><body>A page of the shop</body></html>", 404, None, "text/html")
    route = path.removeprefix(ROOT)
    shop.faults.admit(route)
    try:
        sent = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError:
        raise RestError(400, "rest_invalid_json", "Invalid JSON body passed.") from None
    found = order_routes.answer(shop, method, route, query, sent)
    if found is None:
        found = product_routes.answer(shop, method, route, sent)
    if found is not None:
        return _json(found.value, found.status, found.headers)
    if method == "GET":
        return await _read(shop, route, query)
    return _json(await _change(shop, method, route, sent))


async def _read(shop: Shop, route: str, query: dict[str, str]) -> Response:
    if route == "products":
        rows, headers = await shop.list_products(query)
        return _json(rows, 200, headers)
    if route == "variations" and about.lists_variations(shop):
        rows, headers = await shop.list_all_variations(query)
        return _json(rows, 200, headers)
    if (told := about.answer(shop, route)) is not None:
        return _json(told)
    if match := ONE.fullmatch(route):
        return _json(await shop.get(int(match[1])))
    if match := VARIATIONS.fullmatch(route):
        rows, headers = await shop.list_variations(int(match[1]), query)
        return _json(rows, 200, headers)
    if match := VARIATION.fullmatch(route):
        return _json(await shop.get(int(match[2]), int(match[1])))
    raise NO_ROUTE


async def _change(shop: Shop, method: str, route: str, sent: Any) -> Any:
    match method, route:
        case "POST", "products/batch":
            return await shop.batch(sent, None)
        case _:
            pass
    if method == "POST" and (found := VARIATIONS_BATCH.fullmatch(route)):
        return await shop.batch(sent, int(found[1]))
    if method == "PUT" and (found := ONE.fullmatch(route)):
        return await shop.put(int(found[1]), sent)
    if method == "PUT" and (found := VARIATION.fullmatch(route)):
        return await shop.put(int(found[2]), sent, int(found[1]))
    raise NO_ROUTE


async def _control(shop: Shop, request: Request) -> Response:
    """What a demo asks of the shop beside its REST interface; no key needed."""
    name = request.url.path.removeprefix(CONTROL)
    if name == "stock":
        return _json(shop.stock())
    if name == "stats":
        return _json(shop.stats_shown())
    sent = orjson.loads(await request.body() or b"{}")
    if name == "products":
        if "parent" in sent:
            shop.add_variations(sent["parent"], sent["skus"], sent.get("quantity", 0))
            return _json({"added": len(sent["skus"])})
        skus = sent.get("skus") or numbered(sent.get("count", 0), sent.get("prefix", "SKU-"))
        known = shop.catalogue.ids_of_sku
        new = [sku for sku in skus if not known.get(sku)]
        return _json({"added": len(shop.add_products(new, sent.get("quantity", 0)))})
    if name == "faults":
        shop.faults.queue.append(Fault(**sent))
        return _json({"queued": len(shop.faults.queue)})
    return _json({"message": f"there is no {name}"}, 404)


def numbered(count: int, prefix: str) -> list[str]:
    """``count`` SKUs: SKU-1, SKU-2, …"""
    return [f"{prefix}{number}" for number in range(1, count + 1)]


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(value), status, headers, "application/json; charset=UTF-8")
