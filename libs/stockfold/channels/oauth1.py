"""OAuth 1.0a, one-legged, HMAC-SHA256 (RFC 5849, section 3.4; SHA-256 as WooCommerce takes it).

Parameters travel in the query, because PHP behind Apache often never sees the header. A JSON body
is not signed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import quote

Params = Sequence[tuple[str, str]]
METHOD = "HMAC-SHA256"


def _encode(text: str) -> str:
    return quote(text, safe="-._~")


def base_string(method: str, url: str, params: Params) -> str:
    """The text that is signed; ``url`` is without query (RFC 5849, 3.4.1)."""
    pairs = sorted((_encode(name), _encode(value)) for name, value in params)
    joined = "&".join(f"{name}={value}" for name, value in pairs)
    return "&".join((method.upper(), _encode(url), _encode(joined)))


def signature(text: str, consumer_secret: str) -> str:
    """The signature of a base string; there is no token, so the key ends with ``&``."""
    key = f"{_encode(consumer_secret)}&".encode()
    digest = hmac.new(key, text.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def sign(
    method: str, url: str, params: Params, key: str, secret: str, now_s: int, nonce: str
) -> tuple[tuple[str, str], ...]:
    """``params`` with the OAuth parameters and the signature added."""
    signed = (
        *params,
        ("oauth_consumer_key", key),
        ("oauth_nonce", nonce),
        ("oauth_signature_method", METHOD),
        ("oauth_timestamp", str(now_s)),
        ("oauth_version", "1.0"),
    )
    return (*signed, ("oauth_signature", signature(base_string(method, url, signed), secret)))
