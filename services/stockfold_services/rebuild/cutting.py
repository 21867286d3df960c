"""Cutover: the generation ``NAME`` becomes the live one, the live one ``NAME_before``; and back.

One PostgreSQL transaction renames both schemas. It first waits until nobody is in the middle of a
transaction on the live tables, so the projector finds its offsets moved at its next batch, as if
another projector had been there, and reads on from those of the new generation. What is to be told
waits in the new generation's outbox: killed before it is told, the cutover is run again.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import asyncpg
import msgspec

from stockfold.domain.errors import SettingsError, UnavailableError
from stockfold.runtime.postgres import schema_name
from stockfold.runtime.settings import Settings
from stockfold_services.projector.migrate import lock_schema, migrate
from stockfold_services.rebuild import generations
from stockfold_services.rebuild.building import connected
from stockfold_services.rebuild.comparing import count_differences, prepare
from stockfold_services.rebuild.foreseeing import Foreseen, foresee
from stockfold_services.rebuild.publishing import plan, publish

LOCK_S_MAX = 60.0
"""How long readers and the projector are waited for, all in all."""
_ASK_MS = 400
"""Shorter than PostgreSQL's deadlock time-out, so that we give way and nobody else is ended."""


class Cutover(msgspec.Struct):
    """What a cutover does, or has done.

    ``rows`` are rows that differ by table; ``positions`` records that are told to the availability
    service. ``swapped`` is false when an earlier run has done that already.
    """

    name: str
    back: bool
    live: str
    shadow: str
    aside: str
    swapped: bool = False
    equal: bool = True
    rows: dict[str, int] = {}
    positions: int = 0
    told: int = 0
    availability: list[Foreseen] = []
    """What channels will be told of it."""


def plan_of(settings: Settings, name: str, *, back: bool) -> Cutover:
    """The schemas that a cutover swaps."""
    shadow, aside = name, name + generations.BEFORE
    if back:
        shadow, aside = aside, shadow
    return Cutover(
        name,
        back,
        schema_name(settings.prefix),
        generations.schema_of(settings, shadow),
        generations.schema_of(settings, aside),
    )


async def look(settings: Settings, cutover: Cutover, *, foreseeing: bool = True) -> Cutover:
    """What would differ, changing nothing but the outbox of the shadow.

    SettingsError when there is no such generation, or when it cannot become the live one.
    """
    async with connected(settings, cutover.live) as connection:
        if not await generations.exists(connection, cutover.shadow):
            await _refuse_unknown(connection, cutover)
            return cutover
        if await generations.exists(connection, cutover.aside):
            raise SettingsError(
                "the live generation cannot be put aside: its place is taken",
                where=f"PostgreSQL schema {cutover.aside}",
                remedy="Drop what is there by `stockfold rebuild --drop`, or use another name.",
            )
        about = await generations.about(connection, cutover.shadow)
        if not cutover.back:
            _refuse_unfit(cutover, about)
        cutover.swapped = True
        if await generations.exists(connection, cutover.live):
            await generations.make_tables(connection, cutover.shadow)
            async with connection.transaction(isolation="repeatable_read"):
                sides = await prepare(connection, cutover.live, cutover.shadow)
                cutover.rows = await count_differences(connection, sides)
                cutover.equal = not cutover.rows
                cutover.positions = await plan(connection, sides)
            if foreseeing:
                cutover.availability = await foresee(settings, connection, cutover.shadow)
    return cutover


async def _refuse_unknown(connection: asyncpg.Connection, cutover: Cutover) -> None:
    if not await generations.exists(connection, cutover.aside):
        raise SettingsError(
            f"there is no generation {cutover.name!r} to cut over to",
            where=f"PostgreSQL schema {cutover.shadow}",
            remedy="`stockfold rebuild NAME` makes one; `stockfold rebuild --list` names them.",
        )


def _refuse_unfit(cutover: Cutover, about: generations.About | None) -> None:
    if about is None or about.state != "ready":
        raise SettingsError(
            f"the generation {cutover.name!r} is not built to its end",
            where=f"PostgreSQL schema {cutover.shadow}",
            remedy=f"Run `stockfold rebuild {cutover.name}` again; it goes on where it was.",
        )
    if about.source == "redecide" or about.until:
        raise SettingsError(
            f"the generation {cutover.name!r} is not what the journal says today",
            where=f"PostgreSQL schema {cutover.shadow}",
            remedy="It is for comparing: the ledger goes on from the journal. Correct stock by "
            "adjustments, or cut over to a rebuild of the whole journal.",
        )


async def cut_over(settings: Settings, cutover: Cutover) -> Cutover:
    """Swap the generations if that is not done yet, then tell what the outbox holds."""
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(connected(settings, cutover.live))
        await generations.lock(connection, f"{cutover.live} cutover")
        await generations.lock(connection, cutover.shadow)
        await look(settings, cutover, foreseeing=False)
        if cutover.swapped:
            # One that was put aside may be of an earlier release than the projector that runs.
            await migrate(connection, cutover.shadow)
            await _swap_when_quiet(connection, cutover)
        await generations.make_tables(connection, cutover.live)
        cutover.told = await publish(connection, settings, cutover.live)
    return cutover


async def _swap_when_quiet(connection: asyncpg.Connection, cutover: Cutover) -> None:
    deadline = time.monotonic() + LOCK_S_MAX
    while True:
        try:
            async with connection.transaction():
                await _swap(connection, cutover)
        except (
            asyncpg.exceptions.LockNotAvailableError,
            asyncpg.exceptions.DeadlockDetectedError,
        ) as error:
            if time.monotonic() > deadline:
                raise UnavailableError(
                    f"the live tables were in use for {LOCK_S_MAX:.0f} s",
                    where=f"PostgreSQL schema {cutover.live}",
                    remedy="Nothing was changed. Find the long transaction, or try again later.",
                ) from error
            await asyncio.sleep(0.1)
        else:
            return


async def _swap(connection: asyncpg.Connection, cutover: Cutover) -> None:
    live, shadow, aside = cutover.live, cutover.shadow, cutover.aside
    await connection.execute(f"SET LOCAL lock_timeout = {_ASK_MS}")
    await lock_schema(connection, live)
    if await generations.exists(connection, live):
        rows = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = $1 "
            "ORDER BY tablename <> 'offsets', tablename",
            live,
        )
        names = ", ".join(f'"{live}"."{row["tablename"]}"' for row in rows)
        # Whoever is in the middle of something ends it first; whoever begins waits for the names.
        # Offsets come first, as they do for the projector, so that we never wait crosswise.
        await connection.execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
        # Who reads, and how far, is of the projector, not of a generation.
        for table in ("projectors", "progress"):
            await connection.execute(f'DELETE FROM "{shadow}".{table}')  # noqa: S608 - our own names
        for table in ("projectors", "progress", "offsets"):
            await connection.execute(
                f'INSERT INTO "{shadow}".{table} SELECT * FROM "{live}".{table} '  # noqa: S608 - our own names
                "ON CONFLICT DO NOTHING"
            )
        await connection.execute(f'ALTER SCHEMA "{live}" RENAME TO "{aside}"')
    await connection.execute(f'ALTER SCHEMA "{shadow}" RENAME TO "{live}"')
