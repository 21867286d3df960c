"""Who may come in: Basic where the shop believes in TLS, signed OAuth 1.0a where it does not.

Written from WooCommerce's side of the protocol, and not with the adapter's code, so that the two
check each other.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

from stockfold.channels.woocommerce.fake.catalogue import RestError

WINDOW_S = 15 * 60
REQUIRED = (
    "oauth_consumer_key",
    "oauth_timestamp",
    "oauth_nonce",
    "oauth_signature",
    "oauth_signature_method",
)
HASHES = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}


def _refused(message: str) -> RestError:
    return RestError(401, "woocommerce_rest_authentication_error", message)


def _rfc3986(text: str) -> str:
    return quote(text, safe="-._~")


class Keys:
    """The one API key of the shop, its permissions, and the nonces it has seen."""

    def __init__(self, key: str, secret: str, permissions: str, now_s: Callable[[], float]) -> None:
        self.key = key
        self.secret = secret
        self.permissions = permissions
        self._now_s = now_s
        self._nonces: dict[str, int] = {}

    def admit(
        self,
        method: str,
        url: str,
        query: Sequence[tuple[str, str]],
        headers: Mapping[str, str],
    ) -> None:
        """RestError 401 unless the request is from the key's holder and within its permissions.

        ``url`` is without query, as the shop knows itself; headers are in lower case.
        """
        behind_tls = url.startswith("https:") or headers.get("x-forwarded-proto") == "https"
        if not (behind_tls and self._basic(dict(query), headers)):
            self._oauth(method, url, query)
        needed = "read" if method in ("GET", "HEAD") else "write"
        if self.permissions not in (needed, "read_write"):
            raise _refused(f"The API key provided does not have {needed} permissions.")

    def _basic(self, query: Mapping[str, str], headers: Mapping[str, str]) -> bool:
        key, secret = query.get("consumer_key", ""), query.get("consumer_secret", "")
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if not key and scheme.lower() == "basic":
            try:
                key, _, secret = base64.b64decode(token, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return False
        if not key or key != self.key:
            return False
        if not hmac.compare_digest(secret, self.secret):
            raise _refused("Consumer secret is invalid.")
        return True

    def _oauth(self, method: str, url: str, query: Sequence[tuple[str, str]]) -> None:
        params = dict(query)
        missing = [name for name in REQUIRED if not params.get(name)]
        if len(missing) == len(REQUIRED):
            raise RestError(
                401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources."
            )
        if missing:
            raise RestError(
                401,
                "woocommerce_rest_authentication_missing_parameter",
                f"Missing OAuth parameters {', '.join(missing)}",
            )
        if params["oauth_consumer_key"] != self.key:
            raise _refused("Consumer key is invalid.")
        self._check_signature(method, url, params)
        self._check_freshness(params["oauth_timestamp"], params["oauth_nonce"])

    def _check_signature(self, method: str, url: str, params: dict[str, str]) -> None:
        given = params.pop("oauth_signature").replace(" ", "+")
        algorithm = HASHES.get(params["oauth_signature_method"])
        if algorithm is None:
            raise _refused("Invalid signature - signature method is invalid.")
        # Sort by name, encode name and value, join, encode once more: PHP's uksort and friends.
        pairs = (f"{_rfc3986(name)}={_rfc3986(params[name])}" for name in sorted(params))
        text = f"{method}&{_rfc3986(url)}&" + "%26".join(_rfc3986(pair) for pair in pairs)
        digest = hmac.new(f"{self.secret}&".encode(), text.encode(), algorithm).digest()
        if not hmac.compare_digest(base64.b64encode(digest).decode(), given):
            raise _refused("Invalid signature - provided signature does not match.")

    def _check_freshness(self, timestamp: str, nonce: str) -> None:
        now = int(self._now_s())
        stamp = int(timestamp) if timestamp.isdigit() else 0
        if abs(stamp - now) > WINDOW_S:
            raise _refused("Invalid timestamp.")
        if nonce in self._nonces:
            raise _refused("Invalid nonce - nonce has already been used.")
        self._nonces[nonce] = stamp
        if len(self._nonces) % 1024 == 0:
            self._nonces = {n: s for n, s in self._nonces.items() if s >= now - WINDOW_S}
