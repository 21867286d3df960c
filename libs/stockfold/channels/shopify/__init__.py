"""Shopify: stock out by its GraphQL Admin API, orders in by webhooks and sweeps."""
