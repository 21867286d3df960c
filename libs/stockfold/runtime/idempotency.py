"""Event ids that follow from the request, so that the same request repeated is the same events.

In this order: the Idempotency-Key with the event's place in the request; the event's own id; its
document and line, as the client library derives it. So no store of requests is needed.
"""

from __future__ import annotations

from stockfold.runtime.problems import Problem

KEY_CHARACTERS_MAX = 255


def idempotency_key(header: str | None) -> str:
    """The key that a header names, in quotes or not; empty without one. Problem 400."""
    if header is None:
        return ""
    key = header.strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not (0 < len(key) <= KEY_CHARACTERS_MAX and key.isascii() and key.isprintable()):
        raise Problem(
            400,
            "Idempotency-Key not valid",
            f"It must have 1 to {KEY_CHARACTERS_MAX} printable ASCII characters, "
            "such as a UUID. Send one, or leave the header out.",
        )
    return key


def id_of(key: str, place: int) -> str:
    """The id of the event at ``place`` (from 0) of the request with this Idempotency-Key."""
    return f"{key}/{place}"
