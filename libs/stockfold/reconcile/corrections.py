"""What would make the ledger agree: figures to set, as of the time of the file.

A correction is a count as of the file's time, not a change by so many units (rulings 16, 33): it is
absolute, so that it may be told twice, and a movement of before that time which comes later is in
it already. ``in_transit``, claims and outside accounts cannot be counted; they are put right by
the movement itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from urllib.parse import quote

import msgspec
import xxhash

from stockfold.domain.times import format_us
from stockfold.ledger.accounts import COUNTED_BELOW, NAMES
from stockfold.reconcile.findings import Finding, Kind

BY_ITSELF = (Kind.UNEXPLAINED, Kind.MISSING_HERE)
"""What is corrected unless other kinds are named: the rest is explained, and comes by itself."""
CORRECTABLE = (
    Kind.LATE,
    Kind.NOT_HERE_YET,
    Kind.TIMING,
    Kind.IN_COUNT_WINDOW,
    Kind.UNEXPLAINED,
    Kind.MISSING_HERE,
)
_COUNTED = NAMES[:COUNTED_BELOW]
ID_CHARACTERS_MAX = 400


class Correction(msgspec.Struct, frozen=True):
    """The bucket held ``counted`` units as of the file's time; ``ours`` is what we say it held."""

    event_id: str
    sku: str
    location: str
    bucket: str
    counted: int
    ours: int
    kind: Kind
    why: str


class Withheld(msgspec.Struct, frozen=True):
    """A difference that a correction cannot mend, and what would."""

    finding: Finding
    reason: str


def corrections(
    found: Iterable[Finding], at_us: int, kinds: Collection[Kind] = BY_ITSELF
) -> tuple[list[Correction], list[Withheld]]:
    """What can be corrected of the findings of these kinds, and what cannot."""
    to_send: list[Correction] = []
    withheld: list[Withheld] = []
    for one in found:
        if one.kind not in kinds or one.theirs is None:
            continue
        reason = _unfit(one)
        if reason:
            withheld.append(Withheld(one, reason))
        else:
            to_send.append(_correction(one, at_us))
    return to_send, withheld


def _unfit(one: Finding) -> str:
    if one.account not in _COUNTED:
        name = one.account.replace("_", " ")
        return f"{name} cannot be counted: send the movement that is missing"
    if one.counted_since:
        return "a newer count of it stands"
    if one.theirs is not None and one.theirs < 0:
        return "a shelf cannot be counted below zero: find the receipt that they lack"
    return ""


def _correction(one: Finding, at_us: int) -> Correction:
    assert one.theirs is not None
    return Correction(
        _event_id(one, at_us),
        one.sku,
        one.location,
        one.account,
        one.theirs,
        one.ours,
        one.kind,
        one.why,
    )


def _event_id(one: Finding, at_us: int) -> str:
    """The same for the same difference: told twice it is a repeat, and counts once.

    With both figures in it, a figure that the ERP corrects, and corrects back, is told each time.
    """
    parts = (format_us(at_us), one.sku, one.location, one.account, one.ours, one.theirs)
    told = "/".join(quote(str(part), safe=":") for part in parts)
    if len(told) > ID_CHARACTERS_MAX:
        told = xxhash.xxh3_128_hexdigest(told.encode())
    return f"reconcile/{told}"
