"""A small ERP over HTTP that takes an order and then loses its answer, or is away."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Erp:
    """The orders it has made; a second order of one name would be a second delivery."""

    def __init__(self, seed: int = 0) -> None:
        self.lock = threading.Lock()
        self.random = Random(seed)
        self.orders: list[dict[str, Any]] = []
        self.away = False
        self.loses_answers = 0.0
        """The share of requests that are carried out and then never answered in time."""
        self.answer_s = 0.0
        """How long such an answer takes."""
        self.refuses: set[str] = set()
        self.lost = 0
        self.requests = 0

    def find(self, channel: str, order: str) -> list[dict[str, Any]]:
        """What it has under this name."""
        return [o for o in self.orders if (o["channel"], o["order"]) == (channel, order)]

    def act(self, method: str, path: str, body: bytes) -> tuple[int, Any, bool]:
        """(status, answer, whether the answer is lost)."""
        with self.lock:
            self.requests += 1
            if self.away:
                return 503, {}, False
            lost = method != "GET" and self.random.random() < self.loses_answers
            self.lost += lost
            return *self._carry_out(method, path, body), lost

    def _carry_out(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        url = urlsplit(path)
        if method == "GET":
            asked = {name: values[0] for name, values in parse_qs(url.query).items()}
            return 200, self.find(asked["channel"], asked["order"])
        told = json.loads(body)
        if told["order"] in self.refuses:
            return 422, {"why": "unknown customer group"}
        if method == "POST":
            self.orders.append({**told, "id": f"E{len(self.orders)}"})
            return 201, {}
        name = url.path.rsplit("/", 1)[1]
        known = next(order for order in self.orders if order["id"] == name)
        known.update(told)
        return 200, {}


@contextmanager
def served(erp: Erp) -> Iterator[str]:
    """Its address while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, answer, lost = erp.act(self.command, self.path, body)
            if lost:
                time.sleep(erp.answer_s)
                self.close_connection = True
                return
            raw = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PUT = _serve  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
