"""Snapshots truncated, emptied and changed: the ledger takes the one before, at worst none."""

from __future__ import annotations

import time
from pathlib import Path

from tests.faults.evidence import gather
from tests.faults.outcome import Outcome
from tests.faults.site import Servers, site, until
from tests.faults.workload import PARTITIONS

MADE_S_MAX = 30.0


def snapshots(both: Servers, outcome: Outcome) -> None:
    """Each partition's newest snapshot is damaged in another way while the ledger is down."""
    with site(both, outcome.name, outcome.seed) as place:
        place.start()
        place.feeder.first_wave()
        place.feeder.start(events_per_s=100)

        def enough() -> bool:
            return all(len(place.snapshots(p)) >= 2 for p in range(PARTITIONS))

        outcome.demand(until(enough, MADE_S_MAX) is not None, "no two snapshots of each were made")
        place.services["snapshotter"].kill()
        place.services["ledger"].kill()
        outcome.killed("snapshotter")
        outcome.killed("ledger")
        died_s = time.monotonic()
        damages = ("cut in half", "emptied", "one byte changed", "every one of them changed")
        for partition, damage in enumerate(damages[:PARTITIONS]):
            _damage(place.snapshots(partition), damage)
        place.services["ledger"].start()
        ledger = place.services["ledger"]
        skipped = until(lambda: ledger.log().count("snapshot skipped") >= PARTITIONS, 30)
        outcome.demand(skipped is not None, "the ledger took a damaged snapshot, or looked at none")
        covered = until(lambda: "serves partition" in ledger.log(), 30)
        outcome.demand(covered is not None, "the ledger did not serve again")
        outcome.serve_s.append(("ledger", time.monotonic() - died_s))
        place.services["snapshotter"].start()
        time.sleep(3)
        outcome.note(f"{', '.join(damages)}: skipped {ledger.log().count('snapshot skipped')}")
        outcome.evidence = gather(place)


def _damage(files: list[Path], how: str) -> None:
    """Damage the newest of them, or all."""
    for path in files if how.startswith("every") else files[-1:]:
        content = bytearray(path.read_bytes())
        if how == "cut in half":
            content = content[: len(content) // 2]
        elif how == "emptied":
            content = bytearray()
        else:
            content[len(content) * 2 // 3] ^= 0x40
        path.write_bytes(content)
