"""Roles in the api: what each may do. A higher role may do all of a lower one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, get_args

Role = Literal["viewer", "support", "engineer"]

ROLES: tuple[Role, ...] = get_args(Role)
"""From the one that may do least to the one that may do most."""

DUTIES: Mapping[Role, str] = {
    "viewer": "look at everything that the api shows",
    "support": "work the exception desk, send listings again, and settle oversold orders",
    "engineer": "rebuild, change policies, and steer channels",
}


def reaches(held: Role, needed: Role) -> bool:
    """Whether who holds one role may do what another one is for."""
    return ROLES.index(held) >= ROLES.index(needed)


def highest(told: Collection[str]) -> Role | None:
    """The highest role among some words; None when there is none. Other words mean nothing."""
    return next((role for role in reversed(ROLES) if role in told), None)
