"""SIGSTOP past the session time-out, a new owner, SIGCONT: the zombie's write must be refused."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from signal import SIGCONT

from stockfold.runtime.steps import ORDERS
from tests.faults.evidence import gather
from tests.faults.outcome import Outcome
from tests.faults.processes import SERVICES, Service
from tests.faults.scenarios.kills import progress_of
from tests.faults.site import Servers, Site, changed, site, until

PAUSE_S_MAX = 30.0
TAKEN_OVER_S_MAX = 40.0
REFUSED_S_MAX = 20.0
LINES_TOLD = 6


@dataclass(frozen=True)
class Case:
    """Who stops itself where; its successor has another name, or the very same one."""

    service: str
    step: str
    same_name: bool
    refusals: Sequence[str]
    """What its log says when it is refused; one of these."""


OFFSETS_REFUSED = (
    "UNKNOWN_MEMBER_ID",
    "ILLEGAL_GENERATION",
    "FENCED_INSTANCE_ID",
    "FENCED",
    # Its transaction outlived its time-out meanwhile, and the broker is still ending it.
    "CONCURRENT_TRANSACTIONS",
)
COMMIT_REFUSED = ("_FENCED", "FENCED", "INVALID_PRODUCER_EPOCH", "INVALID_TXN_STATE", "epoch")
CASES = (
    Case("ledger", "ledger.after_consume", False, OFFSETS_REFUSED),
    Case("ledger", "ledger.before_commit", True, COMMIT_REFUSED),
    Case("availability", "availability.after_consume", True, OFFSETS_REFUSED),
    Case("projector", "projector.after_read", False, ("another projector has written",)),
    Case("publisher", "publisher.before_send", False, ("another process may serve",)),
    Case("publisher", "publisher.before_record", False, ("partitions have moved",)),
)


def zombies(both: Servers, outcome: Outcome) -> None:
    """Each service in turn stops itself in the worst place, is replaced, and wakes up."""
    with site(both, outcome.name, outcome.seed) as place:
        place.start(*SERVICES)
        place.feeder.first_wave()
        place.feeder.start(events_per_s=100)
        # Nothing flows without the ledger; the last two readers do not mind each other.
        for services in (("ledger",), ("availability",), ("projector", "publisher")):
            with ThreadPoolExecutor(len(services)) as pool:
                for service in services:
                    pool.submit(_each, place, outcome, service)
        outcome.evidence = gather(place)


def _each(place: Site, outcome: Outcome, service: str) -> None:
    for number, case in enumerate(CASES, 1):
        if case.service == service:
            with outcome.guarded():
                _one(place, outcome, case, number)


def _one(place: Site, outcome: Outcome, case: Case, number: int) -> None:
    zombie = place.services.pop(case.service)
    zombie.stop()
    zombie.start(**{ORDERS: f"{case.step}:{2 + number % 3}:pause"})
    label = f"{case.service}-{number + 1}"
    place.services[f"{case.service}-zombie-{number}"] = zombie
    if not zombie.wait_paused(PAUSE_S_MAX):
        outcome.demand(False, f"{case.step} was not passed")
        place.start(case.service)
        return
    paused_s = time.monotonic()
    said = len(zombie.log())
    successor = _successor(place, case, label)
    successor.start()
    time.sleep(0.5)
    taken_s = until(changed(progress_of(place, case.service)), TAKEN_OVER_S_MAX)
    outcome.demand(taken_s is not None, f"nobody took over from the {case.service} at {case.step}")
    # The broker ends a group's session after 6 s (the publisher's after 10), transactions after 5.
    time.sleep(max(0.0, 7.0 - (time.monotonic() - paused_s)))
    zombie.send(SIGCONT)
    woke_s = time.monotonic()
    refused = until(lambda: _refusal(zombie, said, case.refusals), REFUSED_S_MAX)
    what = _refusal(zombie, said, case.refusals)
    told = " / ".join(zombie.log()[said:].splitlines()[-LINES_TOLD:])
    outcome.demand(refused is not None, f"no refusal of the {case.service} at {case.step}: {told}")
    outcome.note(
        f"{case.step}: stopped {woke_s - paused_s:.1f} s, "
        f"{'its own name' if case.same_name else 'another'} took over, refused: {what}"
    )
    zombie.stop()
    del place.services[f"{case.service}-zombie-{number}"]


def _successor(place: Site, case: Case, label: str) -> Service:
    if case.same_name or case.service == "publisher":
        return place.service(case.service)
    successor = place.service(case.service, label)
    del place.services[label]
    place.services[case.service] = successor
    return successor


def _refusal(zombie: Service, since: int, words: Sequence[str]) -> str:
    for line in zombie.log()[since:].splitlines():
        if "as ordered" not in line and any(word in line for word in words):
            return next(word for word in words if word in line)
    return ""
