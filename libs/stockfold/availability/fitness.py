"""What makes a policy unfit to be in force, in sentences, each with the place in the policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stockfold.availability.policy import ALL, UNITS_MAX, Policy

DAYS_MAX = 3650
TTL_S_MAX = 366 * 86_400
PRIORITY_MAX = 10**6
RULES_MAX = 100_000
PROMOTIONS_MAX = 1000

Problem = tuple[tuple[str | int, ...], str]
"""Where in the policy, such as (ring_fences, 2, units), and what is wrong there."""


def problems(policy: Policy) -> list[str]:
    """What makes a policy unfit to be in force, one sentence each; empty when it is fit."""
    return [f"{_named(place)} {reason}" for place, reason in problems_at(policy)]


def _named(place: tuple[str | int, ...]) -> str:
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in place).removeprefix(".")


def problems_at(policy: Policy) -> list[Problem]:
    """The same, with the place of each."""
    return [
        *_names(policy),
        *_scalars(policy),
        *_safety(policy),
        *_fences(policy),
        *_backorders(policy),
        *_promotions(policy),
        *_terms(policy),
    ]


def _names(policy: Policy) -> Iterator[Problem]:
    if not policy.channel or "|" in policy.channel:
        yield ("channel",), f"{policy.channel!r} is empty or holds the sign |"
    if policy.revision < 1:
        yield ("revision",), f"{policy.revision} is below 1"
    for field, kind in (("locations", "location"), ("tags", "tag")):
        names = getattr(policy, field) or ()
        for number, name in enumerate(names):
            if not name or "|" in name:
                yield (field, number), f"{kind} {name!r} is empty or holds the sign |"
            if name in names[:number]:
                yield (field, number), f"{kind} {name} is named twice"
    if policy.locations == () and not policy.tags:
        yield ("locations",), "are none at all: leave them out for all"


def _scalars(policy: Policy) -> Iterator[Problem]:
    for field in ("safety_stock", "low_stock", "publish_zero_at"):
        yield from _units((field,), getattr(policy, field))
    if policy.ceiling is not None:
        yield from _units(("ceiling",), policy.ceiling)
    yield from _percent(("share",), policy.share)
    for field in ("lead_time_days", "backorder_lead_time_days"):
        days = getattr(policy, field)
        if days is not None and not 0 <= days <= DAYS_MAX:
            yield (field,), f"{days} is not between 0 and {DAYS_MAX} days"
    if policy.basis not in {"net", "gross"}:
        yield ("basis",), f"{policy.basis!r} is neither net nor gross"


def _units(place: tuple[str | int, ...], units: int) -> Iterator[Problem]:
    if not 0 <= units <= UNITS_MAX:
        yield place, f"{units} is not between 0 and 10^12 units"


def _percent(place: tuple[str | int, ...], basis_points: int) -> Iterator[Problem]:
    if not 0 <= basis_points <= ALL:
        yield place, f"{basis_points / 100:g}% is not between 0% and 100%"


def _amount(place: tuple[str | int, ...], units: int, basis_points: int) -> Iterator[Problem]:
    yield from _units((*place, "units"), units)
    yield from _percent((*place, "percent"), basis_points)
    if units and basis_points:
        yield place, "says both units and a percentage: one of them"


def _twice(field: str, subjects: Iterable[tuple[str, ...]]) -> Iterator[Problem]:
    first: dict[tuple[str, ...], int] = {}
    for number, subject in enumerate(subjects):
        before = first.setdefault(subject, number)
        if before != number:
            named = " at ".join(filter(None, subject)) or "every SKU"
            yield (field, number), f"has a rule for {named} again, as rule {before} does"
    if len(first) > RULES_MAX:
        yield (field,), f"are more than {RULES_MAX} rules"


def _one_subject(place: tuple[str | int, ...], sku: str, category: str) -> Iterator[Problem]:
    if sku and category:
        yield place, "names both a SKU and a category: one of them"
    if category.startswith("/") or category.endswith("/"):
        yield place, f"names the category {category!r}: write a path such as food/coffee"


def _safety(policy: Policy) -> Iterator[Problem]:
    for number, rule in enumerate(policy.safety):
        place = ("safety_stock", number)
        yield from _amount(place, rule.units, rule.basis_points)
        yield from _one_subject(place, rule.sku, rule.category)
        if not (rule.sku or rule.category or rule.location) and policy.safety_stock:
            yield (
                place,
                f"is for every SKU, as {policy.safety_stock} units are: one of them",
            )
    yield from _twice("safety_stock", ((r.sku, r.category, r.location) for r in policy.safety))


def _fences(policy: Policy) -> Iterator[Problem]:
    for number, fence in enumerate(policy.ring_fences or ()):
        place = ("ring_fences", number)
        yield from _units((*place, "units"), fence.units)
        yield from _one_subject(place, fence.sku, fence.category)
        if not fence.sku and not fence.category:
            yield place, "names neither a SKU nor a category"
        if abs(fence.priority) > PRIORITY_MAX:
            yield (*place, "priority"), f"{fence.priority} is not within ±{PRIORITY_MAX}"
    yield from _twice("ring_fences", ((f.sku, f.category) for f in policy.ring_fences or ()))


def _backorders(policy: Policy) -> Iterator[Problem]:
    for number, rule in enumerate(policy.backorders or ()):
        place = ("backorders", number)
        yield from _units((*place, "units"), rule.units)
        yield from _one_subject(place, rule.sku, rule.category)
    yield from _twice("backorders", ((b.sku, b.category) for b in policy.backorders or ()))


def _promotions(policy: Policy) -> Iterator[Problem]:
    if len(policy.promotions) > PROMOTIONS_MAX:
        yield ("promotions",), f"are more than {PROMOTIONS_MAX}"
    for number, window in enumerate(policy.promotions):
        place = ("promotions", number)
        if window.ends_at <= window.starts_at:
            yield (*place, "ends_at"), f"of {window.name or 'a promotion'} is not after its start"
        if window.units is not None and window.basis_points is not None:
            yield place, "says both units and a percentage: one of them"
        yield from _units((*place, "units"), window.units or 0)
        yield from _percent((*place, "percent"), window.basis_points or 0)
        yield from _units((*place, "ceiling"), window.ceiling or 0)
        if window.units is None and window.basis_points is None and window.ceiling is None:
            yield place, "has neither a buffer nor a ceiling: it would change nothing"
    yield from _twice("promotions", ((window.name,) for window in policy.promotions))


def _terms(policy: Policy) -> Iterator[Problem]:
    terms, silence, preorder = policy.reservations, policy.silence, policy.preorder
    if terms.ttl_s is not None and not 1 <= terms.ttl_s <= TTL_S_MAX:
        yield ("reservations", "ttl_s"), f"{terms.ttl_s} is not between 1 and {TTL_S_MAX} seconds"
    if abs(terms.priority) > PRIORITY_MAX:
        yield ("reservations", "priority"), f"{terms.priority} is not within ±{PRIORITY_MAX}"
    sold_ahead = preorder is not None or any(rule.units for rule in policy.backorders or ())
    if sold_ahead and not terms.allow_backorder:
        yield (
            ("reservations", "allow_backorder"),
            "is false, but the policy promises what has yet to come: its orders would be refused",
        )
    if silence.then not in {"keep", "buffer", "zero"}:
        yield ("silence", "then"), f"{silence.then!r} is none of keep, buffer, zero"
    if not 0 <= silence.after_s <= TTL_S_MAX:
        yield ("silence", "after_s"), f"{silence.after_s} is not between 0 and {TTL_S_MAX} seconds"
    yield from _amount(("silence",), silence.units, silence.basis_points)
    buffered = bool(silence.units or silence.basis_points)
    if buffered != (silence.then == "buffer"):
        yield ("silence",), "needs a buffer with `then: buffer`, and only with it"
    if preorder is not None:
        if not 0 <= preorder.confidence <= 100:
            yield ("preorder", "confidence"), f"{preorder.confidence} is not between 0 and 100"
        days = preorder.within_days
        if days is not None and not 0 <= days <= DAYS_MAX:
            yield ("preorder", "within_days"), f"{days} is not between 0 and {DAYS_MAX} days"
