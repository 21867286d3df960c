"""What channels were told and held of a SKU, as far as the read model keeps it."""

from __future__ import annotations

import asyncpg

from stockfold.domain.times import from_us
from stockfold.explain.listings import Delivered, Listing, Published, listings_at

_VERSION = "channel, version, quantity, status, policy_revision, seq, recorded_at"
_DELIVERY = "channel, version, quantity, outcome, detail, finished_at"

# Of each channel the last version by then and the first after it. The table of the latest has what
# is older than the history keeps.
_PUBLISHED = f"""
WITH versions AS (
    SELECT {_VERSION} FROM availability_history WHERE sku = $1
    UNION SELECT {_VERSION} FROM availability WHERE sku = $1
)
(SELECT DISTINCT ON (channel) * FROM versions WHERE recorded_at <= $2
 ORDER BY channel, version DESC)
UNION ALL
(SELECT DISTINCT ON (channel) * FROM versions WHERE recorded_at > $2 ORDER BY channel, version)
"""  # noqa: S608 - our own names
_DELIVERED = f"""
WITH outcomes AS (
    SELECT {_DELIVERY} FROM delivery_history WHERE sku = $1 AND finished_at <= $2
    UNION SELECT {_DELIVERY} FROM deliveries WHERE sku = $1 AND finished_at <= $2
)
(SELECT DISTINCT ON (channel) * FROM outcomes WHERE outcome = 'applied'
 ORDER BY channel, version DESC)
UNION ALL
(SELECT DISTINCT ON (channel) * FROM outcomes
 WHERE outcome NOT IN ('applied', 'superseded', 'shadow')
 ORDER BY channel, version DESC)
"""  # noqa: S608 - our own names


async def listings_of(connection: asyncpg.Connection, sku: str, at_us: int) -> list[Listing]:
    """Each channel of a SKU at a time."""
    at = from_us(at_us)
    published = await connection.fetch(_PUBLISHED, sku, at)
    delivered = await connection.fetch(_DELIVERED, sku, at)
    return listings_at(
        [Published(**row) for row in published], [Delivered(**row) for row in delivered], at_us
    )
