"""The two demo shops: WooCommerce-compatible, on loopback, with a memory that outlives them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.support.woo_shop import Product, Shop, ShopServer

from stockfold.runtime.embedded import ports

BEFORE = 999
"""What every product shows before anything was published: plainly wrong, so that silence shows."""
PORTS = (8089, 8090)


class RememberingShop(Shop):
    """A shop that writes each change of stock to a file at once, as a real one has a database.

    A demo that was killed starts again with its shops as they were.
    """

    def __init__(self, memory: Path) -> None:
        super().__init__()
        self._path = memory
        self._file: int | None = None

    def open(self, skus: Iterable[str]) -> None:
        """Take the SKUs into the catalogue, with the stock that was last shown."""
        known = dict(self._remembered())
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text("".join(f"{sku} {units}\n" for sku, units in known.items()), "utf-8")
        fresh.replace(self._path)
        for sku in skus:
            self.add_products([sku], known.get(sku, BEFORE))
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _remembered(self) -> Iterator[tuple[str, int]]:
        if not self._path.exists():
            return
        for line in self._path.read_text("utf-8").splitlines():
            sku, separator, units = line.partition(" ")
            # A write is one call, so a killed run leaves whole lines; anything else is not ours.
            if separator and units.lstrip("-").isdigit():
                yield sku, int(units)

    async def _write(self, product: Product, body: Mapping[str, Any]) -> None:
        await super()._write(product, body)
        if self._file is not None:
            os.write(self._file, f"{product.sku} {product.stock_quantity}\n".encode())


@contextmanager
def serve(names: Iterable[str], folder: Path, skus: list[str]) -> Iterator[dict[str, ShopServer]]:
    """The shops of these names, serving, each with the SKUs as products."""
    with ExitStack() as stack:
        servers: dict[str, ShopServer] = {}
        for name, wanted in zip(names, PORTS, strict=True):
            shop = RememberingShop(folder / f"{name}.stock")
            shop.open(skus)
            stack.callback(shop.close)
            port = wanted if ports.is_free(wanted) else 0
            servers[name] = stack.enter_context(ShopServer(shop, port=port))
        yield servers
