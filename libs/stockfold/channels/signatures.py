"""Proof that a webhook comes from who knows the secret: base64 of HMAC-SHA256 over the raw body."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence


def signature(body: bytes, secret: str) -> str:
    """What the header of a genuine request holds."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def is_genuine(body: bytes, given: str, secrets: Sequence[str]) -> bool:
    """Whether one of the secrets signed the body; takes as long whichever it was, or none.

    ``body`` is what came over the wire, byte for byte: read and written anew it is another one.
    """
    told = given.strip().encode("utf-8", "replace")
    found = [hmac.compare_digest(signature(body, secret).encode(), told) for secret in secrets]
    return any(found)
