"""WooCommerce, REST API v3.

Tested against a shop that imitates what was read in WooCommerce's source and measured on
WooCommerce 11.0 and 8.9; not yet against a live shop of a merchant.
"""

from __future__ import annotations

from stockfold.channels.woocommerce.adapter import WooCommerce

__all__ = ["WooCommerce"]
