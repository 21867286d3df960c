"""How far each generation of the read model is: the live one, and those beside it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import asyncpg

from stockfold.contracts.topics import JOURNAL
from stockfold.domain.errors import SettingsError
from stockfold.runtime.settings import Settings
from stockfold_services.rebuild import generations
from stockfold_services.rebuild.generations import BEFORE, LIVE


class Generation(NamedTuple):
    """A generation of the read model.

    ``copied`` and ``to_copy`` are offsets of its topics; ``folded`` of ``partitions`` have their
    positions. ``to_copy`` is 0 while nobody knows how long the topics are.
    """

    name: str
    schema: str
    state: str
    source: str
    until: str
    started_at: datetime | None
    finished_at: datetime | None
    copied: int
    to_copy: int
    folded: int
    partitions: int
    facts: int
    bytes: int

    @property
    def part(self) -> float:
        """How much of the work is done, of 0 to 1: the copying and then the folding."""
        if self.state == "ready":
            return 1.0
        copied = min(self.copied / self.to_copy, 1.0) if self.to_copy else 0.0
        return (copied + self.folded / max(self.partitions, 1)) / 2

    @property
    def is_live(self) -> bool:
        """Whether questions are answered from it."""
        return self.name == LIVE

    @property
    def is_before(self) -> bool:
        """Whether a cutover has put it aside."""
        return self.name.endswith(BEFORE)


async def all_generations(
    connection: asyncpg.Connection, settings: Settings, ends: Mapping[str, int]
) -> list[Generation]:
    """The live generation first, then the others by name. ``ends`` are the topics' lengths."""
    found = []
    for name in [LIVE, *await generations.names(connection, settings)]:
        try:
            schema = generations.schema_of(settings, name)
        except SettingsError:
            continue  # Somebody else's schema, whose name only begins like ours.
        found.append(await _generation(connection, name, schema, ends))
    return found


async def _generation(
    connection: asyncpg.Connection, name: str, schema: str, ends: Mapping[str, int]
) -> Generation:
    about = await generations.about(connection, schema)
    read = await connection.fetch(
        f'SELECT topic, sum(next_offset)::bigint AS read, count(*) AS partitions FROM "{schema}".offsets '  # noqa: S608,E501 - schema_of made the name
        "GROUP BY topic"
    )
    folded, facts = 0, 0
    if about is not None:
        row = await connection.fetchrow(
            f'SELECT count(*), coalesce(sum(facts), 0)::bigint FROM "{schema}".rebuilt_partitions'  # noqa: S608 - as above
        )
        folded, facts = row
    return Generation(
        name=name,
        schema=schema,
        state=about.state if about else "live",
        source=about.source if about else "projector",
        until=about.until if about else "",
        started_at=about.started_at if about else None,
        finished_at=about.finished_at if about else None,
        copied=sum(row["read"] for row in read),
        to_copy=sum(ends.get(row["topic"], 0) for row in read),
        folded=folded,
        partitions=next((r["partitions"] for r in read if r["topic"] == JOURNAL.name), 0),
        facts=facts,
        bytes=await connection.fetchval(_BYTES, schema),
    )


_BYTES = """
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind = 'r'
"""
