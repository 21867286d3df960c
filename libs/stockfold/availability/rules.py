"""The rules of a policy in their order: positions in, answer out.

Every step moves the running quantity and says so in words. Nothing is clamped between them: the
running quantity is signed, and what is below zero stays to be seen in the steps. Only ``publish``
ends at zero (semantics.md, "nothing is clamped inside"). A policy's pipeline holds only the rules
that it uses.
"""

from __future__ import annotations

from stockfold.availability import ahead, limits, stock, words
from stockfold.availability.answer import Answer, Status
from stockfold.availability.basis import by_location, gross
from stockfold.availability.draft import Draft, Rule
from stockfold.availability.policy import ALL, Policy
from stockfold.availability.positions import SkuPositions
from stockfold.availability.safety import SafetyRules
from stockfold.availability.surroundings import NO_PLACES, NOWHERE, Places, Surroundings


class Pipeline:
    """The rules that one policy uses, made once and run for every SKU. Never changed."""

    __slots__ = ("_eligible", "_rules", "policy")

    def __init__(self, policy: Policy, places: Places = NO_PLACES) -> None:
        self.policy = policy
        self._eligible = places.eligible(policy.locations, policy.tags)
        self._rules = _rules(policy)

    def compute(self, positions: SkuPositions, surroundings: Surroundings = NOWHERE) -> Answer:
        """What the channel may promise of the SKU. Pure: equal arguments give equal answers."""
        policy = self.policy
        draft = Draft(policy, self._eligible, positions, surroundings)
        for rule in self._rules:
            rule(draft)
        return _answer(draft)


def compute(
    policy: Policy,
    positions: SkuPositions,
    surroundings: Surroundings = NOWHERE,
    places: Places = NO_PLACES,
) -> Answer:
    """What the channel may promise of the SKU; for many SKUs, keep the policy's ``Pipeline``."""
    return Pipeline(policy, places).compute(positions, surroundings)


def _rules(policy: Policy) -> tuple[Rule, ...]:
    """The order of the rules (infra/docs/policies.md)."""
    arriving = [stock.in_transit] if policy.in_transit else []
    limited = _limits(policy)
    rules: list[Rule] = [stock.on_hand, *arriving, stock.promised]
    if policy.promotions:
        rules.append(limits.promotion)
    rules += limited
    if policy.preorder is not None or policy.backorders is not None:
        rules.append(ahead.SoldAhead(policy, limited))
    if policy.ceiling is not None or any(w.ceiling is not None for w in policy.promotions):
        rules.append(limits.ceiling)
    if policy.basis == "gross":
        rules.append(gross)
    return (*rules, publish)


def _limits(policy: Policy) -> list[Rule]:
    """What makes units at locations a promise; run again for units that have yet to come."""
    rules: list[Rule] = [stock.deficit]
    if policy.silence.then != "keep":
        rules.append(stock.silence)
    rules.append(limits.fences)
    safety = SafetyRules(policy)
    if safety:
        rules.append(safety)
    if policy.share != ALL:
        rules.append(limits.share)
    if policy.publish_zero_at:
        rules.append(limits.publish_zero)
    return rules


def publish(draft: Draft) -> None:
    """End at zero at the least: a channel cannot sell less than nothing."""
    running = draft.quantity
    if running < 0:
        draft.quantity = 0
    draft.note("published", words.published, draft.quantity, running)


def _answer(draft: Draft) -> Answer:
    policy, quantity = draft.policy, draft.quantity
    net = quantity - draft.open
    status = status_of(net, policy.low_stock)
    lead_time_days = None
    if draft.ahead is not None and net > 0:
        status = draft.ahead
        lead_time_days = policy.backorder_lead_time_days
    elif net > 0:
        lead_time_days = policy.lead_time_days
    return Answer(
        quantity,
        status,
        by_location(draft) if policy.per_location else (),
        draft.notes,
        draft.next_available,
        lead_time_days,
        draft.open,
        limits.most_told(draft),
    )


def status_of(quantity: int, low_stock: int) -> Status:
    """``out_of_stock`` at nothing, ``low_stock`` at or below the mark, else ``in_stock``."""
    if quantity <= 0:
        return "out_of_stock"
    return "low_stock" if quantity <= low_stock else "in_stock"
