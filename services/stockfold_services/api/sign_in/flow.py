"""Signing in with a browser at the identity provider: authorization code, PKCE, state and nonce.

What must come back is kept in a signed cookie of the browser that set out, for ten minutes: a way
back that another browser began, or nobody did, leads nowhere (RFC 9700, 4.7).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
from urllib.parse import urlencode

import msgspec
from fastapi import Request
from fastapi.responses import RedirectResponse

from stockfold.runtime.problems import Problem
from stockfold.runtime.settings import Settings
from stockfold_services.api.sign_in.provider import Person, Provider, RefusedTokenError
from stockfold_services.api.sign_in.sessions import Signed, is_secure, put

log = logging.getLogger(__name__)

ON_THE_WAY_S_MAX = 600
BACK = "/console/sign-in/callback"


class _Way(msgspec.Struct, frozen=True):
    """What a sign-in that is under way must come back with, and where it then leads."""

    state: str
    nonce: str
    verifier: str
    to: str
    began_s: int


class Flow:
    """Leads a browser to the provider, and says who came back."""

    def __init__(self, settings: Settings, provider: Provider, secret: bytes) -> None:
        self._client_id = settings.oidc.client_id
        self._scopes = settings.oidc.scopes
        self._back = f"{settings.sign_in.public_url}{BACK}"
        self._provider = provider
        self._signed = Signed(secret, "way to the provider")

    async def leave(self, request: Request, to: str, now_s: int) -> RedirectResponse:
        """To the provider. UnavailableError when its addresses cannot be read."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        way = _Way(state, nonce, verifier, to, now_s)
        challenge = hashlib.sha256(way.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._back,
            "scope": self._scopes,
            "state": way.state,
            "nonce": way.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        url = (await self._provider.metadata()).authorization_endpoint
        answer = RedirectResponse(f"{url}{'&' if '?' in url else '?'}{urlencode(asked)}", 303)
        put(request, answer, _cookie(request), self._signed.sign(way), ON_THE_WAY_S_MAX)
        return answer

    async def arrive(self, request: Request, now_s: int) -> tuple[Person, str]:
        """Who came back, and where they were going. Problem 403; UnavailableError."""
        told = request.query_params
        raw = self._signed.read(request.cookies.get(_cookie(request), ""))
        way = None if raw is None else msgspec.json.decode(raw, type=_Way)
        if way is None or not 0 <= now_s - way.began_s < ON_THE_WAY_S_MAX:
            raise self._refused("this browser began no sign-in, or too long ago")
        if not hmac.compare_digest(told.get("state", "").encode(), way.state.encode()):
            raise self._refused("its state is not that of this browser's sign-in")
        issuer = (await self._provider.metadata()).issuer
        if told.get("iss", issuer) != issuer:
            raise self._refused("another provider answered (RFC 9207)")
        if "code" not in told:
            raise self._refused("the provider gave no code: it let nobody in")
        try:
            token = await self._provider.exchange(told["code"], way.verifier, self._back)
            return await self._provider.person(token, self._client_id, way.nonce), way.to
        except RefusedTokenError as error:
            raise self._refused(str(error)) from error

    def forget(self, request: Request, response: RedirectResponse) -> None:
        """The way was gone, and is not gone again."""
        put(request, response, _cookie(request), "", 0)

    @staticmethod
    def _refused(why: str) -> Problem:
        log.warning("refused: sign-in by the identity provider: %s", why)
        return Problem(403, "Not signed in", f"Sign in again: {why}.")


def _cookie(request: Request) -> str:
    return "__Host-stockfold-way" if is_secure(request) else "stockfold-way"
