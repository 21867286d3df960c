"""The problems of the read model."""

from __future__ import annotations

from typing import Any

from stockfold.runtime.problems import MEDIA_TYPE, Problem, install

__all__ = ["MEDIA_TYPE", "RESPONSES", "Problem", "install", "not_found"]

_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, and with which input."},
        "instance": {"type": "string"},
    },
}


def _described(description: str) -> dict[str, Any]:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}


RESPONSES: dict[int | str, dict[str, Any]] = {
    401: _described("No API key, or one that does not hold; asked for once any key exists."),
    403: _described("The key may not ask this; the detail says what it may."),
    404: _described("The read model knows nothing of it (yet)."),
    422: _described("An input is not valid, or beyond its limit; refused whole."),
    429: _described("More questions than the key may ask; again after `Retry-After` seconds."),
    503: _described("Not available now; try again after `Retry-After` seconds."),
}
"""What every endpoint may answer instead, for the description of the interface."""


def not_found(what: str, name: str) -> Problem:
    """404: the read model knows nothing of it (yet)."""
    return Problem(404, "Not known", f"There is no {what} {name!r} in the read model.")
