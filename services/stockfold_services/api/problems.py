"""The problems of the read model."""

from __future__ import annotations

from stockfold.runtime.problems import MEDIA_TYPE, Problem, install

__all__ = ["MEDIA_TYPE", "Problem", "install", "not_found"]


def not_found(what: str, name: str) -> Problem:
    """404: the read model knows nothing of it (yet)."""
    return Problem(404, "Not known", f"There is no {what} {name!r} in the read model.")
