"""What comes in from outside: poison, a registry that is away, a clock that is a day wrong."""

from __future__ import annotations

import time
from contextlib import ExitStack

from stockfold.contracts.registry import default_registry
from stockfold.runtime.embedded.ports import free_port
from tests.faults.evidence import gather
from tests.faults.outcome import Outcome
from tests.faults.site import Servers, site, until
from tests.faults.workload import FOREIGN_ID
from tests.support.schema_registry import FakeSchemaRegistry, served

DAY_S = 86_400


def poison(both: Servers, outcome: Outcome) -> None:
    """Every second message makes no sense, and the ledger is killed amid them."""
    with site(both, outcome.name, outcome.seed) as place:
        place.start()
        place.feeder.first_wave()
        place.feeder.start(events_per_s=200, poison=0.5)
        for _ in range(2):
            time.sleep(2.5)
            place.services["ledger"].kill()
            outcome.killed("ledger")
            place.services["ledger"].start()
        time.sleep(2.5)
        outcome.evidence = gather(place)
        kinds = ", ".join(f"{n} {kind}" for kind, n in place.workload.expected.poison.items())
        outcome.note(f"refused one by one: {kinds}")


def registry(both: Servers, outcome: Outcome) -> None:
    """A producer's own schema ids; the registry is away when the ledger must learn them anew."""
    port = free_port()
    known = FakeSchemaRegistry(first_id=FOREIGN_ID)
    known.add(default_registry().by_name("stockfold.GoodsReceived").definition)
    sections = {"registry": {"url": f"http://127.0.0.1:{port}", "connect_timeout_s": 0.5}}
    with site(both, outcome.name, outcome.seed, **sections) as place, ExitStack() as up:
        place.workload.foreign = 0.3
        up.enter_context(served(known, port))
        place.start()
        place.feeder.first_wave()
        place.feeder.feed_for(2)
        up.close()
        place.services["ledger"].kill()
        outcome.killed("ledger")
        place.services["ledger"].start()
        place.feeder.feed_for(6)
        stood = not place.observer.covers(place.feeder.ends)
        outcome.demand(stood, "the ledger went on without knowing what its inputs are")
        asked = until(lambda: "registry did not answer" in place.services["ledger"].log(), 10)
        outcome.demand(asked is not None, "the ledger never said that the registry is away")
        with served(known, port):
            outcome.evidence = gather(place)
        outcome.note("the registry away for 6 s: the ledger waited, and lost nothing")


def clock(both: Servers, outcome: Outcome) -> None:
    """The ledger's machine is a day ahead, then a day behind, then right again."""
    with site(both, outcome.name, outcome.seed) as place:
        place.start("availability", "projector", "publisher", "snapshotter")
        ledger = place.service("ledger")
        ledger.module = "tests.faults.wrong_clock"
        ledger.start(STOCKFOLD_FAULT_CLOCK_S=str(DAY_S))
        place.feeder.first_wave()
        for shift_s in (-DAY_S, 0):
            place.feeder.feed_for(4)
            ledger.kill()
            outcome.killed("ledger")
            ledger.start(STOCKFOLD_FAULT_CLOCK_S=str(shift_s))
        place.feeder.feed_for(3)
        outcome.note("a day ahead, a day behind, and right again")
        outcome.evidence = gather(place)
