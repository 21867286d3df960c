"""Small sets of schemas of a test's own: a lock file's folder, and registries of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stockfold.contracts.registry import LockFileRegistry

NAME = "stockfold.GoodsReceived"


def field(name: str, kind: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "doc": f"The {name}.", "example": "", **more}


def record(*fields: dict[str, Any], name: str = "GoodsReceived") -> dict[str, Any]:
    """A schema whose first field is the SKU."""
    return {
        "type": "record",
        "name": name,
        "namespace": "stockfold",
        "doc": "It happened.",
        "fields": [field("sku", "string"), *fields],
    }


def enum(*symbols: str, default: str | None = None) -> dict[str, Any]:
    more = {} if default is None else {"default": default}
    return {"type": "enum", "name": "Condition", "symbols": list(symbols), **more}


V1 = record(
    field("quantity", "int"),
    field("condition", enum("good", "bad", "gone", default="bad"), default="good"),
    field("colour", ["null", "string"], default=None),
)
V2 = record(
    field("quantity", "long"),
    field("condition", enum("good", "bad", default="bad"), default="good"),
    field("batch", ["null", "string"], default=None),
)
"""Reads what V1 wrote: a wider number, a symbol and a field less, a new field."""


def lock_folder(folder: Path, *versions: Any) -> Path:
    """A schemas folder whose lock file gives the ids 1, 2, … in this order."""
    (folder / "inputs").mkdir(parents=True, exist_ok=True)
    entries = []
    newest = {definition["name"]: index for index, definition in enumerate(versions)}
    for index, definition in enumerate(versions):
        name = definition["name"]
        old = "" if newest[name] == index else f"-{index + 1}"
        file = f"inputs/{name}{old}.avsc"
        (folder / file).write_text(json.dumps(definition), "utf-8")
        entries.append({"id": index + 1, "name": f"stockfold.{name}", "file": file})
    (folder / "schemas.lock.json").write_text(json.dumps({"schemas": entries}), "utf-8")
    return folder


def lock_registry(folder: Path, *versions: Any) -> LockFileRegistry:
    return LockFileRegistry(lock_folder(folder, *versions))
