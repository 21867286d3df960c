"""Finding a SKU by what somebody calls it: its name, an EAN, a shop's own code, a part of it."""

from __future__ import annotations

from typing import NamedTuple

import asyncpg

from stockfold_services.api.scope import Reach

HITS_MAX = 50

_KNOWN = """
(EXISTS (SELECT FROM positions p WHERE p.sku = {0} AND ($2::text[] IS NULL OR p.location = ANY($2)))
 OR ($2::text[] IS NULL AND EXISTS (SELECT FROM sku_summaries s WHERE s.sku = {0}))
 OR ($2::text[] IS NULL AND EXISTS (SELECT FROM journal j WHERE j.sku = {0}))
 OR ($2::text[] IS NULL AND EXISTS (SELECT FROM items i WHERE i.sku = {0} AND i.active))
 OR EXISTS (SELECT FROM availability a WHERE a.sku = {0}
    AND ($3::text[] IS NULL OR a.channel = ANY($3))))
"""
_EXACT = f"SELECT 1 WHERE {_KNOWN.format('$1::text')}"
_BY_CODE = f"""
SELECT a.sku, a.scope || ' calls it ' || a.code AS why FROM aliases a
WHERE a.code = $1 AND a.active AND ($3::text[] IS NULL OR a.scope = ANY($3))
AND {_KNOWN.format("a.sku")}
ORDER BY a.sku, a.scope LIMIT {HITS_MAX}
"""  # noqa: S608 - our own names
_NAMES = """
(SELECT sku, '' AS why FROM positions
 WHERE strpos(lower(sku), lower($1)) > 0 AND ($2::text[] IS NULL OR location = ANY($2))
 GROUP BY sku LIMIT $4)
UNION (SELECT sku, '' FROM availability
 WHERE strpos(lower(sku), lower($1)) > 0 AND ($3::text[] IS NULL OR channel = ANY($3))
 GROUP BY sku LIMIT $4)
"""
_PART = f"""
WITH named AS ({_NAMES}
UNION (SELECT sku, name FROM items
 WHERE active AND (strpos(lower(name), lower($1)) > 0 OR strpos(lower(sku), lower($1)) > 0)
 AND {_KNOWN.format("items.sku")} LIMIT $4))
SELECT n.sku, coalesce(max(i.name), '') AS why FROM named n LEFT JOIN items i USING (sku)
GROUP BY n.sku ORDER BY length(n.sku), n.sku LIMIT $4
"""  # noqa: S608 - our own names


class Hit(NamedTuple):
    """A SKU that may be meant, and why."""

    sku: str
    why: str


async def is_known(connection: asyncpg.Connection, sku: str, reach: Reach) -> bool:
    """Whether there is anything about a SKU that the caller may see."""
    return bool(await connection.fetchval(_EXACT, sku, *_limits(reach)))


async def named_so(connection: asyncpg.Connection, text: str, reach: Reach) -> list[Hit]:
    """The SKU of exactly this name or code; where there is none, those that have it in them.

    At most ``HITS_MAX``, the shortest first.
    """
    limits = _limits(reach)
    found = [Hit(text, "")] if await is_known(connection, text, reach) else []
    found += [Hit(**row) for row in await connection.fetch(_BY_CODE, text, *limits)]
    if found:
        return list({hit.sku: hit for hit in reversed(found)}.values())[::-1]
    rows = await connection.fetch(_PART, text, *limits, HITS_MAX + 1)
    return [Hit(**row) for row in rows]


def _limits(reach: Reach) -> tuple[list[str] | None, list[str] | None]:
    return (
        None if reach.locations is None else list(reach.locations),
        None if reach.channels is None else list(reach.channels),
    )
