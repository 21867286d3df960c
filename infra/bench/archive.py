"""``python -m infra.bench.archive``: the pace of archive and restore, on a broker of its own."""

from __future__ import annotations

import argparse
import time

from infra.bench.broker import Broker, new_broker
from infra.bench.ledger import measure
from rich.console import Console

from stockfold.contracts.topics import JOURNAL, RECEIPTS
from stockfold_services.cli.archiving.restoring import Restore
from stockfold_services.cli.archiving.segments import Kept
from stockfold_services.cli.archiving.sending import ExactSender
from stockfold_services.cli.archiving.target import make
from stockfold_services.cli.archiving.writing import Archiver
from stockfold_services.cli.place import Place

MARKERS = 500


def main() -> None:
    """Decide events, archive everything, restore it under another prefix."""
    parser = argparse.ArgumentParser(prog="bench.archive", description=__doc__)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--skus", type=int, default=20_000)
    options = parser.parse_args()
    console = Console(highlight=False)
    with new_broker() as broker:
        _run(console, broker, options.events, options.skus)


def _run(console: Console, broker: Broker, events: int, skus: int) -> None:
    settings = broker.as_installed("from.")
    measure(settings, events, skus, 1)
    place = Place(f"{broker.folder}/archive")
    began, cpu = time.monotonic(), time.process_time()
    archiver = Archiver(settings, place)
    records = sum(archiver.run(_silent).records.values())
    seconds, cpu_s = time.monotonic() - began, time.process_time() - cpu
    size = archiver.manifest.bytes()
    console.print(
        f"archived {records:,} records in {seconds:.1f} s ({cpu_s:.1f} s of CPU), "
        f"{records / seconds:,.0f}/s; {size:,} bytes, {size / records:.0f} a record"
    )
    began = time.monotonic()
    archiver.run(_silent)
    console.print(f"a pass with nothing new: {time.monotonic() - began:.1f} s")
    cpu = time.process_time()
    restore = Restore(broker.as_installed("to."), place, _silent)
    report = restore.run(restore.look())
    cpu_s = time.process_time() - cpu
    ends = sum(archiver.manifest.end(JOURNAL, p) for p in range(settings.kafka.sku_partitions))
    console.print(
        f"restored in {report.seconds:.1f} s ({cpu_s:.1f} s of CPU), "
        f"{records / report.seconds:,.0f} records/s; {report.facts:,} facts of {report.skus:,} "
        f"SKUs, {ends - archiver.manifest.records(JOURNAL):,} fillers in the journal"
    )
    markers = broker.as_installed("markers.")
    make(markers)
    began = time.monotonic()
    single = [Kept(2 * number, 1, b"k", b"v", []) for number in range(MARKERS)]
    ExactSender(markers).write(RECEIPTS, 0, single, 2 * MARKERS)
    pace = (time.monotonic() - began) / MARKERS * 1000
    console.print(f"{pace:.1f} ms for each marker in an input topic")


def _silent(topic: str, count: int) -> None:
    del topic, count


if __name__ == "__main__":
    main()
