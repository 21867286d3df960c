"""Servers that stand still without a word: the services notice it themselves and start anew."""

from __future__ import annotations

import asyncio
import os
import time
from signal import SIGCONT, SIGSTOP

import asyncpg

from stockfold.runtime.postgres import connection_options
from tests.faults.evidence import gather
from tests.faults.outcome import Outcome
from tests.faults.scenarios.kills import progress_of
from tests.faults.site import Servers, Site, changed, site, until

LIMIT_S = 4.0
NOTICED_S_MAX = 60.0
SERVED_S_MAX = 60.0


def stalls(both: Servers, outcome: Outcome) -> None:
    """SIGSTOP of the broker, then of the projector's PostgreSQL backend, under load."""
    with site(both, outcome.name, outcome.seed, environment={"stall_limit_s": LIMIT_S}) as place:
        place.start()
        place.feeder.first_wave()
        place.feeder.start(events_per_s=100)
        for name in ("ledger", "availability", "projector"):
            outcome.demand(until(progress_of(place, name), SERVED_S_MAX), f"{name} never served")
        with outcome.guarded():
            _broker_stands_still(place, outcome)
        with outcome.guarded():
            _backend_stands_still(place, outcome)
        outcome.evidence = gather(place)


def _broker_stands_still(place: Site, outcome: Outcome) -> None:
    """A thread cannot be cancelled: its process ends, and its supervisor starts it again."""
    ledger, threads = place.services["ledger"], ("ledger", "availability")
    for name in threads:
        place.services[name].is_expected_to_end = True
    broker = place.servers.kafka.pid or 0
    os.kill(broker, SIGSTOP)
    try:
        noticed_s = until(lambda: "ledger hangs: " in ledger.log(), NOTICED_S_MAX)
        ended = ledger.wait_ended(10)
    finally:
        os.kill(broker, SIGCONT)
    outcome.demand(noticed_s is not None, "the ledger did not notice that its broker stands still")
    outcome.demand(ended, "the ledger noticed and did not end")
    outcome.note(f"the ledger ended {noticed_s or 0:.1f} s after its broker stopped")
    time.sleep(LIMIT_S)  # Availability may notice as late as this.
    for name in threads:
        service = place.services[name]
        if not service.is_running():
            service.start()
        service.is_expected_to_end = False
    for name in threads:
        served = until(changed(progress_of(place, name)), SERVED_S_MAX)
        outcome.demand(served is not None, f"{name} did not serve again")


def _backend_stands_still(place: Site, outcome: Outcome) -> None:
    """A task is cancelled, and connects anew in the same process."""
    projector = place.services["projector"]
    said = projector.log().count("projector hangs: ")
    backend = asyncio.run(_backend_of_projector(place))
    os.kill(backend, SIGSTOP)
    try:
        noticed_s = until(lambda: projector.log().count("projector hangs: ") > said, NOTICED_S_MAX)
    finally:
        os.kill(backend, SIGCONT)
    outcome.demand(noticed_s is not None, "the projector did not notice a silent PostgreSQL")
    outcome.note(f"the projector connected anew after {noticed_s or 0:.1f} s")
    served = until(changed(progress_of(place, "projector")), SERVED_S_MAX)
    outcome.demand(served is not None, "the projector did not serve again")


async def _backend_of_projector(place: Site) -> int:
    connection = await asyncpg.connect(**connection_options(place.settings, "faults"))
    try:
        return int(
            await connection.fetchval(
                "SELECT pid FROM pg_stat_activity WHERE application_name LIKE '%projector%' "
                "AND datname = current_database() ORDER BY backend_start DESC LIMIT 1"
            )
        )
    finally:
        await connection.close()
