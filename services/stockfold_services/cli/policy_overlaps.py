"""Ring-fences of wanted policies that cannot all be met, with the rule that asks for too much."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from stockfold.availability.categories import BySubject
from stockfold.availability.fencing import Overlap
from stockfold.availability.fitness import Problem
from stockfold.availability.policy import Policy
from stockfold_services.cli.policy_compare import compare

NAMED_MAX = 3
"""SKUs of one rule that are named beside the first."""

Rule = tuple[int, int]
"""The number of a policy, and of one of its ring-fences."""


def fenced_anew(wanted: list[Policy], in_force: Mapping[str, Policy]) -> bool:
    """Whether any policy that differs from the one in force has ring-fences."""
    return any(True for _ in _changed(wanted, in_force))


def refusals(
    wanted: list[Policy], in_force: Mapping[str, Policy], overlaps: Iterable[Overlap]
) -> Iterator[tuple[int, Problem]]:
    """The last rule that asks for units of each SKU, once, with what cannot be met of it."""
    changed = dict(_changed(wanted, in_force))
    found: dict[Rule, list[Overlap]] = {}
    for overlap in overlaps:
        rules = ((n, rule.of(overlap.sku, overlap.category)) for n, rule in changed.items())
        at = [(n, k) for n, k in rules if k is not None]
        if at:
            found.setdefault(at[-1], []).append(overlap)
    for (number, k), of_rule in sorted(found.items()):
        yield number, (("ring_fences", k), _sentence(of_rule))


def _changed(
    wanted: list[Policy], in_force: Mapping[str, Policy]
) -> Iterator[tuple[int, BySubject[int]]]:
    for number, (policy, outcome) in enumerate(compare(wanted, in_force)):
        if outcome.action != "unchanged" and policy.ring_fences:
            rules = enumerate(policy.ring_fences)
            yield number, BySubject((f.sku, f.category, k) for k, f in rules)


def _sentence(overlaps: list[Overlap]) -> str:
    more = [overlap.sku for overlap in overlaps[1:]]
    if not more:
        return overlaps[0].sentence
    named = ", ".join(more[:NAMED_MAX])
    rest = f" and {len(more) - NAMED_MAX} more" if len(more) > NAMED_MAX else ""
    return f"{overlaps[0].sentence}; so it is of {named}{rest}"
