"""The policy compiler: ring-fences and backorder limits become facts of the ledger.

It runs where every SKU is looked at anyway, inside the exactly-once loop: the events are part of
the transaction that looked, SKUs that appear later are fenced when they appear, and after a crash
the next look finds what the ledger still does not know (decision record 0008).
"""

from __future__ import annotations

from collections.abc import Iterable

from stockfold.availability.fencing import FENCE, LIMIT, Wanted
from stockfold.client.ids import derive_id
from stockfold.contracts import envelope
from stockfold.contracts.codec import encoder
from stockfold.contracts.topics import RESERVATIONS
from stockfold.runtime.processor import Outputs
from stockfold_services.availability.in_force import InForce
from stockfold_services.availability.memory import SkuMemory
from stockfold_services.availability.policies import PolicyBook

SOURCE = "stockfold/policies"

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
        compile_fences(policy, sku, out, partition, now_us)
    return [policy.applied_to(sku) for policy in policies]


def compile_fences(
    in_force: InForce, sku: SkuMemory, out: Outputs, partition: int, now_us: int
) -> int:
    """Tell the ledger what it does not know yet of the SKU; how many events that took.

    What was asked in this process is not asked again. After a restart it may be: with the same
    event id and content, so that it is a repeat to the ledger.
    """
    asked = 0
    for wanted in in_force.wanted(sku):
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
