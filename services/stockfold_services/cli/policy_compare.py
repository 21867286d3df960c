"""What publishing wanted policies would change of those in force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from stockfold.availability.policy import Policy, same_rules
from stockfold_services.cli.policy_entry import PolicyEntry
from stockfold_services.cli.policy_written import written


class PolicyOutcome(msgspec.Struct, frozen=True):
    """What became of one wanted policy; ``revision`` is the one in force after it."""

    channel: str
    action: Literal["new", "changed", "unchanged"]
    revision: int
    changes: tuple[str, ...] = ()


def differing(planned: Iterable[PolicyOutcome]) -> dict[str, tuple[str, ...]]:
    """What would change, by channel."""
    return {o.channel: o.changes for o in planned if o.action != "unchanged"}


def compare(
    wanted: Iterable[Policy], in_force: Mapping[str, Policy]
) -> list[tuple[Policy, PolicyOutcome]]:
    """Each wanted policy with its revision, and what publishing it would do."""
    found = []
    for named in wanted:
        old = in_force.get(named.channel)
        policy = _lifting(old, named)
        if old is not None and same_rules(old, policy):
            found.append((old, PolicyOutcome(policy.channel, "unchanged", old.revision)))
            continue
        new = msgspec.structs.replace(policy, revision=1 if old is None else old.revision + 1)
        action: Literal["new", "changed"] = "new" if old is None else "changed"
        outcome = PolicyOutcome(policy.channel, action, new.revision, _changes(old, new))
        found.append((new, outcome))
    return found


def _lifting(old: Policy | None, new: Policy) -> Policy:
    """A policy that names no more fences or limits, after one that did, lifts them."""
    if old is None:
        return new
    changes: dict[str, object] = {
        field: ()
        for field in ("ring_fences", "backorders")
        if getattr(new, field) is None and getattr(old, field) is not None
    }
    return msgspec.structs.replace(new, **changes) if changes else new


def is_richer(policy: Policy, told: Policy) -> bool:
    """Whether a policy says anything that ``[[channels]]`` of the settings cannot say.

    ``told`` is what they say: a basis, say, that follows from the kind of the channel.
    """
    follows = written(told)
    said = {name for name, value in written(policy).items() if follows.get(name) != value}
    said -= {"channel", "zone", "locations", "safety_stock", "low_stock"}
    return bool(said) or bool(policy.safety)


def _changes(old: Policy | None, new: Policy) -> tuple[str, ...]:
    before = {} if old is None else written(old)
    after = written(new)
    differ = [name for name in PolicyEntry.model_fields if before.get(name) != after.get(name)]
    if old is None:
        return tuple(f"{name} {_shown(after[name])}" for name in differ if name != "channel")
    return tuple(
        f"{name} {_shown(before.get(name))} → {_shown(after.get(name))}" for name in differ
    )


def _shown(value: object) -> str:
    if value is None:
        return "unset"
    if isinstance(value, list):
        return "[" + ", ".join(map(_shown, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_shown(field)}" for name, field in value.items()) + "}"
    return str(value)
