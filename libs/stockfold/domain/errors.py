"""Errors of stockfold.

StockfoldError
├── SettingsError      a setting is missing or wrong              exit code 2
├── ContractError      bytes that do not fit the contract         exit code 3
├── UnavailableError   a server that we need did not answer       exit code 4
└── DefectError        a broken invariant: ours to mend           exit code 70
"""

from __future__ import annotations


class StockfoldError(Exception):
    """Anything stockfold raises on purpose: what happened, where, and what to do about it."""

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        super().__init__(". ".join(part for part in (what, where, remedy) if part))


class SettingsError(StockfoldError):
    """A setting is missing or wrong."""

    exit_code = 2


class ContractError(StockfoldError):
    """Bytes that do not fit the contract.

    ``kind`` is the exception kind that the runbook names, such as ``undecodable``.
    """

    exit_code = 3

    def __init__(self, kind: str, what: str, *, where: str = "", remedy: str = "") -> None:
        self.kind = kind
        super().__init__(what, where=where, remedy=remedy)


class UnavailableError(StockfoldError):
    """A server that we need did not answer. Trying again later may help."""

    exit_code = 4


class DefectError(StockfoldError):
    """A broken invariant."""

    exit_code = 70
