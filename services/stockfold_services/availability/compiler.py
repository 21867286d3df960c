"""The policy compiler: ring-fences and backorder limits become facts of the ledger.

It runs where every SKU is looked at anyway, inside the exactly-once loop: the events are part of
the transaction that looked, SKUs that appear later are fenced when they appear, and after a crash
the next look finds what the ledger still does not know (decision record 0008).

A revision that would raise a fence above what the pool of a fenced SKU has left is refused of that
SKU: the fences before stay, an exception says so, and it is asked for once the pool has it. A SKU
without any fence is new: its fences are set, and granted by priority as stock comes.
"""

from __future__ import annotations

from collections.abc import Iterable

from stockfold.availability.fencing import (
    FENCE,
    LIMIT,
    Overlap,
    Wanted,
    overlap_of,
    raises,
)
from stockfold.availability.positions import Summary
from stockfold.client.ids import derive_id
from stockfold.contracts import envelope
from stockfold.contracts.codec import encoder
from stockfold.contracts.exceptions import encode_exception
from stockfold.contracts.topics import EXCEPTIONS, POLICIES, RESERVATIONS
from stockfold.runtime.processor import Outputs
from stockfold.runtime.telemetry import measures
from stockfold_services.availability.in_force import InForce
from stockfold_services.availability.memory import SkuMemory
from stockfold_services.availability.policies import PolicyBook

SOURCE = "stockfold/policies"
REFUSED = "fences_above_pool"

_encoders = {kind: encoder(f"stockfold.{kind}") for kind in (FENCE, LIMIT)}


def compile_all(
    book: PolicyBook, sku: SkuMemory, out: Outputs, partition: int, now_us: int
) -> Iterable[InForce]:
    """Tell the ledger what any policy wants of the SKU; the policies that apply to it now.

    A SKU that nothing was wanted of is not asked about again until its summary, its category or
    any policy changes.
    """
    policies = book.in_force.values()
    if not book.fenced:
        return policies
    about = (book.changes, sku.category, sku.positions.summary)
    known = sku.settled
    if known is not None and known[:2] == about[:2] and known[2] is about[2]:
        return policies
    wanting = [policy for policy in book.fenced if policy.wanted(sku)]
    if not wanting:
        sku.settled = about
        return policies
    for policy in wanting:
        compile_fences(book, policy, sku, out, partition, now_us)
    return [policy.applied_to(sku) for policy in policies]


def compile_fences(
    book: PolicyBook,
    in_force: InForce,
    sku: SkuMemory,
    out: Outputs,
    partition: int,
    now_us: int,
) -> int:
    """Tell the ledger what it does not know yet of the SKU; how many events that took.

    What was asked in this process is not asked again. After a restart it may be: with the same
    event id and content, so that it is a repeat to the ledger.
    """
    asked = 0
    wants = in_force.wanted(sku)
    if any(_is_new_raise(wanted, in_force, sku) for wanted in wants):
        overlap = overlap_of(sku.positions, _target(book, sku), sku.category)
        if overlap is not None:
            return _refuse(in_force, sku, overlap, out, partition, now_us)
    for wanted in wants:
        revision = _revision(in_force, sku, wanted)
        if revision is None:
            continue
        body: dict[str, object] = {
            "sku": sku.positions.sku,
            "channel": in_force.policy.channel,
            "quantity": wanted.units,
            "revision": revision,
        }
        if wanted.kind == FENCE:
            body["priority"] = wanted.priority
        _send(out, partition, wanted.kind, body, now_us)
        asked += 1
    return asked


def _is_new_raise(wanted: Wanted, in_force: InForce, sku: SkuMemory) -> bool:
    """Whether it asks for more on a SKU that is fenced already, and was not asked for before."""
    summary, channel = sku.positions.summary, in_force.policy.channel
    if in_force.takes_overlaps or not any(units for _, units, _, _ in summary.fences):
        return False
    asked = sku.asked.get((channel, wanted.kind))
    is_asked = asked is not None and asked[1:] == (wanted.units, wanted.priority)
    return not is_asked and raises(wanted, channel, summary)


def _target(book: PolicyBook, sku: SkuMemory) -> Summary:
    """The summary with what every policy wants: a fence that falls makes room for others."""
    summary = sku.positions.summary
    for policy in book.fenced:
        summary = policy.folded(sku, summary)
    return summary


def _refuse(
    in_force: InForce,
    sku: SkuMemory,
    overlap: Overlap,
    out: Outputs,
    partition: int,
    now_us: int,
) -> int:
    """Say once, in this process, that the SKU keeps the fences it has; how many events that took.

    Said again after a restart it is the same exception.
    """
    policy = in_force.policy
    known = sku.asked.get((policy.channel, REFUSED))
    if known is not None and known[0] == policy.revision:
        return 0
    if not sku.asked:
        sku.asked = {}
    sku.asked[policy.channel, REFUSED] = (policy.revision, 0, 0)
    measures.EXCEPTIONS.labels("availability", REFUSED, "false").inc()
    key = overlap.sku.encode()
    exception = encode_exception(
        REFUSED,
        folded=False,
        reason=f"revision {policy.revision} of {policy.channel} is not applied to "
        f"{overlap.sku}: {overlap.sentence}",
        remedy="It is applied once the pool has them; or fence less, or publish it with "
        "`stockfold policy apply --let-fences-overlap`.",
        sku=overlap.sku,
        source=SOURCE,
        event_id="",
        event_type="stockfold.ChannelPolicy",
        topic=POLICIES.name,
        partition=0,
        offset=in_force.offset,
        recorded_us=now_us,
        correlation_id="",
        caused_us=now_us,
        key=policy.channel.encode(),
        about=overlap.sku,
    )
    out.produce(EXCEPTIONS, partition, key, exception)
    return 1


def _revision(in_force: InForce, sku: SkuMemory, wanted: Wanted) -> int | None:
    """The revision to ask with: above the folded one; None when it was asked already."""
    key = (in_force.policy.channel, wanted.kind)
    revision = max(in_force.policy.revision, wanted.folded + 1)
    asked = sku.asked.get(key)
    if asked is not None and asked[0] >= revision:
        if asked[1:] == (wanted.units, wanted.priority):
            return None
        revision = asked[0] + 1
    if not sku.asked:
        sku.asked = {}
    sku.asked[key] = (revision, wanted.units, wanted.priority)
    return revision


def _send(out: Outputs, partition: int, kind: str, body: dict[str, object], now_us: int) -> None:
    sku = str(body["sku"])
    event_id = derive_id(kind, body, None)
    assert event_id is not None
    told = envelope.Envelope(event_id, SOURCE, f"stockfold.{kind}", now_us)
    headers: list[tuple[str, str | bytes | None]] = [*envelope.build(told, sku)]
    out.produce(RESERVATIONS, partition, sku.encode(), _encoders[kind](body), headers)
