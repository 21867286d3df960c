"""Records into the tables: those that PostgreSQL will never take are found, kept, and passed."""

from __future__ import annotations

import asyncio

import asyncpg

from stockfold_services.projector.batch import Batch, Consumed, Place
from stockfold_services.projector.store import Store

# While records are decoded, what is being written waits for its turn no longer than this.
BREATH_RECORDS = 50

_POISON = (
    asyncpg.exceptions.DataError,
    asyncpg.exceptions.IntegrityConstraintViolationError,
    asyncpg.exceptions.ProgramLimitExceededError,
)
"""What PostgreSQL says of a row that it will never take."""


async def write_records(store: Store, records: list[Consumed], starts: dict[Place, int]) -> None:
    """Write records read from ``starts``, which move on with them; errors as ``write_batch``."""
    batch = await batch_of(records, starts)
    await write_batch(store, batch, records)
    starts.update(batch.next_offsets)


async def batch_of(records: list[Consumed], starts: dict[Place, int]) -> Batch:
    """The rows of records read from ``starts``; others get their turn meanwhile."""
    batch = Batch(starts)
    for index, record in enumerate(records, 1):
        batch.add(record)
        if index % BREATH_RECORDS == 0:
            await asyncio.sleep(0)
    return batch


async def write_batch(store: Store, batch: Batch, records: list[Consumed]) -> None:
    """Write a batch of these records.

    A record that PostgreSQL refuses is found by halving and kept as unreadable. ``Moved`` when the
    offsets are no longer those that the batch was read from; what was written before stays written.
    """
    try:
        await store.write(batch)
    except _POISON as error:
        if len(records) == 1:
            kept = Batch(batch.expected)
            kept.quarantine(records[0], f"{type(error).__name__}: {error}")
            await store.write(kept)
            return
        half = len(records) // 2
        starts = batch.expected
        for part in (records[:half], records[half:]):
            halved = await batch_of(part, starts)
            await write_batch(store, halved, part)
            starts = {**starts, **halved.next_offsets}
