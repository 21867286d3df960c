"""Who may ask the imitated Amazon, and how often: tokens, and the usage plans' buckets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from stockfold.channels.amazon.fake_store import RefusalError, Store
from stockfold.channels.amazon.operations import Operation
from stockfold.channels.conformance import Allowance

TOKEN_S = 3600


class Access:
    """The tokens of one application for one seller."""

    def __init__(self, store: Store, credentials: Mapping[str, str]) -> None:
        self._store = store
        self._credentials = credentials
        self._tokens: dict[str, float] = {}
        self._allowances: dict[str, Allowance] = {}

    def grant(self, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        """The token endpoint of Login with Amazon."""
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        kind = headers.get("content-type", "").split(";")[0]
        if kind != "application/x-www-form-urlencoded" or form.get("grant_type") != "refresh_token":
            return 400, {"error": "unsupported_grant_type", "error_description": "see RFC 6749"}
        asked = {name: form.get(name) for name in ("client_id", "client_secret")}
        if asked != {name: self._credentials[name] for name in asked}:
            return 401, {
                "error": "invalid_client",
                "error_description": "Client authentication failed",
            }
        if form.get("refresh_token") != self._credentials["refresh_token"]:
            detail = "The request has an invalid grant parameter : refresh_token"
            return 400, {"error": "invalid_grant", "error_description": detail}
        token = f"Atza|{self._store.number()}"
        self._tokens[token] = self._store.now_s + TOKEN_S
        return 200, {
            "access_token": token,
            "refresh_token": form["refresh_token"],
            "token_type": "bearer",
            "expires_in": TOKEN_S,
        }

    def expire(self) -> None:
        """What was handed out is not taken any more."""
        self._tokens.clear()

    def check(self, headers: Mapping[str, str]) -> None:
        """RefusalError unless the token is good."""
        token = headers.get("x-amz-access-token", "")
        ends_s = self._tokens.get(token)
        if ends_s is None or self._store.now_s >= ends_s:
            details = "The access token you provided has expired."
            if not token:
                details = "Access token is missing in the request header."
            message = "Access to requested resource is denied."
            raise RefusalError(403, "Unauthorized", message, details)

    def draw(self, operation: Operation) -> None:
        """Take one token of an operation's bucket; RefusalError when there is none."""
        now_s = self._store.now_s
        allowance = self._allowances.get(operation.name)
        if allowance is None:
            allowance = Allowance(operation.per_s, operation.burst, now_s)
            self._allowances[operation.name] = allowance
        if not allowance.take(now_s):
            message = "You exceeded your quota for the requested resource."
            raise RefusalError(429, "QuotaExceeded", message)
