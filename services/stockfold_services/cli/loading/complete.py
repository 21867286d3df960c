"""Rows of zero behind a complete snapshot (ruling 32)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stockfold.contracts.complete_runs import CompleteRun, missing_beyond
from stockfold.contracts.intake import Intake, Taken
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.complete_runs import missing_of
from stockfold.runtime.settings import Settings
from stockfold_services.cli.loading.load import Loaded, Sender
from stockfold_services.cli.loading.opening import Item


def noted(read: Iterable[Item], run: CompleteRun) -> Iterator[Item]:
    """The rows as they come; the run remembers what they list."""
    for item in read:
        if isinstance(item, Taken):
            run.row(item)
        yield item


def add_zeros(
    found: Loaded,
    run: CompleteRun,
    intake: Intake,
    settings: Settings,
    zeros_max: int | None,
    sender: Sender | None,
) -> None:
    """Send the rows of zero; without ``sender`` only count them.

    They are withheld when a row was bad, since it may have been that SKU's; and when they are more
    than ``zeros_max``, or than the rows. UnavailableError.
    """
    found.zeros = 0
    if found.bad:
        found.withheld = "what is not listed is not zero: there are bad rows; mend them first"
        return
    missing = missing_of(run, settings)
    why = missing_beyond(len(missing), run.rows, zeros_max)
    if why:
        found.withheld = f"{why}; if the file is whole, load it with --zeros-max {len(missing)}"
        return
    found.zeros = len(missing)
    if sender is None:
        return
    for place, sku in missing:
        sender.send(run.zero(place, sku, intake, SYSTEM_CLOCK.now_us()))
    sender.flush()
