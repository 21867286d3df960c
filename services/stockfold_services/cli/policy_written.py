"""A policy as an entry of a policy file, as it is shown to people."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from stockfold.availability import policy as model
from stockfold.availability.policy import ALL, Policy
from stockfold.domain.times import format_us

_PLAIN = Policy("", 0)


def written(policy: Policy) -> dict[str, Any]:
    """A policy as an entry of a file, without what is as it would be if it were left out."""
    found: dict[str, Any] = {"channel": policy.channel}
    for field in Policy.__struct_fields__[2:]:
        value = getattr(policy, field)
        if field not in {"safety", "reservations"} and value != getattr(_PLAIN, field):
            found[field] = _written(value)
    if policy.safety:
        found["safety_stock"] = [_subject(rule) for rule in policy.safety]
    terms = _fields(policy.reservations, _PLAIN.reservations)
    if terms:
        found["reservations"] = terms
    if policy.share != ALL:
        found["share"] = percent(policy.share)
    return found


def percent(basis_points: int) -> str:
    """Such as ``12.5%``."""
    return f"{Decimal(basis_points) / 100:f}%"


def _written(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_written(item) for item in value]
    if isinstance(value, model.Preorder):
        fields = _fields(value, model.Preorder())
        return fields | {"confidence": percent(value.confidence * 100)}
    if isinstance(value, model.Promotion):
        return _window(value)
    if isinstance(value, model.Silence):
        found = {"then": value.then, "after_s": value.after_s}
        return found | ({"safety_stock": _buffer(value)} if value.then == "buffer" else {})
    return _subject(value) if isinstance(value, (model.RingFence, model.Backorder)) else value


def _fields(value: Any, default: Any) -> dict[str, Any]:
    """The fields that are not as they would be if they were left out."""
    found = {name: getattr(value, name) for name in type(value).__struct_fields__}
    return {name: field for name, field in found.items() if field != getattr(default, name)}


def _subject(rule: model.Safety | model.RingFence | model.Backorder) -> dict[str, Any]:
    found = _fields(rule, type(rule)(units=0))
    basis_points = found.pop("basis_points", 0)
    amount = {"percent": percent(basis_points)} if basis_points else {"units": rule.units}
    return amount | found


def _window(window: model.Promotion) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": window.name,
        "starts": format_us(window.starts_at),
        "ends": format_us(window.ends_at),
    }
    if window.units is not None or window.basis_points is not None:
        found["safety_stock"] = _buffer(window)
    if window.ceiling is not None:
        found["ceiling"] = window.ceiling
    return found | {
        name: list(getattr(window, name))
        for name in ("skus", "categories")
        if getattr(window, name)
    }


def _buffer(of: model.Promotion | model.Silence) -> int | str:
    return percent(of.basis_points) if of.basis_points else of.units or 0
