"""Records into the tables: those that PostgreSQL will never take are found, kept, and passed."""

from __future__ import annotations

import asyncio

import asyncpg

from stockfold_services.projector.batch import Batch, Consumed, Place
from stockfold_services.projector.store import Store

# Decoding hands the thread to its neighbours this often.
BREATH_RECORDS = 500

_POISON = (
    asyncpg.exceptions.DataError,
    asyncpg.exceptions.IntegrityConstraintViolationError,
    asyncpg.exceptions.ProgramLimitExceededError,
)
"""What PostgreSQL says of a row that it will never take."""


async def write_records(
    store: Store, records: list[Consumed], starts: dict[Place, int]
) -> dict[Place, int]:
    """Write records read from ``starts``, which move on with them; the next offset of each place.

    A record that PostgreSQL refuses is found by halving and kept as unreadable. ``Moved`` when the
    offsets are no longer those of ``starts``; what was written before stays written.
    """
    batch = Batch(starts)
    for index, record in enumerate(records, 1):
        batch.add(record)
        if index % BREATH_RECORDS == 0:
            await asyncio.sleep(0)
    try:
        await store.write(batch)
    except _POISON as error:
        if len(records) > 1:
            half = len(records) // 2
            first = await write_records(store, records[:half], starts)
            return first | await write_records(store, records[half:], starts)
        batch = Batch(starts)
        batch.quarantine(records[0], f"{type(error).__name__}: {error}")
        await store.write(batch)
    starts.update(batch.next_offsets)
    return batch.next_offsets
