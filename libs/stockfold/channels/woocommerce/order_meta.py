"""What we keep in the metadata of a shop's orders: words, added and never taken out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

CORRELATION_KEY = "_stockfold_correlation"
"""By what an order that we wrote to is followed through our systems."""


def read(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of an order, or of a line, by key."""
    entries = tree.get("meta_data")
    rows = entries if isinstance(entries, list) else []
    return {str(row.get("key")): row.get("value") for row in rows if isinstance(row, dict)}


def words(meta: Mapping[str, Any], key: str) -> list[str]:
    """The words under a key; none when it is not there."""
    return str(meta.get(key) or "").split()


def added(meta: Mapping[str, Any], key: str, word: str) -> Iterator[dict[str, str]]:
    """The change that adds a word; nothing when it is there."""
    known = words(meta, key)
    if word not in known:
        yield {"key": key, "value": " ".join([*known, word])}
