"""The shop on a port, on a thread of its own."""

from __future__ import annotations

import socket
import threading
import time
from types import TracebackType
from typing import Self

import uvicorn

from tests.support.woo_shop.app import create_app
from tests.support.woo_shop.shop import Shop

START_S_MAX = 10.0


class ShopServer:
    """A context that serves a shop; ``url`` is its address."""

    def __init__(self, shop: Shop, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.shop = shop
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, port))
        self.url = f"http://{host}:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            create_app(shop),
            ws="none",
            lifespan="off",
            log_level="critical",
            access_log=False,
            date_header=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="woo-shop", daemon=True)

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + START_S_MAX
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise RuntimeError(f"the shop did not start at {self.url}")
            time.sleep(0.005)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._thread.join(START_S_MAX)
        self._socket.close()
