"""A WooCommerce shop without a socket, as far as stock is concerned.

Built from what was read in WooCommerce's source and measured on real shops (11.0, 8.9); every fact
it imitates has a test in ``tests/contract/woocommerce``.
"""

from __future__ import annotations

from stockfold.channels.woocommerce.fake.subject import WooCommerceSubject

__all__ = ["WooCommerceSubject"]
