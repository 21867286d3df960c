"""Who looks after what can go wrong, which page tells how, and the first thing to do about it.

One table for the exception desk, the api, the console and the docs. Everything that a person may
have to mend is named once: kinds of exceptions and findings, of order cases, what becomes of
deliveries and listings, states of channels, and alerts. A test holds that none is missing, and that
every page under infra/docs/runbooks/ belongs to an entry.
"""

from __future__ import annotations

from collections.abc import Iterator

from stockfold.contracts.runbooks.channels import CHANNELS
from stockfold.contracts.runbooks.inputs import INPUTS
from stockfold.contracts.runbooks.kinds import FOLDER, WHAT, About, Owner, Runbook
from stockfold.contracts.runbooks.stock import STOCK

__all__ = [
    "FOLDER",
    "WHAT",
    "About",
    "Owner",
    "Runbook",
    "all_runbooks",
    "kinds_of",
    "runbook_of",
]

_TABLE = (*INPUTS, *STOCK, *CHANNELS)
_BY_KIND: dict[tuple[About, str], Runbook] = {
    (about, kind): runbook
    for runbook in _TABLE
    for about, kinds in runbook.kinds.items()
    for kind in kinds
}


def runbook_of(kind: str, about: About = "exception") -> Runbook | None:
    """The page of a kind; None for one that needs nobody, or that another release has."""
    return _BY_KIND.get((about, kind))


def all_runbooks() -> tuple[Runbook, ...]:
    """Every page, by its name."""
    return tuple(sorted(_TABLE, key=lambda runbook: runbook.page))


def kinds_of(about: About) -> Iterator[str]:
    """Every kind of one sort that has a page."""
    return (kind for kind_about, kind in _BY_KIND if kind_about == about)
