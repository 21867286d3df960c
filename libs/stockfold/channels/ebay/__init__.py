"""eBay, Sell Inventory API: one call writes the stock of an inventory item and of its offers.

Built from eBay's published description of the interface; not yet tried on an account of eBay's.
"""

from __future__ import annotations

from stockfold.channels.ebay.adapter import Ebay

__all__ = ["Ebay"]
