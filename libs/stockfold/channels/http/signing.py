"""Signatures by the Standard Webhooks specification, version 1 of it, symmetric keys (``v1``).

Signed is ``id.timestamp.body``, by HMAC-SHA256. While a secret is replaced a message carries one
signature for each, so that a receiver may know either.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from stockfold.domain.errors import SettingsError

PREFIX = "whsec_"
KEY_BYTES_MIN, KEY_BYTES_MAX = 24, 64
"""What the specification asks of a secret's length."""
KEYS_MAX = 4


def keys_of(secret: str, where: str) -> tuple[bytes, ...]:
    """The keys of a credential: one secret, or several with blanks or line ends between them.

    SettingsError when it holds anything else; its text holds nothing of it.
    """
    keys = tuple(_key(part) for part in secret.split())
    if not keys or len(keys) > KEYS_MAX or None in keys:
        raise SettingsError(
            f"the secret is not one to {KEYS_MAX} keys by Standard Webhooks",
            where=where,
            remedy=f"Write {PREFIX} and then {KEY_BYTES_MIN} to {KEY_BYTES_MAX} random bytes in "
            "base64; while it is replaced, the new one and the old one with a blank between.",
        )
    return tuple(key for key in keys if key is not None)


def _key(text: str) -> bytes | None:
    digits = text.removeprefix(PREFIX).rstrip("=")
    try:
        key = base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX else None


def signature(keys: Sequence[bytes], message_id: str, now_s: int, body: bytes) -> str:
    """What the header of signatures holds; ``now_s`` is UTC seconds since 1970."""
    signed = f"{message_id}.{now_s}.".encode() + body
    digests = (hmac.new(key, signed, hashlib.sha256).digest() for key in keys)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
