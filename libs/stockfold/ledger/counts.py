"""Counts and reported snapshots: absolute figures, true at a time (ruling 16, 33)."""

from __future__ import annotations

from stockfold.ledger.accounts import ADJUSTMENT, CODES, Delta
from stockfold.ledger.entities import Change
from stockfold.ledger.facts import Fact, Input, Refused
from stockfold.ledger.physical import crossings
from stockfold.ledger.state import SkuState

Figure = tuple[str, int, int]
"""(location, bucket, units the bucket should hold now)."""


def stock_counted(state: SkuState, given: Input, now_us: int) -> Fact:
    """The bucket becomes counted + what moved strictly after as_of. Claims are not touched."""
    return _set_figure(state, given, _figure(state, given, given.body["counted"], now_us))


def _set_figure(state: SkuState, given: Input, figure: Figure) -> Fact:
    location, bucket, target = figure
    if _is_before_count(state, given):
        raise Refused(
            "count_superseded",
            "a newer count of this bucket is already folded",
            "Discard it, or count again.",
        )
    difference = target - state.number(location, bucket)
    deltas: list[Delta] = []
    if difference:
        deltas = [(bucket, location, "", difference), (ADJUSTMENT, "", "", -difference)]
    change = Change(count=(location, bucket, given.body["as_of"]), note={"difference": difference})
    return Fact(given.type, deltas, change, crossings(state, deltas))


def stock_snapshot_reported(state: SkuState, given: Input, now_us: int) -> Fact:
    """Compared with what the ledger held at as_of; the difference is a finding, not a movement.

    At a location that is snapshot-driven it acts like a count, up to its limit (ruling 33).
    """
    figure = location, bucket, target = _figure(state, given, given.body["quantity"], now_us)
    if given.snapshot_limit is not None:
        _refuse_beyond(given.snapshot_limit, abs(target - state.number(location, bucket)))
        return _set_figure(state, given, figure)
    difference = target - state.number(location, bucket)
    # A figure from before a count is not comparable: the count has corrected what it shows.
    differs = difference and not _is_before_count(state, given)
    flags = ("snapshot_differs",) if differs else ()
    note: dict[str, object] = {
        "difference": difference,
        "location": location,
        "bucket": given.body["bucket"],
        "reported": given.body["quantity"],
    }
    return Fact(given.type, [], Change(note=note), flags)


def _refuse_beyond(limit: int, difference: int) -> None:
    if difference > limit:
        raise Refused(
            "snapshot_beyond_limit",
            f"the snapshot differs by {difference} units; by itself it may correct {limit} at most",
            "Count the bucket, or raise the location's snapshot_limit and resubmit.",
        )


def _is_before_count(state: SkuState, given: Input) -> bool:
    newest_us = state.counts.get((given.body["location"], CODES[given.body["bucket"]]))
    return newest_us is not None and bool(given.body["as_of"] < newest_us)


def _figure(state: SkuState, given: Input, units: int, now_us: int) -> Figure:
    body = given.body
    location, bucket, as_of_us = body["location"], CODES[body["bucket"]], body["as_of"]
    if as_of_us > now_us:
        raise Refused(
            "count_in_future",
            f"as_of is {(as_of_us - now_us) / 1e6:.0f} s after the ledger's clock; it would "
            "swallow every movement until then",
            "Correct the time and resubmit.",
        )
    if as_of_us < state.moves_floor_us:
        raise Refused(
            "count_too_old",
            "movements since as_of are no longer remembered, so the figure cannot be brought "
            "to today",
            "Count again.",
        )
    return location, bucket, units + state.moved_after(location, bucket, as_of_us)
