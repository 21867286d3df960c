"""The shop of the channel kind tiny, over loopback HTTP: it does later what it accepts."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

SECRET = "hush-tiny"


class TinyShop:
    """Jobs are done in the order that they came in, each ``job_s`` after it came."""

    def __init__(self, job_s: float = 0.5, token_s: int = 4) -> None:
        self.job_s = job_s
        self.token_s = token_s
        self.stock: dict[str, tuple[int, dict[str, int]]] = {}
        self.written: list[tuple[str, int]] = []
        self.tokens = 0
        self.refused = 0
        self.followed = 0
        self.posted = 0
        self.locked = threading.Lock()
        self._jobs: list[tuple[float, dict[str, Any]]] = []
        self._done = 0
        self._valid: dict[str, float] = {}
        shop = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._serve()

            def do_POST(self) -> None:
                self._serve()

            def _serve(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length", 0)))
                token = self.headers.get("authorization", "").removeprefix("Bearer ")
                with shop.locked:
                    asked = json.loads(raw) if raw else {}
                    status, told = shop.answer(self.command, self.path, token, asked)
                body = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(
        self, method: str, path: str, token: str, asked: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        """Take one request."""
        self.work()
        if path == "/token":
            return self._grant(asked)
        if self._valid.get(token, 0.0) < time.monotonic():
            self.refused += 1
            return 401, {}
        if method == "POST":
            self.posted += 1
            self._jobs.append((time.monotonic() + self.job_s, asked))
            return 200, {"job": str(len(self._jobs) - 1)}
        if path.startswith("/jobs/"):
            self.followed += 1
            return 200, {"done": int(path.removeprefix("/jobs/")) < self._done}
        return 200, {}

    def _grant(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if asked.get("secret") != SECRET:
            return 401, {}
        self.tokens += 1
        token = f"token-of-tiny-{self.tokens}"
        self._valid[token] = time.monotonic() + self.token_s
        return 200, {"token": token, "lasts_s": self.token_s}

    def work(self) -> None:
        """Do what is due."""
        while self._done < len(self._jobs) and self._jobs[self._done][0] <= time.monotonic():
            for sku, (quantity, places) in self._jobs[self._done][1].items():
                self.stock[sku] = (quantity, places)
                self.written.append((sku, quantity))
            self._done += 1

    def shows(self) -> dict[str, tuple[int, dict[str, int]]]:
        """What it shows by now."""
        with self.locked:
            self.work()
            return dict(self.stock)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
