"""Ring-fences and backorder limits: facts about what channels may take (rulings 4, 19)."""

from __future__ import annotations

from stockfold.ledger.entities import Change, Fence, Limit
from stockfold.ledger.facts import Fact, Input
from stockfold.ledger.state import SkuState

OLDER = ("older_revision",)


def ring_fence_set(state: SkuState, given: Input) -> Fact:
    """A newer revision replaces the channel's fence; an older or equal one is ignored."""
    body = given.body
    known = state.fences.get(body["channel"])
    if known is not None and body["revision"] <= known.revision:
        return Fact(given.type, [], None, OLDER)
    fence = Fence(body["channel"], body["quantity"], body["priority"], body["revision"])
    return Fact(given.type, [], Change(fence=fence))


def backorder_limit_set(state: SkuState, given: Input) -> Fact:
    """A newer revision replaces the channel's limit; units that already wait stay."""
    body = given.body
    known = state.limits.get(body["channel"])
    if known is not None and body["revision"] <= known.revision:
        return Fact(given.type, [], None, OLDER)
    limit = Limit(body["channel"], body["quantity"], body["revision"])
    return Fact(given.type, [], Change(limit=limit))
