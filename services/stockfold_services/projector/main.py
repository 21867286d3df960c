"""The projector: copies the output topics into PostgreSQL, each record exactly once."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime

import asyncpg
from aiokafka.errors import KafkaError

from stockfold.domain.errors import SettingsError, UnavailableError
from stockfold.runtime.postgres import UNAVAILABLE
from stockfold.runtime.serve import serve_async
from stockfold.runtime.settings import Settings
from stockfold.runtime.steps import step
from stockfold.runtime.telemetry import measures
from stockfold.runtime.telemetry.tracing import Traces, traces_of
from stockfold.runtime.watchdog import Pulse, restarted_when_stalled
from stockfold_services.projector.batch import Consumed, Place
from stockfold_services.projector.source import Source
from stockfold_services.projector.spans import spans_of
from stockfold_services.projector.store import PRUNE_ROWS_MAX, Moved, Store
from stockfold_services.projector.writing import write_records

log = logging.getLogger(__name__)

BACK_OFF_S_MIN = 0.2
BACK_OFF_S_MAX = 5.0
BEAT_S = 1.0
BEATS_TO_CONNECT = 5
"""More of them, and it has projected: its next failure is a new one."""
PRUNE_S = 600.0

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
        traces = traces_of(settings, "projector")
        source.traced = traces.on
        projector = _Projector(store, source, pulse, traces)
        log.info("projecting into schema %s", store.schema)
        while not stop.is_set():
            await projector.step()
        pulse.beat("closing")


class _Projector:
    """One connection to each side, and what is due next."""

    def __init__(self, store: Store, source: Source, pulse: Pulse, traces: Traces) -> None:
        self._traces = traces
        self._pulse = pulse
        self._store = store
        self._source = source
        self._started_at = datetime.now(UTC)
        self._reported: dict[tuple[str, int], object] = {}
        self._beat_due_s = 0.0
        self._prune_due_s = 0.0

    async def step(self) -> None:
        """Read and write one batch; report and prune when it is time to."""
        self._pulse.beat("finding where partitions stand")
        await self._source.adopt(self._store.offsets)
        self._pulse.beat("reading from Kafka")
        fetched = await self._source.fetch()
        starts = self._source.starts()
        # A rebalance meanwhile took partitions away: whoever has them now reads them again.
        records = [record for record in fetched if record.place in starts]
        if records:
            step("projector.after_read")
            self._pulse.beat("writing to PostgreSQL")
            spans = spans_of(self._traces, records)
            try:
                await self._write(records, starts)
                for span in spans:
                    span.end()
            except Moved as moved:
                log.warning("another projector has written %s; reading anew", moved)
                self._read_anew()
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._beat_due_s:
            self._beat_due_s = now_s + BEAT_S
            self._pulse.beat("reporting to PostgreSQL")
            await self._beat()
        if now_s >= self._prune_due_s:
            self._pulse.beat("pruning in PostgreSQL")
            removed = await self._store.prune()
            self._prune_due_s = now_s + (PRUNE_S if removed < PRUNE_ROWS_MAX else BEAT_S)

    async def _write(self, records: list[Consumed], starts: dict[Place, int]) -> None:
        with measures.PROJECTOR_WRITE.time():
            nexts = await write_records(self._store, records, starts)
        self._source.written(nexts)
        for topic, count in Counter(record.topic for record in records).items():
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
        seen, whole_until = await self._source.seen()
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
        self._source.forget_all()
        self._reported.clear()


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    serve_async("projector", run)


if __name__ == "__main__":
    main()
