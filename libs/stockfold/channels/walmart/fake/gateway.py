"""Who is let in, and how often: access tokens, headers that each call must have, and budgets."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from email.utils import formatdate
from urllib.parse import parse_qs

from stockfold.channels.conformance import Allowance, Sent
from stockfold.channels.port import Response
from stockfold.channels.walmart.fake.answers import RefusedError, answer

TOKEN_LIFE_S = 900
PER_MINUTE = {
    "PUT inventory": 200.0,
    "PUT inventories sku": 200.0,
    "GET inventory": 200.0,
    "GET inventories sku": 200.0,
    "GET inventories": 200.0,
    "GET feeds": 5_000.0,
    "GET feeds id": 5_000.0,
    "POST feeds": 10 / 60,
}
"""The figure of feeds is the vendor's; the others are what sellers report of a table that is shown
to those who have signed in."""
BURST = PER_MINUTE | {"POST feeds": 10.0}


class Doors:
    """Tokens that were handed out, by client credentials."""

    def __init__(self, client_id: str, client_secret: str, headers: Mapping[str, str]) -> None:
        pair = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
        self._basic = f"Basic {pair}"
        self._headers = headers
        self._ends_s: dict[str, float] = {}
        self._issued = 0

    def expire(self) -> None:
        """No token that was handed out before is taken any more."""
        self._ends_s.clear()

    def token(self, sent: Sent, now_s: float) -> Response:
        """``POST /v3/token``."""
        self._check(sent.headers)
        if sent.headers.get("content-type") != "application/x-www-form-urlencoded":
            raise RefusedError(415, "UNSUPPORTED_MEDIA_TYPE.GMP_GATEWAY_API", "no form")
        if parse_qs(sent.body.decode()) != {"grant_type": ["client_credentials"]}:
            raise RefusedError(400, "INVALID_REQUEST_PARAM.GMP_GATEWAY_API", "grant", "grant_type")
        if sent.headers.get("authorization") != self._basic:
            raise RefusedError(401, "UNAUTHORIZED.GMP_GATEWAY_API", "Unauthorized")
        self._issued += 1
        token = f"eyJraWQiOiI1MWY3MjM0Ny0wYWY5{self._issued:08d}"
        self._ends_s[token] = now_s + TOKEN_LIFE_S
        return answer(
            200, {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_LIFE_S}
        )

    def let_in(self, headers: Mapping[str, str], now_s: float) -> None:
        """RefusedError without a token that holds, and all the headers."""
        self._check(headers)
        if self._ends_s.get(headers.get("wm_sec.access_token", ""), 0.0) <= now_s:
            raise RefusedError(401, "UNAUTHORIZED.GMP_GATEWAY_API", "Unauthorized")

    def _check(self, headers: Mapping[str, str]) -> None:
        for name, value in self._headers.items():
            if headers.get(name) != value:
                code = "INVALID_REQUEST_HEADER" if name in headers else "MISSING_REQUEST_HEADER"
                raise RefusedError(400, f"{code}.GMP_GATEWAY_API", name, name.upper())
        try:
            uuid.UUID(headers["wm_qos.correlation_id"])
        except (KeyError, ValueError) as wrong:
            raise RefusedError(
                400, "INVALID_REQUEST_HEADER.GMP_GATEWAY_API", "no id", "WM_QOS.CORRELATION_ID"
            ) from wrong
        if headers.get("accept") != "application/json":
            raise RefusedError(406, "INVALID_ACCEPT_TYPE.GMP_GATEWAY_API", "not JSON")


class Throttle:
    """Token buckets by operation; they fill gradually."""

    def __init__(self, now_s: float) -> None:
        self._allowances = {
            name: Allowance(per_minute / 60, BURST[name], now_s)
            for name, per_minute in PER_MINUTE.items()
        }

    def take(self, operation: str, now_s: float) -> dict[str, str]:
        """Take one request; the headers of its answer. RefusedError when there is none left."""
        if not self._allowances[operation].take(now_s):
            raise RefusedError(429, "REQUEST_THRESHOLD_VIOLATED.GMP_GATEWAY_API", "too fast")
        return self.told(operation, now_s)

    def told(self, operation: str, now_s: float) -> dict[str, str]:
        """What every answer says of the budget."""
        allowance = self._allowances[operation]
        allowance.fill(now_s)
        level = allowance.level
        missing_s = max(1 - level, 0.0) / (PER_MINUTE[operation] / 60)
        return {
            "date": formatdate(now_s, usegmt=True),
            "x-current-token-count": str(int(level)),
            "x-next-replenishment-time": str(int((now_s + missing_s + 1) * 1_000)),
        }
