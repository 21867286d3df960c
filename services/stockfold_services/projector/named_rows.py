"""Catalogue and aliases as rows of the read model: what SKUs are called. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stockfold.contracts.reference import reference_key
from stockfold_services.projector.rows import Row, text

Record = Mapping[str, Any]


def item_row(record: Record, partition: int, offset: int) -> Row:
    """A ``CatalogItem`` record as a row of items."""
    return (
        text(record["sku"]),
        text(record["name"]),
        text(record["category"]),
        text(record["base_unit"]),
        record["active"],
        record["bill_of_materials"] is not None,
        record["revision"],
        partition,
        offset,
    )


def withdrawn_item_row(key: bytes | None, partition: int, offset: int) -> Row:
    """What is left of a SKU that the catalogue has withdrawn by a record without a value."""
    sku = text((key or b"").decode("utf-8", "replace"))
    return sku, "", "", "", False, False, 0, partition, offset


def alias_row(record: Record, partition: int, offset: int) -> Row | None:
    """An ``Alias`` record as a row of aliases; None for what names no SKU."""
    if record["kind"] != "sku":
        return None
    return (
        text(record["scope"]),
        text(record["code"]),
        text(record["target"]),
        record["active"],
        partition,
        offset,
    )


def withdrawn_alias_row(key: bytes | None, partition: int, offset: int) -> Row | None:
    """What is left of an alias that was withdrawn by a record without a value."""
    parts = reference_key(key)
    if len(parts) != 4 or parts[:2] != ("alias", "sku"):
        return None
    return text(parts[2]), text(parts[3]), "", False, partition, offset
