"""A small stateful shop that behaves like WooCommerce, as far as stock is concerned.

Built from what was read in WooCommerce's source and measured on real shops (11.0, 8.9); every
fact it imitates has a test in ``tests/contract/woocommerce``. It is test and demo support.

In a test or a demo, on a thread of its own::

    with ShopServer(Shop()) as server:
        server.shop.add_products(["SKU-1", "SKU-2"])
        ...                                     # server.url, server.shop.consumer_key
        assert server.shop.stock() == {"SKU-1": 3, "SKU-2": 0}

As a process: ``python -m tests.support.woo_shop --port 8089 --products 1000``, then
``POST /_shop/products``, ``GET /_shop/stock``, ``POST /_shop/faults``, ``GET /_shop/stats``.
"""

from __future__ import annotations

from stockfold.channels.woocommerce.fake.catalogue import Product
from tests.support.woo_shop.app import create_app
from tests.support.woo_shop.faults import Fault
from tests.support.woo_shop.server import ShopServer
from tests.support.woo_shop.shop import Shop

__all__ = ["Fault", "Product", "Shop", "ShopServer", "create_app"]
