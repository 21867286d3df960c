"""The identity provider: its addresses and keys, and what its tokens say (OpenID Connect Core 1.0).

A token counts only when one of the provider's public keys signed it, by an algorithm of the
settings, for us, within its time (RFC 8725). Redirects are not followed, answers are bounded.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import httpx
import jwt
import msgspec

from stockfold.domain.errors import UnavailableError
from stockfold.runtime.roles import Role, highest
from stockfold.runtime.secret import is_loopback_url
from stockfold.runtime.settings import OidcSettings

log = logging.getLogger(__name__)

ANSWER_BYTES_MAX = 512 * 1024
TOKEN_CHARACTERS_MAX = 8_192
NAME_CHARACTERS_MAX = 128
ASK_AGAIN_S = 15
"""How soon keys are asked anew for a token of an unknown key: strangers can make such tokens."""
REQUIRED = ["iss", "aud", "sub", "exp", "iat"]


class RefusedTokenError(Exception):
    """A token, or an answer of the provider, that does not count; says why, never what it was."""


class Person(NamedTuple):
    """Who a token is about."""

    name: str
    role: Role | None


class _Metadata(msgspec.Struct, frozen=True):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class _Keys(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


class _Tokens(msgspec.Struct, frozen=True):
    id_token: str


_T = TypeVar("_T", _Metadata, _Keys, _Tokens)


class Provider:
    """Asks the provider, and keeps what it answers for a while."""

    def __init__(self, settings: OidcSettings) -> None:
        assert settings.issuer is not None, "no issuer is set"
        self._settings = settings
        self._issuer = settings.issuer
        self._client = httpx.AsyncClient(
            timeout=settings.request_timeout_s,
            follow_redirects=False,
            trust_env=not is_loopback_url(settings.issuer),
            headers={"user-agent": "stockfold", "accept": "application/json"},
        )
        self._asking = asyncio.Lock()
        self._metadata: _Metadata | None = None
        self._keys: dict[str, dict[str, Any]] = {}
        self._keys_at_s = self._tried_at_s = -float("inf")

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def metadata(self) -> _Metadata:
        """Its addresses. UnavailableError when it does not answer as one."""
        if self._metadata is None:
            url = f"{self._issuer}/.well-known/openid-configuration"
            found = self._decoded(await self._get(url), _Metadata)
            if found.issuer.rstrip("/") != self._issuer:
                raise _unavailable("it calls itself by another name than oidc.issuer")
            here = is_loopback_url(self._issuer)
            for address in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
                if not (address.startswith("https://") or (here and is_loopback_url(address))):
                    raise _unavailable("one of its addresses is not https")
            self._metadata = found
        return self._metadata

    async def exchange(self, code: str, verifier: str, redirect_uri: str) -> str:
        """The id token for a code (RFC 6749, 4.1.3; RFC 7636, 4.5). RefusedTokenError."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self._settings.client_id,
            "code_verifier": verifier,
        }
        secret = self._settings.client_secret
        auth = None if secret is None else (self._settings.client_id, secret.resolve())
        url = (await self.metadata()).token_endpoint
        status, raw = await self._ask("POST", url, data=form, auth=auth)
        if status != 200:
            raise RefusedTokenError(f"the provider did not take the code (status {status})")
        return self._decoded(raw, _Tokens).id_token

    async def person(self, token: str, audience: str, nonce: str | None = None) -> Person:
        """Who a token for ``audience`` is about. RefusedTokenError; UnavailableError."""
        claims = await self._claims(token, audience)
        if nonce is not None and claims.get("nonce") != nonce:
            raise RefusedTokenError("its nonce is not that of this sign-in")
        if nonce is not None and claims.get("azp", audience) != audience:
            raise RefusedTokenError("it was made for another client")
        name = claims.get(self._settings.name_claim)
        if not isinstance(name, str) or not name:
            name = claims["sub"]
        name = "".join(c if c.isprintable() else "?" for c in name[:NAME_CHARACTERS_MAX])
        return Person(name, self._role(claims))

    def _role(self, claims: Mapping[str, Any]) -> Role | None:
        told: Any = claims
        for part in self._settings.role_claim.split("."):
            told = told.get(part) if isinstance(told, dict) else None
        values = [told] if isinstance(told, str) else told if isinstance(told, list) else []
        given = self._settings.roles.items()
        return highest([role for role, names in given if any(name in values for name in names)])

    async def _claims(self, token: str, audience: str) -> dict[str, Any]:
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise RefusedTokenError(f"it is longer than {TOKEN_CHARACTERS_MAX} characters")
        issuer = (await self.metadata()).issuer
        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(str(header.get("kid", "")), str(header.get("alg", "")))
            found: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(self._settings.algorithms),
                audience=audience,
                issuer=issuer,
                leeway=self._settings.leeway_s,
                options={"require": REQUIRED, "enforce_minimum_key_length": True},
            )
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise RefusedTokenError(f"{type(error).__name__}") from error
        return found

    async def _key(self, kid: str, algorithm: str) -> jwt.PyJWK:
        if algorithm not in self._settings.algorithms:
            raise RefusedTokenError("it is not signed by an algorithm of oidc.algorithms")
        await self._fresh(kid)
        found = self._keys.get(kid)
        if found is None and not kid and len(self._keys) == 1:
            [found] = self._keys.values()
        if found is None or found.get("alg", algorithm) != algorithm:
            raise RefusedTokenError("no key of the provider signed it")
        return jwt.PyJWK(found, algorithm)

    async def _fresh(self, kid: str) -> None:
        """Ask for the keys when they are old, or lack this one. Old ones serve while it is away."""
        async with self._asking:
            now_s = time.monotonic()
            is_old = now_s - self._keys_at_s >= self._settings.keys_s_max
            if not (is_old or kid not in self._keys) or now_s - self._tried_at_s < ASK_AGAIN_S:
                return
            self._tried_at_s = now_s
            try:
                raw = await self._get((await self.metadata()).jwks_uri)
                told = self._decoded(raw, _Keys).keys
            except UnavailableError as error:
                if not self._keys:
                    self._tried_at_s = -float("inf")
                    raise
                log.warning("the identity provider's keys are kept for now: %s", error)
                return
            # A shared secret among them could be anybody's: only public keys count.
            self._keys = {
                str(key.get("kid", "")): key
                for key in told
                if key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig"
            }
            self._keys_at_s = now_s

    async def _get(self, url: str) -> bytes:
        status, raw = await self._ask("GET", url)
        if status != 200:
            raise _unavailable(f"it answers {status}")
        return raw

    async def _ask(self, method: str, url: str, **asked: Any) -> tuple[int, bytes]:
        held = bytearray()
        try:
            async with (
                asyncio.timeout(2 * self._settings.request_timeout_s),
                self._client.stream(method, url, **asked) as answer,
            ):
                async for part in answer.aiter_bytes():
                    held += part
                    if len(held) > ANSWER_BYTES_MAX:
                        raise _unavailable("its answer is too long")
        except (httpx.HTTPError, TimeoutError) as error:
            raise _unavailable(f"it does not answer ({type(error).__name__})") from error
        return answer.status_code, bytes(held)

    @staticmethod
    def _decoded(raw: bytes, kind: type[_T]) -> _T:
        try:
            return msgspec.json.decode(raw, type=kind)
        except (msgspec.DecodeError, RecursionError) as error:
            raise _unavailable("its answer is not what OpenID Connect says") from error


def _unavailable(why: str) -> UnavailableError:
    return UnavailableError(
        f"the identity provider cannot be used: {why}",
        where="oidc.issuer",
        remedy="Check the provider and [oidc]. API keys serve meanwhile.",
    )
