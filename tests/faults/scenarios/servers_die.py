"""The servers beneath the services: Kafka killed, PostgreSQL killed and away, the disk full."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from signal import SIGCONT, SIGKILL

from stockfold.runtime.steps import ORDERS
from tests.faults.evidence import gather
from tests.faults.observer import lost_by_the_broker
from tests.faults.outcome import Outcome
from tests.faults.scenarios.kills import progress_of
from tests.faults.site import Servers, changed, servers, site, until

LONG_KILLS = 100
"""From so many kills on it is the long form: servers stay away as long as the issue asks."""
DISK_MB = 420
DISKS_MAX = 4
FULL_S = 10.0
FULL_WORDS = ("No space left", "File too large")


def broker(both: Servers, outcome: Outcome) -> None:
    """kill -9 of the broker under load, twice, and its restart."""
    with site(both, outcome.name, outcome.seed) as place:
        place.start()
        place.feeder.first_wave()
        place.feeder.start(events_per_s=150)
        for _ in range(2):
            time.sleep(2.5)
            os.kill(both.kafka.pid or 0, SIGKILL)
            died_s = time.monotonic()
            outcome.killed("Kafka")
            until(lambda: not both.kafka.is_running(), 10)
            both.start()
            served = until(changed(progress_of(place, "ledger")), 60)
            outcome.demand(served is not None, "the ledger did not serve again")
            outcome.serve_s.append(("Kafka", time.monotonic() - died_s))
        outcome.evidence = gather(place)


def postgres(both: Servers, outcome: Outcome) -> None:
    """PostgreSQL is killed amid a transaction of the projector, and stays away."""
    away_s = 60.0 if outcome.kills_wanted >= LONG_KILLS else 12.0
    with site(both, outcome.name, outcome.seed) as place:
        projector = place.service("projector")
        place.start("ledger", "availability", "publisher", "snapshotter")
        projector.start(**{ORDERS: "projector.between_tables:9:pause"})
        place.feeder.first_wave()
        place.feeder.start(events_per_s=100)
        outcome.demand(projector.wait_paused(30), "the projector did not reach its transaction")
        os.kill(both.postgres.pid or 0, SIGKILL)
        outcome.killed("PostgreSQL")
        projector.send(SIGCONT)
        time.sleep(away_s)
        both.start()
        outcome.note(f"killed amid a transaction, away for {away_s:.0f} s")
        outcome.demand("interrupted" in projector.log(), "the projector never noticed")
        outcome.evidence = gather(place)


def disk(both: Servers, outcome: Outcome) -> None:
    """The disk fills up under load, and has room again.

    Kafka and PostgreSQL have a small file system of their own; without the right to mount one, the
    files of Kafka alone are kept from growing.

    A broker whose disk was full now and then loses what it had acknowledged: it writes behind half
    a batch, and cuts its log off there when it recovers. A single replica cannot do better, so what
    follows proves nothing of ours; then it is done again.
    """
    del both  # Theirs is as large as the machine's.
    for _ in range(DISKS_MAX):
        if _full_disk(outcome):
            return
    outcome.demand(False, f"Kafka itself lost records {DISKS_MAX} times")


def _full_disk(outcome: Outcome) -> bool:
    """Whether Kafka kept what it had acknowledged, so that the rest can be judged."""
    with ExitStack() as stack:
        folder: Path | None = None
        try:
            folder = stack.enter_context(small_disk())
        except OSError as error:
            outcome.note(f"{error}; Kafka's files may not grow instead")
        small = stack.enter_context(servers(folder))
        place = stack.enter_context(site(small, outcome.name, outcome.seed))
        place.start()
        place.feeder.first_wave()
        # What the full broker refuses is sent again; nonsense would be refused twice.
        place.feeder.start(events_per_s=150, poison=0.0)
        time.sleep(2)
        with _filled(folder) if folder else _kept_from_growing(small.kafka.pid or 0):
            time.sleep(FULL_S)
            both_of = (("Kafka", small.kafka), ("PostgreSQL", small.postgres))
            ended = [name for name, server in both_of if not server.is_running()]
            felt = ended or any(words in _said(small.folder) for words in FULL_WORDS)
            outcome.demand(felt, "nobody noticed that the disk was full")
        small.start()
        outcome.note(
            f"full for {FULL_S:.0f} s ({f'tmpfs of {DISK_MB} MB' if folder else 'by a limit'}); "
            f"{' and '.join(ended) or 'no server'} ended and was started again"
        )
        lost = lost_by_the_broker(place)
        if lost:
            outcome.note(f"Kafka itself lost what it had acknowledged: {lost[0]}; once more")
            return False
        outcome.evidence = gather(place)
        return True


def _said(folder: Path) -> str:
    logs = [*folder.rglob("kafka.log"), *folder.rglob("postgres.log")]
    return "\n".join(log.read_text("utf-8", "replace") for log in logs)


@contextmanager
def _filled(folder: Path) -> Iterator[None]:
    """Nothing more fits while the block runs."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as out:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    out.write(b"\0" * size)
            except OSError:
                continue
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def _kept_from_growing(pid: int) -> Iterator[None]:
    """The process's files may not grow beyond a page while the block runs, if it lives so long."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def small_disk() -> Iterator[Path]:
    """A file system of its own, in memory. OSError, and so a failed scenario, without the right."""
    folder = Path(tempfile.mkdtemp(prefix="stockfold-disk-"))
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0755", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        folder.rmdir()
        raise OSError(f"a small file system cannot be mounted: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=False)
        folder.rmdir()
