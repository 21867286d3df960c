"""The projector: copies the output topics into PostgreSQL, each record exactly once."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

import asyncpg
from aiokafka.errors import KafkaError

from stockfold.domain.errors import SettingsError, UnavailableError
from stockfold.runtime.behind import go_behind_others
from stockfold.runtime.postgres import UNAVAILABLE
from stockfold.runtime.serve import serve_async
from stockfold.runtime.settings import Settings
from stockfold.runtime.steps import step
from stockfold.runtime.telemetry import measures
from stockfold.runtime.telemetry.tracing import Span, Traces, traces_of
from stockfold.runtime.watchdog import Pulse, restarted_when_stalled
from stockfold_services.projector.batch import Batch, Consumed, Place
from stockfold_services.projector.source import Source
from stockfold_services.projector.spans import spans_of
from stockfold_services.projector.store import PRUNE_ROWS_MAX, Moved, Store
from stockfold_services.projector.writing import batch_of, write_batch

log = logging.getLogger(__name__)

BACK_OFF_S_MIN = 0.2
BACK_OFF_S_MAX = 5.0
BEAT_S = 1.0
BEATS_TO_CONNECT = 5
"""More of them, and it has projected: its next failure is a new one."""
PRUNE_S = 600.0
NICENESS = 10
"""Behind the ledger and whoever answers people: what is late here is only seen later."""

_DROPPED = (asyncpg.exceptions.UndefinedTableError, asyncpg.exceptions.InvalidSchemaNameError)
"""The schema was dropped beneath us, in order to be rebuilt."""

_REFUSED = (
    asyncpg.exceptions.InvalidAuthorizationSpecificationError,
    asyncpg.exceptions.InvalidCatalogNameError,
    asyncpg.exceptions.InsufficientPrivilegeError,
)
"""PostgreSQL answers, but not to us."""


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Project until ``stop``.

    While Kafka or PostgreSQL is away it tries again, ever more slowly, at least every 5 s.
    SettingsError and DefectError end it.
    """
    back_off_s = BACK_OFF_S_MIN
    while not stop.is_set():
        pulse = Pulse("projector")
        pulse.beat("connecting")
        work = _project(settings, stop, pulse)
        try:
            await restarted_when_stalled(work, [pulse], settings.environment.stall_limit_s)
        except _REFUSED as error:
            raise SettingsError(
                f"PostgreSQL refuses the projector: {error}",
                where="postgres.dsn",
                remedy="Check user, password, database, and the right to create a schema in it.",
            ) from error
        except (*UNAVAILABLE, *_DROPPED, KafkaError, UnavailableError) as error:
            if pulse.beats > BEATS_TO_CONNECT:
                back_off_s = BACK_OFF_S_MIN
            wait_s = back_off_s * random.uniform(0.8, 1.2)  # noqa: S311 - not for secrets
            measures.PROJECTOR_INTERRUPTIONS.inc()
            log.warning(
                "projection interrupted, trying again in %.1f s: %s %s",
                wait_s,
                type(error).__name__,
                error,
            )
            back_off_s = min(back_off_s * 2, BACK_OFF_S_MAX)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait_s)


async def _project(settings: Settings, stop: asyncio.Event, pulse: Pulse) -> None:
    async with Store.opened(settings) as store, Source.opened(settings) as source:
        await store.claim_origin(source.cluster_id, settings.prefix)
        if not await store.go_behind_others(NICENESS):
            log.debug("PostgreSQL's process for us is not ours to put behind the others")
        traces = traces_of(settings, "projector")
        source.traced = traces.on
        projector = _Projector(store, source, pulse, traces)
        log.info("projecting into schema %s", store.schema)
        while not stop.is_set():
            await projector.step()
        pulse.beat("closing")


class _Read(NamedTuple):
    """Records that were read, and their rows; to be written while nothing was forgotten since."""

    records: list[Consumed]
    batch: Batch
    turn: int
    spans: list[Span]


class _Projector:
    """One connection to each side, and what is due next.

    While PostgreSQL takes a batch in, the next one is read and made into rows.
    """

    def __init__(self, store: Store, source: Source, pulse: Pulse, traces: Traces) -> None:
        self._traces = traces
        self._pulse = pulse
        self._store = store
        self._source = source
        self._ahead: _Read | None = None
        self._started_at = datetime.now(UTC)
        self._reported: dict[tuple[str, int], object] = {}
        self._beat_due_s = 0.0
        self._prune_due_s = 0.0

    async def step(self) -> None:
        """Report when it is time to, write one batch and read the next one; prune now and then."""
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._beat_due_s:  # First of all once: readers see that it lives.
            self._beat_due_s = now_s + BEAT_S
            self._pulse.beat("reporting to PostgreSQL")
            await self._beat()
        self._pulse.beat("finding where partitions stand")
        await self._source.adopt(self._store.offsets)
        ready, self._ahead = self._ahead, None
        if ready is None:
            self._pulse.beat("reading from Kafka")
            ready = await self._read({})
        # A rebalance meanwhile took partitions away: whoever has them now reads them again.
        if ready is not None and ready.turn == self._source.turns:
            step("projector.after_read")
            self._pulse.beat("writing to PostgreSQL")
            await self._write_and_read(ready)
        if now_s >= self._prune_due_s:
            self._pulse.beat("pruning in PostgreSQL")
            removed = await self._store.prune()
            self._prune_due_s = now_s + (PRUNE_S if removed < PRUNE_ROWS_MAX else BEAT_S)

    async def _write_and_read(self, ready: _Read) -> None:
        reading = asyncio.create_task(self._read(ready.batch.next_offsets))
        try:
            await self._write(ready)
        except Moved as moved:
            log.warning("another projector has written %s; reading anew", moved)
            self._read_anew()
        except BaseException:
            reading.cancel()
            await asyncio.wait({reading})
            raise
        self._ahead = await reading

    async def _read(self, behind: dict[Place, int]) -> _Read | None:
        """The next records as rows. ``behind`` is where those end that are being written."""
        turn = self._source.turns
        records = await self._source.fetch()
        starts = self._source.starts() | behind
        if not records or turn != self._source.turns:
            return None
        return _Read(
            records, await batch_of(records, starts), turn, spans_of(self._traces, records)
        )

    async def _write(self, ready: _Read) -> None:
        with measures.PROJECTOR_WRITE.time():
            await write_batch(self._store, ready.batch, ready.records)
        self._source.written(ready.batch)
        for span in ready.spans:
            span.end()
        for topic, count in Counter(record.topic for record in ready.records).items():
            measures.PROJECTOR_RECORDS.labels(topic).inc(count)

    async def _beat(self) -> None:
        """Tell readers how far the tables are, and as of when that is known.

        Nothing may have come since another generation was put in the tables' place: then it is
        noticed here that they stand elsewhere.
        """
        if await self._store.moved(self._source.starts()):
            log.warning("the tables stand elsewhere than they were read from; reading anew")
            self._read_anew()
            return
        ahead = Counter(record.place for record in self._ahead.records) if self._ahead else {}
        seen, whole_until = await self._source.seen(ahead)
        lags: Counter[str] = Counter()
        for (topic, _), at in seen.items():
            lags[topic] += at.lag
        for topic, lag in lags.items():
            measures.PROJECTOR_LAG.labels(topic).set(lag)
        changed = {place: at for place, at in seen.items() if self._reported.get(place) != at}
        if changed:
            await self._store.report(changed)
            self._reported.update(changed)
        await self._store.beat(self._started_at, whole_until)

    def _read_anew(self) -> None:
        self._ahead = None
        self._source.forget_all()
        self._reported.clear()


def main() -> None:
    """Run until SIGINT or SIGTERM, behind the other processes of its machine."""
    go_behind_others(NICENESS)
    serve_async("projector", run)


if __name__ == "__main__":
    main()
