"""``python -m tests.support.woo_shop --port 8089 --products 1000``: a shop until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from tests.support.woo_shop import Shop, ShopServer
from tests.support.woo_shop.app import numbered


def main() -> None:
    parser = argparse.ArgumentParser(description="A small WooCommerce-compatible shop.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8089, help="0 takes a free one")
    parser.add_argument("--products", type=int, default=0, help="how many to begin with")
    parser.add_argument("--quantity", type=int, default=0, help="units of each")
    parser.add_argument("--prefix", default="SKU-", help="of their SKUs")
    parser.add_argument("--key", default="ck_test")
    parser.add_argument("--secret", default="cs_test")
    parser.add_argument("--item-written-ms", type=float, default=0.0, help="time an item costs")
    parser.add_argument("--item-read-ms", type=float, default=0.0)
    parser.add_argument("--workers", type=int, default=8, help="requests served at once")
    args = parser.parse_args()
    shop = Shop(
        consumer_key=args.key,
        consumer_secret=args.secret,
        item_written_s=args.item_written_ms / 1000,
        item_read_s=args.item_read_ms / 1000,
        workers=args.workers,
    )
    shop.add_products(numbered(args.products, args.prefix), args.quantity)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with ShopServer(shop, host=args.host, port=args.port) as server:
        sys.stdout.write(f"shop at {server.url} with {args.products} products; ")
        sys.stdout.write(f"key {args.key}, secret {args.secret}; Ctrl-C ends it\n")
        sys.stdout.flush()
        stop.wait()


if __name__ == "__main__":
    main()
