"""What the journal says of a SKU: why its numbers are so, what went wrong, and what it was once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

import asyncpg

from stockfold.explain.entry import History
from stockfold.explain.explanation import Explanation, explain
from stockfold.explain.listings import Listing
from stockfold.explain.oversell import Deficit, deficits
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold_services.api.console.as_of_view import Asked, View, asked_time, view
from stockfold_services.api.console.sku_data import Facts, facts_before
from stockfold_services.api.history import history_of
from stockfold_services.api.listings import listings_of
from stockfold_services.api.problems import Problem

DEFICITS_MAX = 5


class Read(NamedTuple):
    """What was read for the story, and when. ``trouble`` says why a history cannot be folded."""

    now_us: int
    facts: Facts
    history: History
    asked: Asked
    channels: list[Listing]
    trouble: str


class Story(NamedTuple):
    """The story; ``step`` is where the slider stands, ``trouble`` why there is less of it."""

    facts: Facts
    asked: Asked
    step: int
    explanation: Explanation | None = None
    oversells: list[Deficit] = []  # noqa: RUF012 - never changed
    view: View | None = None
    trouble: str = ""


async def read_story(
    connection: asyncpg.Connection, sku: str, before: int, given: Mapping[str, str]
) -> Read:
    """Read what the story is made from; nothing is folded while the connection is held."""
    now_us = SYSTEM_CLOCK.now_us()
    facts = await facts_before(connection, sku, before)
    history: History = ()
    trouble = ""
    try:
        history = await history_of(connection, sku)
    except Problem as problem:
        trouble = problem.detail
    asked = await asked_time(connection, sku, given, now_us)
    channels = [] if asked.at_us is None else await listings_of(connection, sku, asked.at_us)
    return Read(now_us, facts, history, asked, channels, trouble)


async def story_of(sku: str, read: Read) -> Story:
    """Fold it, in a thread."""
    return await asyncio.to_thread(_story, sku, read)


def _story(sku: str, read: Read) -> Story:
    if read.trouble:
        return Story(read.facts, read.asked, 0, trouble=read.trouble)
    seen = view(sku, read.history, read.asked, read.channels)
    return Story(
        read.facts,
        read.asked,
        len(read.history) if seen is None else seen.then.last_seq,
        explain(sku, read.history, read.now_us),
        deficits(sku, read.history, None)[:DEFICITS_MAX],
        seen,
    )
