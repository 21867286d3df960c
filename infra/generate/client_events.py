"""Writes the client's event types from the schemas: ``python -m infra.generate.client_events``.

A test holds the file and the schemas together.
"""

from __future__ import annotations

import keyword
import textwrap
from pathlib import Path
from typing import Any

from stockfold.contracts.registry import default_registry
from stockfold.contracts.topics import INPUTS

PATH = Path(__file__).parents[2] / "libs/stockfold/client/events.py"
WIDTH = 100
_HEAD = '''"""Every event type that a producer may send, as its newest schema has it.

Written by ``python -m infra.generate.client_events``; change the schemas, not this file.
"""

from __future__ import annotations

'''
_PLAIN = {"string": "str", "long": "int", "int": "int", "boolean": "bool", "bytes": "bytes"}
_LOGICAL = {"timestamp-micros": "datetime", "date": "date"}


class _Module:
    """The text of the module, type by type."""

    def __init__(self) -> None:
        self.named: dict[str, str] = {}
        """Enumerations and nested records, by name, in the order in which they are met."""
        self.events: list[str] = []
        self.names: list[str] = []

    def add(self, definition: dict[str, Any]) -> None:
        self.names.append(definition["name"])
        self.events.append(self._class(definition, "Event"))

    def _class(self, definition: dict[str, Any], base: str) -> str:
        name = definition["name"]
        lines = [f"class {name}({base}, frozen=True, kw_only=True):"]
        lines += _doc(definition["doc"])
        fields = [field for field in definition["fields"] if field["name"] != "sku"]
        if fields:
            lines.append("")  # Every event has the SKU from its base.
        for field in fields:
            lines += self._field(field)
        return "\n".join(lines)

    def _field(self, field: dict[str, Any]) -> list[str]:
        name = field["name"]
        own = name + "_" if keyword.iskeyword(name) else name
        line = f"    {own}: {self._type(field['type'])}"
        if own != name:
            default = f", default={field['default']!r}" if "default" in field else ""
            line += f' = msgspec.field(name="{name}"{default})'
        elif "default" in field:
            default = field["default"]
            line += f' = "{default}"' if isinstance(default, str) else f" = {default!r}"
        # In Python it is a datetime.
        return [line, *_doc(field["doc"].replace(", UTC microseconds", ""))]

    def _type(self, node: Any) -> str:
        if isinstance(node, list):
            return " | ".join([self._type(part) for part in node if part != "null"] + ["None"])
        if not isinstance(node, dict):
            return _PLAIN.get(node) or str(node).removeprefix("stockfold.")
        if node.get("logicalType") in _LOGICAL:
            return _LOGICAL[node["logicalType"]]
        if node["type"] == "array":
            return f"Sequence[{self._type(node['items'])}]"
        if node["type"] == "enum":
            self._name(node["name"], _enum(node))
            return str(node["name"])
        if node["type"] == "record":
            self._name(node["name"], self._class(node, "msgspec.Struct"))
            return str(node["name"])
        return _PLAIN[node["type"]]

    def _name(self, name: str, text: str) -> None:
        known = self.named.setdefault(name, text)
        if known != text:
            raise ValueError(f"the schemas define {name} in two ways")

    def text(self) -> str:
        body = "\n\n\n".join([*self.named.values(), *self.events])
        imports = []
        if "Sequence[" in body:
            imports.append("from collections.abc import Sequence")
        times = [name for name in ("date", "datetime") if f": {name}" in body]
        if times:
            imports.append(f"from datetime import {', '.join(times)}")
        if "Literal[" in body:
            imports.append("from typing import Literal")
        if "msgspec." in body:
            imports += ["", "import msgspec"]
        imports += ["", "from stockfold.client.event import Event"]
        listed = "\n".join(f'    "{name}",' for name in sorted([*self.named, *self.names]))
        return f"{_HEAD}{chr(10).join(imports)}\n\n__all__ = [\n{listed}\n]\n\n{body}\n"


def _enum(node: dict[str, Any]) -> str:
    symbols = ", ".join(f'"{symbol}"' for symbol in node["symbols"])
    line = f"{node['name']} = Literal[{symbols}]"
    if len(line) > WIDTH:
        line = f"{node['name']} = Literal[\n    {symbols}\n]"
    return "\n".join([line, *_doc(node["doc"], "")])


def _doc(text: str, indent: str = "    ") -> list[str]:
    """The lines of a docstring."""
    if len(text) + len(indent) + 6 <= WIDTH:
        return [f'{indent}"""{text}"""']
    lines = textwrap.wrap(text, WIDTH - len(indent) - 6)
    return [f'{indent}"""{lines[0]}', *(indent + line for line in lines[1:]), f'{indent}"""']


def render() -> str:
    """The module as it must be."""
    module = _Module()
    registry = default_registry()
    for topic in INPUTS:
        for name in topic.schemas:
            module.add(registry.by_name(name).definition)
    return module.text()


def main() -> None:
    """Write the module."""
    PATH.write_text(render(), "utf-8")


if __name__ == "__main__":
    main()
