"""The addresses of the inventory API, and what each answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from stockfold.channels.conformance import Fault, Sent
from stockfold.channels.port import Response
from stockfold.channels.walmart.fake import parsing
from stockfold.channels.walmart.fake.answers import JSON, RefusedError, answer, refusal
from stockfold.channels.walmart.fake.gateway import PER_MINUTE, Doors, Throttle
from stockfold.channels.walmart.fake.jobs import Jobs
from stockfold.channels.walmart.fake.stock import Stock

LIST_MAX = 50
PAGE = b"<!DOCTYPE html><html><head><title>Access Denied</title></head><body></body></html>"
PARAMS: dict[str, set[str]] = {
    "PUT /inventory": {"sku", "shipNode"},
    "GET /inventory": {"sku", "shipNode"},
    "PUT /inventories": set(),
    "GET /inventories": {"shipNode", "limit", "nextCursor"},
    "POST /feeds": {"feedType", "shipNode"},
    "GET /feeds": {"feedId", "offset", "limit", "includeDetails"},
}


class Api:
    """Answers requests of one seller. ``faults`` are met one by one, token requests aside."""

    def __init__(self, stock: Stock, jobs: Jobs, doors: Doors, began_s: float) -> None:
        self._stock = stock
        self._jobs = jobs
        self._doors = doors
        self._throttle = Throttle(began_s)
        self.faults: list[Fault] = []
        self.has_put = False

    def answer(self, sent: Sent, now_s: float) -> Response | None:
        """The answer to one request; None for none."""
        parts = urlsplit(sent.url)
        root, version, *path = parts.path.split("/")
        if root or version != "v3" or not path:
            return refusal(_no_such())
        try:
            if path == ["token"] and sent.method == "POST":
                return self._doors.token(sent, now_s)
            return self._answer(sent, path, parts.query, now_s)
        except RefusedError as refused:
            return refusal(refused)

    def _answer(self, sent: Sent, path: Sequence[str], query: str, now_s: float) -> Response | None:
        fault = self.faults.pop(0) if self.faults else None
        if fault is Fault.EXPIRED:
            self._doors.expire()
        self._doors.let_in(sent.headers, now_s)
        operation = _operation(sent.method, path)
        if fault is Fault.THROTTLED:
            refused = RefusedError(429, "REQUEST_THRESHOLD_VIOLATED.GMP_GATEWAY_API", "too fast")
            return _with(refusal(refused), self._throttle.told(operation, now_s))
        if fault is Fault.UNAVAILABLE:
            return answer(503, {})
        if fault is Fault.GARBAGE:
            return Response(200, {"content-type": "text/html"}, PAGE)
        try:
            headers = self._throttle.take(operation, now_s)
        except RefusedError as refused:
            return _with(refusal(refused), self._throttle.told(operation, now_s))
        done = self._served(sent, path, query, fault, now_s)
        if fault is Fault.LOST:
            return None
        if fault is Fault.BROKEN:
            broken = RefusedError(500, "SYSTEM_ERROR.GMP_GATEWAY_API", "Internal error")
            return refusal(broken)
        return _with(done, headers)

    def _served(
        self, sent: Sent, path: Sequence[str], query: str, fault: Fault | None, now_s: float
    ) -> Response:
        params = _params(sent.method, path, query)
        if sent.method == "PUT":
            if sent.headers.get("content-type") != "application/json":
                raise RefusedError(415, "UNSUPPORTED_MEDIA_TYPE.GMP_GATEWAY_API", "not JSON")
            self.has_put = True
        match sent.method, path:
            case "PUT", ["inventory"]:
                return self._put(sent.body, params)
            case "PUT", ["inventories", sku]:
                return self._put_nodes(unquote(sku), sent.body, fault)
            case "GET", ["inventory"]:
                return self._get(params)
            case "GET", ["inventories", sku]:
                return answer(200, self._stock.of_sku(unquote(sku)))
            case "GET", ["inventories"]:
                return self._get_all(params)
            case "POST", ["feeds"]:
                return self._post_feed(sent, params, fault, now_s)
            case "GET", ["feeds", *rest]:
                return self._get_feeds([unquote(one) for one in rest], params, now_s)
        raise _no_such()

    def _put(self, body: bytes, params: Mapping[str, str]) -> Response:
        wanted = parsing.strictly(body, parsing.One)
        if params.get("sku") != wanted.sku:
            raise RefusedError(
                400, "INVALID_REQUEST_PARAM.GMP_INVENTORY_API", "two different SKUs", "sku"
            )
        node = params.get("shipNode", self._stock.nodes[0])
        self._stock.set(wanted.sku, {node: wanted.quantity.amount})
        return answer(200, msgspec.to_builtins(wanted))

    def _put_nodes(self, sku: str, body: bytes, fault: Fault | None) -> Response:
        nodes = parsing.strictly(body, parsing.Inventories).inventories.nodes
        wanted = [(one.shipNode, one.inputQty.amount) for one in nodes]
        if fault is Fault.BROKEN:
            wanted = wanted[:1]
        return answer(200, {"sku": sku, "nodes": self._stock.set_nodes(sku, wanted)})

    def _get(self, params: Mapping[str, str]) -> Response:
        sku = params.get("sku", "")
        self._stock.find(sku)
        units = self._stock.at(sku).get(params.get("shipNode", self._stock.nodes[0]), 0)
        return answer(200, {"sku": sku, "quantity": {"unit": "EACH", "amount": units}})

    def _get_all(self, params: Mapping[str, str]) -> Response:
        start, limit = int(params.get("nextCursor", "0")), int(params.get("limit", "10"))
        if limit > LIST_MAX:
            raise RefusedError(
                400, "INVALID_REQUEST_PARAM.GMP_INVENTORY_API", f"above {LIST_MAX}", "limit"
            )
        skus = self._stock.skus
        page = [self._stock.of_sku(sku) for sku in skus[start : start + limit]]
        meta: dict[str, object] = {"totalCount": len(skus)}
        if start + limit < len(skus):
            meta["nextCursor"] = str(start + limit)
        return answer(200, {"meta": meta, "elements": {"inventories": page}})

    def _post_feed(
        self, sent: Sent, params: Mapping[str, str], fault: Fault | None, now_s: float
    ) -> Response:
        content = parsing.file_of(sent.body, sent.headers.get("content-type", ""))
        job = self._jobs.take(params.get("feedType", ""), content, now_s)
        if fault is Fault.BROKEN:
            self._jobs.carry_out(job, len(job.items) // 2)
        return answer(200, {"feedId": job.feed_id, "additionalAttributes": None, "errors": None})

    def _get_feeds(self, path: Sequence[str], params: Mapping[str, str], now_s: float) -> Response:
        offset, limit = int(params.get("offset", "0")), int(params.get("limit", "50"))
        if not path:
            return answer(200, self._jobs.newest(offset, limit, now_s))
        detailed = params.get("includeDetails") == "true"
        page = self._jobs.report(path[0], offset, limit, now_s, detailed=detailed)
        return answer(200, page)


def _params(method: str, path: Sequence[str], query: str) -> dict[str, str]:
    """The parameters of a request; RefusedError for one that there is not."""
    params = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    unknown = set(params) - PARAMS.get(f"{method} /{path[0]}", set())
    if unknown:
        name = min(unknown)
        raise RefusedError(400, "INVALID_REQUEST_PARAM.GMP_GATEWAY_API", "no such", name)
    return params


def _with(response: Response, headers: Mapping[str, str]) -> Response:
    return Response(response.status, JSON | dict(headers), response.body)


def _operation(method: str, path: Sequence[str]) -> str:
    """What is counted together; RefusedError for what there is not."""
    deeper = {"inventories": " sku", "feeds": " id"}.get(path[0], "") if path[1:] else ""
    operation = f"{method} {path[0]}{deeper}"
    if operation not in PER_MINUTE:
        raise _no_such()
    return operation


def _no_such() -> RefusedError:
    return RefusedError(404, "URI_NOT_FOUND.GMP_GATEWAY_API", "no such address")
