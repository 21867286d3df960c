"""Corrections of the ledger: as a file that can be reviewed and imported, or sent, when asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from stockfold.contracts.envelope import Envelope
from stockfold.contracts.intake import Intake, Taken
from stockfold.contracts.json_text import JsonObject
from stockfold.domain.errors import DefectError
from stockfold.domain.times import DAY_US, SECOND_US, format_us
from stockfold.reconcile.corrections import Correction, Withheld, corrections
from stockfold.reconcile.findings import Finding, Kind
from stockfold.runtime.audit import audited
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.settings import Settings
from stockfold_services.cli.loading.load import Sender
from stockfold_services.cli.reconciling.known import Reference
from stockfold_services.cli.reconciling.report import Cell, Sheet, write_csv

COUNTED = "stockfold.StockCounted"
AUDITED_MAX = 1_000
"""Corrections that the audit record names; each is an event with its own id besides."""
COLUMNS = ("sku", "location", "bucket", "quantity", "ours", "kind", "why")


class Proposed(msgspec.Struct):
    """What can be sent, and what cannot with the reason."""

    corrections: list[Correction]
    withheld: list[Withheld]


def propose(
    settings: Settings,
    found: list[Finding],
    at_us: int,
    kinds: list[Kind],
    reference: Reference,
) -> Proposed:
    """The corrections of findings of these kinds that the ledger would fold."""
    to_send, withheld = corrections(found, at_us, kinds)
    horizon_s = settings.ledger.movement_horizon_s
    too_old = at_us < SYSTEM_CLOCK.now_us() - horizon_s * SECOND_US
    kept: list[Correction] = []
    by_place = {(one.sku, one.location, one.account): one for one in found}
    for one in to_send:
        reason = ""
        if too_old:
            reason = (
                f"it is more than {horizon_s * SECOND_US // DAY_US} days ago "
                "(ledger.movement_horizon_s): compare with a later snapshot, or count"
            )
        elif not reference.may_count(one.location):
            reason = "the source has no authority to count there: import one, or name --source"
        if reason:
            withheld.append(Withheld(by_place[one.sku, one.location, one.bucket], reason))
        else:
            kept.append(one)
    return Proposed(kept, withheld)


def write_file(proposed: Proposed, path: Path) -> None:
    """The corrections as a file for ``stockfold import --kind balances``, to be looked at first."""
    rows: list[Sequence[Cell]] = [
        (one.sku, one.location, one.bucket, one.counted, one.ours, str(one.kind), one.why)
        for one in proposed.corrections
    ]
    write_csv(Sheet(COLUMNS, rows), path)


def apply(settings: Settings, proposed: Proposed, *, source: str, at_us: int, subject: str) -> int:
    """Send the corrections through the adjustments topic, once audited; how many.

    UnavailableError: run the same command again, what was sent already counts once.
    """
    intake = Intake()
    taken = [_event(one, intake, source, at_us) for one in proposed.corrections]
    details = {
        "source": source,
        "as_of": format_us(at_us),
        "count": len(proposed.corrections),
        "corrections": [msgspec.to_builtins(c) for c in proposed.corrections[:AUDITED_MAX]],
    }
    with audited(settings, command="reconcile erp", subject=subject, details=details) as result:
        sender = Sender(settings)
        for one in taken:
            sender.send(one)
        sender.flush()
        result["sent"] = len(taken)
    return len(taken)


def _event(one: Correction, intake: Intake, source: str, at_us: int) -> Taken:
    body: list[tuple[str, object]] = [
        ("sku", one.sku),
        ("location", one.location),
        ("bucket", one.bucket),
        ("counted", one.counted),
        ("as_of", format_us(at_us)),
    ]
    told = Envelope(one.event_id, source, COUNTED, SYSTEM_CLOCK.now_us(), one.event_id)
    taken = intake.body(told, JsonObject(body))
    if isinstance(taken, Taken):
        return taken
    raise DefectError(
        f"the correction of {one.sku} at {one.location} is no event: {taken[0].what}",
        where="reconcile erp",
        remedy="Nothing was sent. Report it.",
    )
