"""What an entry of the table of runbooks says."""

from __future__ import annotations

from typing import Literal, NamedTuple

Owner = Literal["support", "engineer", "ERP team", "WMS team", "shop team"]
"""Roles, not people: ``engineer`` runs stockfold and its connections, ``shop team`` the shops."""
About = Literal[
    "exception",
    "case",
    "delivery",
    "listing",
    "figure",
    "channel",
    "canary",
    "check",
    "leak",
    "alert",
]
"""What a kind is a kind of; one word may be several: an order is oversold, and so is a shelf."""
WHAT: dict[About, str] = {
    "exception": "exception or finding",
    "case": "order case",
    "delivery": "code of a delivery",
    "listing": "listing, reconciled",
    "figure": "figure of an ERP, reconciled",
    "channel": "channel state",
    "canary": "canary",
    "check": "`stockfold channel check`",
    "leak": "leak",
    "alert": "alert",
}
FOLDER = "infra/docs/runbooks"


class Runbook(NamedTuple):
    """One page. ``repair`` is the first thing to do; PLACE and KIND stand for an exception's."""

    page: str
    title: str
    owner: Owner
    repair: str
    kinds: dict[About, tuple[str, ...]]

    @property
    def path(self) -> str:
        """Where the page lies, from the root of the repository."""
        return f"{FOLDER}/{self.page}.md"

    def repair_of(self, kind: str, place: str = "PLACE") -> str:
        """The repair with an exception's kind and place in it."""
        return self.repair.replace("PLACE", place).replace("KIND", kind)
