"""What every schema of ours keeps to, beyond Avro: a schema is read by people who never met us."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from stockfold.contracts.releases import Finding, Version

Json = Any

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PERSONAL = frozenset(
    {
        "first_name", "last_name", "full_name", "customer", "customer_name", "buyer", "contact",
        "email", "mail", "phone", "mobile", "address", "street", "city", "zip", "postcode",
        "postal_code", "birthday", "birth_date", "iban", "card", "ip", "ip_address", "username",
    }
)  # fmt: skip
_SENTENCE_END = (".", "?", ")")


def broken_rules(schemas: Iterable[Version]) -> Iterator[Finding]:
    """What each newest schema lacks: docs and examples of fields, defaults of enums, and so on."""
    newest = {schema.name: schema for schema in schemas}
    for schema in newest.values():
        if not schema.definition.get("doc", "").endswith(_SENTENCE_END):
            yield Finding(schema.name, "", "has no doc", "Say in a sentence what happened.")
        yield from _fields(schema.name, schema.definition, "")


def _fields(name: str, record: Json, prefix: str) -> Iterator[Finding]:
    for field in record["fields"]:
        place = f"{prefix}{field['name']}"
        if not _NAME.fullmatch(field["name"]):
            yield Finding(name, place, "is not in snake_case", "Write it as lower_case words.")
        if field["name"] in _PERSONAL:
            yield Finding(
                name,
                place,
                "sounds like personal data, which no event carries",
                "Carry the id of the order, and leave the person where orders are kept.",
            )
        if not field.get("doc", "").endswith(_SENTENCE_END):
            yield Finding(name, place, "has no doc", "Say in a sentence what it means.")
        if "example" not in field and not _holds_record(field["type"]):
            yield Finding(name, place, "has no example", 'Add "example".')
        yield from _types(name, field["type"], place)


def _holds_record(node: Json) -> bool:
    """Whether an example follows from those of the fields inside."""
    if isinstance(node, list):
        return any(map(_holds_record, node))
    return isinstance(node, dict) and (
        node["type"] == "record" or _holds_record(node.get("items", node.get("values")))
    )


def _types(name: str, node: Json, place: str) -> Iterator[Finding]:
    if isinstance(node, list):
        for branch in node:
            yield from _types(name, branch, place)
    elif node in ("float", "double"):
        yield Finding(name, place, "is a binary fraction", "Use whole units.")
    elif isinstance(node, dict):
        match node["type"]:
            case "enum" if "default" not in node:
                yield Finding(
                    name,
                    place,
                    f"the enum {node['name']} has no default, so it could never grow",
                    "Give it the symbol that is safe for whoever does not know the new one.",
                )
            case "record":
                yield from _fields(name, node, f"{place}.")
            case "array" | "map":
                yield from _types(name, node.get("items", node.get("values")), place)
            case _:
                return
