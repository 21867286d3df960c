"""Who asks, and what their role lets them do."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import msgspec
from fastapi import Request

from stockfold.runtime.audit import user
from stockfold.runtime.problems import Problem
from stockfold.runtime.roles import DUTIES, Role, reaches

log = logging.getLogger(__name__)


class Actor(msgspec.Struct, frozen=True):
    """Whoever asks; ``how`` they proved it: ``key``, ``oidc``, or ``here`` where nobody must."""

    name: str
    role: Role
    how: str
    session: str = ""
    """What a form's token is bound to; empty without a session."""

    @property
    def said(self) -> str:
        """As the audit tells it."""
        return f"{self.name} ({self.how})"


def actor(request: Request) -> Actor:
    """Whoever asks; nobody in particular, who may only look, when nobody has found out."""
    known = getattr(request.state, "actor", None)
    if isinstance(known, Actor):
        return known
    key = getattr(request.state, "key", None)
    if key is None:
        return Actor("nobody", "viewer", "unknown")
    return Actor(key.name, key.role, "key", key.key)


def whoever_is_here() -> Actor:
    """Who runs the api, and may do everything: where nobody else can reach it."""
    return Actor(user(), "engineer", "here")


def needs(role: Role) -> Callable[[Request], Awaitable[Actor]]:
    """A dependency that gives the actor. Problem 403 when the role does not reach so far."""

    async def held(request: Request) -> Actor:
        who = actor(request)
        if not reaches(who.role, role):
            log.warning(
                "refused: %r is %s, and %s %r needs %s",
                who.said,
                who.role,
                request.method,
                request.url.path,
                role,
            )
            raise Problem(
                403,
                "Not allowed",
                f"{who.name} is {who.role} and may {DUTIES[who.role]}. This is for the role "
                f"{role}: {DUTIES[role]}.",
            )
        return who

    return held
