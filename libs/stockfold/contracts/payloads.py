"""Example events of every type, for the tests of producers and for our own.

They ship with the package, as files: ``payloads/<EventType>/valid|edge|invalid/*.json`` in
``stockfold_schemas``. ``valid`` and ``edge`` ones are taken. The name of an ``invalid`` one begins
with the exception kind that it causes, up to the first dot. A file is a Kafka value in JSON, or, to
show a wrong envelope, a CloudEvent in structured JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal, cast

from stockfold.contracts import codec
from stockfold.contracts.json_reader import JsonReader
from stockfold.contracts.registry import Registry, default_registry
from stockfold.domain.errors import ContractError

Group = Literal["valid", "edge", "invalid"]
GROUPS: tuple[Group, ...] = ("valid", "edge", "invalid")


@dataclass(frozen=True, slots=True)
class Payload:
    """One example. ``kind`` is the exception kind that an invalid one causes, else empty."""

    event_type: str
    group: Group
    name: str
    raw: bytes

    @property
    def kind(self) -> str:
        """The exception kind that it causes; empty when it is taken."""
        return self.name.partition(".")[0] if self.group == "invalid" else ""

    @property
    def is_cloud_event(self) -> bool:
        """Whether it is a CloudEvent in structured JSON, instead of a Kafka value."""
        return self.name.endswith(".cloudevent")

    def avro(self, registry: Registry | None = None) -> bytes | None:
        """The same as an Avro Kafka value; None when the schema itself cannot say it."""
        registry = registry or default_registry()
        name = f"stockfold.{self.event_type}"
        if self.is_cloud_event:
            return None
        try:
            _, record = JsonReader(registry).read(name, self.raw)
        except ContractError:
            return None
        return codec.encode(name, record, registry)


def payloads(event_type: str = "") -> Iterator[Payload]:
    """Every example, or those of one type such as ``GoodsReceived``."""
    root = files("stockfold_schemas") / "payloads"
    for kind in sorted(root.iterdir(), key=lambda entry: entry.name):
        if not kind.is_dir() or (event_type and kind.name != event_type):
            continue
        for group in sorted(kind.iterdir(), key=lambda entry: entry.name):
            for file in sorted(group.iterdir(), key=lambda entry: entry.name):
                if file.name.endswith(".json"):
                    name = file.name.removesuffix(".json")
                    yield Payload(kind.name, cast("Group", group.name), name, file.read_bytes())
