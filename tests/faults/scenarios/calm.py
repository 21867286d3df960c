"""Nearly no fault; then the evidence is tampered with, and every tampering must be found."""

from __future__ import annotations

from stockfold.runtime.steps import ORDERS
from tests.faults import tampering
from tests.faults.evidence import gather
from tests.faults.outcome import Outcome
from tests.faults.site import Servers, site, until
from tests.faults.workload import PARTITIONS

SNAPSHOT_S_MAX = 30.0


def selftest(both: Servers, outcome: Outcome) -> None:
    """The harness can fail: lost, doubled, tampered and uncommitted data are all detected."""
    with site(both, outcome.name, outcome.seed) as place:
        place.start("projector", "publisher", "snapshotter")
        for name in ("ledger", "availability"):  # Each loop aborts a transaction once.
            place.service(name).start(**{ORDERS: f"{name}.before_commit:3:fail"})
        place.feeder.first_wave()
        place.feeder.feed_for(5, events_per_s=200)
        made = until(lambda: any(map(place.snapshots, range(PARTITIONS))), SNAPSHOT_S_MAX)
        outcome.demand(made is not None, "no snapshot was made")
        outcome.evidence = gather(place)
    tried = tampering.detections(outcome.evidence)
    for what, by in tried.items():
        outcome.demand(by, f"the checks did not see this: {what}")
    outcome.note(f"{len(tried)} tamperings, {sum(map(bool, tried.values()))} detected")
