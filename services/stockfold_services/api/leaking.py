"""Leaks over all SKUs, from the read model, a bounded number of SKUs at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import asyncpg
import msgspec

from stockfold.domain.times import from_us
from stockfold.explain.compensation import Choices
from stockfold.explain.leaks import Leak, leaks
from stockfold.explain.open_book import Book
from stockfold_services.api.history import COLUMNS, FACTS_MAX, entry_of

SKUS_MAX = 100
"""SKUs that one page looks at."""

# Each half stops at the first SKUs of its index; their union is what a page looks at.
_CANDIDATES = """
(SELECT DISTINCT sku FROM demand_lines
 WHERE $4 AND (reserved > 0 OR allocated > 0 OR backordered > 0) AND recorded_at <= $1
 AND ($2::text IS NULL OR sku > $2) ORDER BY sku LIMIT $3)
UNION
(SELECT DISTINCT sku FROM journal
 WHERE $5 AND kind IN ('TransferDispatched', 'TransferReceived', 'ReturnAuthorized',
                       'ReturnReceived', 'InboundExpected')
 AND recorded_at <= $1 AND ($2::text IS NULL OR sku > $2) ORDER BY sku LIMIT $3)
ORDER BY sku LIMIT $3
"""
# Facts without entities open nothing and end nothing.
_FACTS = f"""
SELECT {COLUMNS} FROM journal WHERE sku = ANY($1) AND length(body) > 2 ORDER BY sku, seq LIMIT $2
"""  # noqa: S608 - our own names


class Found(msgspec.Struct):
    """The leaks of some SKUs; ``next_sku`` is the last one looked at, None at the end.

    ``too_long`` are SKUs with more facts than a request may fold.
    """

    leaks: list[Leak]
    next_sku: str | None
    too_long: list[str]


async def leaks_after(
    connection: asyncpg.Connection,
    after: str | None,
    before_us: int,
    now_us: int,
    kinds: Collection[str],
    choices: Choices,
) -> Found:
    """The leaks of the next SKUs after ``after`` in which something may be open."""
    promises = not {"reservation", "allocation"}.isdisjoint(kinds)
    others = not {"transfer", "return", "inbound"}.isdisjoint(kinds)
    rows = await connection.fetch(
        _CANDIDATES, from_us(before_us), after, SKUS_MAX, promises, others
    )
    skus = [row["sku"] for row in rows]
    facts = await connection.fetch(_FACTS, skus, FACTS_MAX + 1)
    whole, too_long = _whole(skus, facts)
    books = {sku: Book(sku) for sku in whole}
    for row in facts:
        book = books.get(row["sku"])
        if book is not None:
            book.fold(entry_of(row))
    found = [
        leak for book in books.values() for leak in leaks(book, before_us, now_us, kinds, choices)
    ]
    looked_at = [*whole, *too_long]
    ends = len(looked_at) == len(skus) < SKUS_MAX
    return Found(found, None if ends or not looked_at else max(looked_at), too_long)


def _whole(skus: Sequence[str], facts: Sequence[asyncpg.Record]) -> tuple[Sequence[str], list[str]]:
    """SKUs whose facts are all there, and the one that alone is too long."""
    if len(facts) <= FACTS_MAX:
        return skus, []
    cut = facts[-1]["sku"]
    whole = skus[: skus.index(cut)]
    return whole, [] if whole else [cut]
