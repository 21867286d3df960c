"""The reply to a commit is lost: committed or not, the client cannot know."""

from __future__ import annotations

import time
from contextlib import ExitStack

from tests.faults.evidence import gather
from tests.faults.outcome import Outcome
from tests.faults.scenarios.kills import progress_of
from tests.faults.site import Servers, changed, site, until
from tests.support.kafka_proxy import END_TXN, KafkaProxy

DROPPED_S_MAX = 30.0
AGAIN_S_MAX = 75.0


def reply(both: Servers, outcome: Outcome) -> None:
    """The broker's answer to EndTxn is cut off, then swallowed, for ledger and availability."""
    with ExitStack() as stack:
        place = stack.enter_context(site(both, outcome.name, outcome.seed))
        proxies = {}
        for name in ("ledger", "availability"):
            proxies[name] = stack.enter_context(KafkaProxy(both.bootstrap))
            place.service(name, kafka={"bootstrap": proxies[name].address})
        place.start()
        place.feeder.first_wave()
        place.feeder.start(events_per_s=100)
        for manner in ("cut", "swallow"):
            for name, proxy in proxies.items():
                proxy.drop_next(END_TXN, manner)
                if not proxy.dropped.wait(DROPPED_S_MAX):
                    outcome.demand(False, f"the {name} committed nothing")
                    continue
                time.sleep(0.5)
                again_s = until(changed(progress_of(place, name)), AGAIN_S_MAX)
                outcome.demand(again_s is not None, f"the {name} did not serve again ({manner})")
                outcome.note(f"{name}, reply {manner}: went on {0.5 + (again_s or 0):.1f} s later")
        outcome.evidence = gather(place)
