"""Walmart Marketplace: seller-fulfilled inventory, per ship node or at the default one."""
