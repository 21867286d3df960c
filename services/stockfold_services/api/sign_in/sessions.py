"""Sessions: who signed in, how, and for how long; kept in a signed cookie.

Nothing of it is secret but that it cannot be made or changed without the server's secret. A session
by API key holds the key's id alone: what the key may do, and whether it still holds, is asked at
every request. Signing in always begins a new one, so none that was planted before lives on.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict

import msgspec
from fastapi import Request
from fastapi.responses import Response

from stockfold.domain.errors import SettingsError
from stockfold.runtime.access import HERE
from stockfold.runtime.roles import Role
from stockfold.runtime.settings import Settings
from stockfold.runtime.sign_in_settings import SECRET_CHARACTERS_MIN

COOKIE_CHARACTERS_MAX = 2_048
RENEW_S = 60
ENDED_MAX = 100_000
CLOCKS_APART_S = 60


class Session(msgspec.Struct, frozen=True):
    """A signed-in person; times are UTC seconds."""

    id: str
    how: str
    name: str
    role: Role
    began_s: int
    seen_s: int
    key: str = ""
    """The id of the API key; empty by OIDC."""


class Signed:
    """Small values that only this server can have made, each for one purpose."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        self._key = hmac.new(secret, purpose.encode(), hashlib.sha256).digest()

    def sign(self, value: msgspec.Struct) -> str:
        """The value as text fit for a cookie."""
        body = base64.urlsafe_b64encode(msgspec.json.encode(value)).decode().rstrip("=")
        return f"{body}.{self._mark(body)}"

    def read(self, text: str) -> bytes | None:
        """What was signed, as JSON; None for anything else."""
        body, _, mark = text[:COOKIE_CHARACTERS_MAX].partition(".")
        if not hmac.compare_digest(mark.encode(), self._mark(body).encode()):
            return None
        return base64.urlsafe_b64decode(body + "==")

    def _mark(self, body: str) -> str:
        return hmac.new(self._key, body.encode(), hashlib.sha256).hexdigest()


def secret_of(settings: Settings) -> bytes:
    """What this server signs with. SettingsError when it is missing or short."""
    reference = settings.sign_in.session_secret
    if reference is None:
        return secrets.token_bytes(32)
    secret = reference.resolve()
    if len(secret) < SECRET_CHARACTERS_MIN:
        raise SettingsError(
            f"the secret of sessions has fewer than {SECRET_CHARACTERS_MIN} characters",
            where="sign_in.session_secret",
            remedy="Make one with: openssl rand -hex 32.",
        )
    return secret.encode()


class Sessions:
    """Begins, reads and ends sessions."""

    def __init__(self, settings: Settings, secret: bytes) -> None:
        self._life_s = settings.sign_in.session_s_max
        self._idle_s = settings.sign_in.idle_s_max
        self._signed = Signed(secret, "session")
        self._ended: OrderedDict[str, None] = OrderedDict()

    def begin(self, how: str, name: str, role: Role, now_s: int, key: str = "") -> Session:
        """A new session, with an id that nobody could know before."""
        return Session(secrets.token_urlsafe(16), how, name, role, now_s, now_s, key)

    def read(self, request: Request, now_s: int) -> Session | None:
        """The session of a request; None without one that holds."""
        if "cookie" not in request.headers:
            return None  # Programs have none: nothing to look into.
        raw = self._signed.read(request.cookies.get(cookie_name(request), ""))
        if raw is None:
            return None
        try:
            session = msgspec.json.decode(raw, type=Session)
        except msgspec.DecodeError:
            return None  # Of an earlier release.
        ends_s = min(session.began_s + self._life_s, session.seen_s + self._idle_s)
        is_now = session.seen_s - CLOCKS_APART_S <= now_s < ends_s
        return session if is_now and session.id not in self._ended else None

    def end(self, session: Session) -> None:
        """Its cookie is refused from now on, whoever has kept it."""
        self._ended[session.id] = None
        if len(self._ended) > ENDED_MAX:
            self._ended.popitem(last=False)

    def renewed(self, session: Session, now_s: int) -> Session | None:
        """The session as last seen now; None while what its cookie says is near enough."""
        if now_s - session.seen_s < min(RENEW_S, self._idle_s // 2):
            return None
        return msgspec.structs.replace(session, seen_s=now_s)

    def put(self, request: Request, response: Response, session: Session) -> None:
        """Give the browser its cookie."""
        put(request, response, cookie_name(request), self._signed.sign(session), self._life_s)

    def forget(self, request: Request, response: Response) -> None:
        """Have the browser forget its cookie."""
        put(request, response, cookie_name(request), "", 0)


def is_secure(request: Request) -> bool:
    """Whether cookies go over TLS alone: everywhere but on this machine."""
    return request.url.hostname not in HERE


def cookie_name(request: Request) -> str:
    """``__Host-``: no other host and no plain connection can have set it (RFC 6265bis, 4.1.3)."""
    return "__Host-stockfold" if is_secure(request) else "stockfold"


def put(request: Request, response: Response, name: str, value: str, life_s: int) -> None:
    """A cookie that no script reads and no other site's form carries."""
    # Lax, not Strict: the way back from the identity provider begins on another site.
    response.set_cookie(
        name,
        value,
        max_age=life_s,
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )
