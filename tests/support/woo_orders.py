"""WooCommerce orders as the shop's REST API writes them, with personal data and all."""

from __future__ import annotations

from typing import Any

from stockfold.channels.woocommerce.orders import OrderTerms

TERMS = OrderTerms("woo-de")
MODIFIED = "2026-11-25T10:00:07"
MODIFIED_US = 1_795_600_807_000_000
PERSONAL = {
    "first_name": "Erika",
    "last_name": "Mustermann",
    "email": "erika@example.org",
    "phone": "+49 30 123456",
    "address_1": "Heidestraße 17",
}


def line(number: int = 11, **changes: Any) -> dict[str, Any]:
    """Three units of SKU A; ``reduced`` and ``restocked`` become its metadata."""
    meta = []
    for name, key in (("reduced", "_reduced_stock"), ("restocked", "_restock_refunded_items")):
        if name in changes:
            meta.append({"id": number * 10, "key": key, "value": changes.pop(name)})
    return {
        "id": number,
        "name": "A shirt for Erika",
        "product_id": 10,
        "variation_id": 0,
        "quantity": 3,
        "tax_class": "",
        "total": "29.97",
        "total_tax": "5.69",
        "taxes": [{"id": 1, "total": "5.69", "subtotal": "5.69"}],
        "meta_data": meta,
        "sku": "A",
        "price": 9.99,
        **changes,
    }


def order(status: str = "processing", **changes: Any) -> dict[str, Any]:
    """Order 727 with one line."""
    return {
        "id": 727,
        "parent_id": 0,
        "status": status,
        "currency": "EUR",
        "date_created": "2026-11-25T10:59:00",
        "date_created_gmt": "2026-11-25T09:59:00",
        "date_modified": "2026-11-25T11:00:07",
        "date_modified_gmt": MODIFIED,
        "customer_id": 5,
        "billing": PERSONAL,
        "shipping": PERSONAL,
        "customer_note": "Please ring at Mustermann",
        "customer_ip_address": "203.0.113.9",
        "date_paid_gmt": None,
        "date_completed_gmt": None,
        "line_items": [line()],
        "refunds": [],
        "meta_data": [{"id": 1, "key": "_billing_vat", "value": {"a": [{"b": ["Erika"]}]}}],
        **changes,
    }
