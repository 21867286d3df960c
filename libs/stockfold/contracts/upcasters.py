"""What cannot change compatibly: functions that turn an old record into today's.

A field that is added, or given up, with a default needs nothing here: Avro's own schema resolution
reads old data into the newest schema. An upcaster is for the rest: a type that was replaced by
another one, or a version whose numbers meant something else. It is written once, next to the
release that needs it, is never changed afterwards, and is covered by a test that replays old bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stockfold.contracts.registry import Registry, Schema
from stockfold.domain.errors import DefectError

Record = dict[str, Any]
STEPS_MAX = 32


@dataclass(frozen=True, slots=True)
class Upcaster:
    """How the records of one version of a name become records of the newest schema of ``to``.

    ``function`` is given the record as its writer's schema says, and must not keep it.
    """

    to: str
    function: Callable[[Record], Record]
    doc: str


Upcasters = Mapping[tuple[str, int], Upcaster]

UPCASTERS: Upcasters = {}
"""By (full name, version). The version counts the releases of a name from 1."""


def upcast(
    schema: Schema, record: Record, registry: Registry, upcasters: Upcasters = UPCASTERS
) -> tuple[Schema, Record]:
    """The record under the newest schema of what it is called today.

    Nothing changes when no upcaster is declared. DefectError when upcasters lead in a circle.
    """
    for _ in range(STEPS_MAX):
        known = upcasters.get((schema.name, schema.version))
        if known is None:
            return schema, record
        target = registry.by_name(known.to)
        record = known.function(record)
        if target.name == schema.name:
            # The function made a record of the newest version of the same name.
            return target, record
        schema = target
    raise DefectError(
        f"the upcasters of {schema.name} lead in a circle",
        where="stockfold.contracts.upcasters.UPCASTERS",
        remedy="Let every upcaster lead to a newer type.",
    )
