"""Shopify: its orders, read from webhooks. Publishing stock to it is not there yet."""
