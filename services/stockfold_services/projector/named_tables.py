"""The tables of the read model that say what things are called: for pages and searches alone."""

from __future__ import annotations

from stockfold_services.projector.table import Table

_RECORD = ("partition", "record_offset")

ITEMS = Table(
    "items",
    "SKUs as the catalogue knows them, the latest.",
    ("sku", "name", "category", "base_unit", "active", "kit", "revision", *_RECORD),
    ("sku",),
    ("record_offset",),
)
ALIASES = Table(
    "aliases",
    "What sources and channels call our SKUs, EANs among them, the latest.",
    ("scope", "code", "sku", "active", *_RECORD),
    ("scope", "code"),
    ("record_offset",),
)
