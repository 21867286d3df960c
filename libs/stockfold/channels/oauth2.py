"""OAuth 2.0 access tokens (RFC 6749): asked for, kept, and renewed before they end.

    renewal ──▶ Request ──▶ the token endpoint ──▶ renewed ──▶ token, until ``ends_s``
       ▲                                                         │
       └──────── forget: the channel does not take it ◀──────────┘

Tokens and secrets are in no error; only requests carry them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from stockfold.channels.port import (
    Failure,
    Purpose,
    Request,
    Response,
    Trouble,
    TroubleKind,
)
from stockfold.channels.statuses import failed, trouble_of

T = TypeVar("T")
MARGIN_S = 120
"""So long before its end a token is renewed; never more than a tenth of its life."""
RETRY_S = 15
"""A renewal that failed is asked for again after so long, while the token at hand still holds."""
LIFE_S = 300
"""Taken for a token whose life is not told (``expires_in`` is only recommended, section 5.1)."""
UNPROVEN_MAX = 2
"""New tokens in a row that the channel may refuse before the credentials count as refused."""


class Endpoint(msgspec.Struct, frozen=True):
    """Where tokens are had: ``path`` on the channel itself, or else a whole ``url``.

    ``in_form``: the client's id and secret go into the form (section 2.3.1) instead of into a Basic
    header. ``headers`` are sent besides.
    """

    path: str = ""
    url: str = ""
    in_form: bool = False
    headers: tuple[tuple[str, str], ...] = ()


def ask(
    endpoint: Endpoint, client_id: str, client_secret: str, form: tuple[tuple[str, str], ...]
) -> Request:
    """The request for a token; ``form`` has ``grant_type`` and what belongs to that grant."""
    headers = [
        ("accept", "application/json"),
        ("content-type", "application/x-www-form-urlencoded"),
        *endpoint.headers,
    ]
    if endpoint.in_form:
        form = (*form, ("client_id", client_id), ("client_secret", client_secret))
    else:
        # Vendors document it so: without the percent-encoding of section 2.3.1.
        pair = f"{client_id}:{client_secret}"
        headers.append(("authorization", f"Basic {base64.b64encode(pair.encode()).decode()}"))
    return Request(
        Purpose.LOOK_UP,
        "POST",
        endpoint.path,
        (),
        headers=tuple(headers),
        body=urlencode(form).encode(),
        url=endpoint.url,
    )


def client_credentials(
    endpoint: Endpoint, credential: Callable[[str], str], scope: str = ""
) -> Callable[[], Request]:
    """Asks by ``client_id`` and ``client_secret`` (section 4.4)."""
    form = (("grant_type", "client_credentials"), *_scope(scope))
    return lambda: ask(endpoint, credential("client_id"), credential("client_secret"), form)


def refresh_token(
    endpoint: Endpoint, credential: Callable[[str], str], scope: str = ""
) -> Callable[[], Request]:
    """Asks by ``refresh_token`` too (section 6): a person has granted it to the client before."""

    def make() -> Request:
        form = (
            ("grant_type", "refresh_token"),
            ("refresh_token", credential("refresh_token")),
            *_scope(scope),
        )
        return ask(endpoint, credential("client_id"), credential("client_secret"), form)

    return make


def _scope(scope: str) -> tuple[tuple[str, str], ...]:
    return (("scope", scope),) if scope else ()


class _Granted(msgspec.Struct):
    """What a token endpoint answers (section 5.1). Some tell the seconds as text."""

    access_token: str
    expires_in: float | str | None = None


class _Refused(msgspec.Struct):
    """What it answers otherwise (section 5.2)."""

    error: str = ""
    error_description: str = ""


class Tokens:
    """The access token of one account. See ``stockfold.channels.port.Renewing``.

    ``ask`` makes the request for a new one, from secrets that it reads anew each time.
    """

    def __init__(self, ask: Callable[[], Request]) -> None:
        self._ask = ask
        self._token = ""
        self._renew_s = 0
        self._ends_s = 0
        self._unproven = 0

    @property
    def token(self) -> str:
        """The token to send; empty before the first."""
        return self._token

    def renewal(self, now_s: int) -> Request | None:
        """See ``Renewing.renewal``. ``now_s`` is UTC seconds since 1970."""
        return None if self._token and now_s < self._renew_s else self._ask()

    def renewed(self, answer: Response | Failure, now_s: int) -> Trouble | None:
        """See ``Renewing.renewed``. No trouble while the token at hand still holds."""
        granted = _granted(answer)
        if isinstance(granted, Trouble):
            if not self._token or now_s >= self._ends_s or granted.kind is TroubleKind.REFUSED:
                return granted
            self._renew_s = min(now_s + RETRY_S, self._ends_s)
            return None
        self._token = granted.access_token
        life_s = _life_s(granted)
        self._ends_s = now_s + life_s
        self._renew_s = self._ends_s - min(MARGIN_S, max(life_s // 10, 1))
        return None

    def taken(self) -> None:
        """The channel has answered a request with the token as that of somebody it knows."""
        self._unproven = 0

    def forget(self) -> bool:
        """The channel does not take the token: get a new one. False when that has not helped.

        Tokens end early when somebody renews the secret. Of requests under way at once, each may
        be told so.
        """
        if self._token:
            self._token = ""
            self._unproven += 1
        return self._unproven <= UNPROVEN_MAX


def _granted(answer: Response | Failure) -> _Granted | Trouble:
    if isinstance(answer, Failure):
        return failed(Failure(answer.code, f"no access token: {answer.detail}"))
    if answer.status == 200:
        granted = _read(answer.body, _Granted)
        if granted is not None and granted.access_token:
            return granted
        detail = "the token endpoint's answer holds no access token"
        return Trouble(TroubleKind.UNAVAILABLE, "no_token", detail)
    told = _read(answer.body, _Refused) or _Refused()
    message = f"no access token: {told.error} {told.error_description}".rstrip(" :")
    trouble = trouble_of(answer, told.error, message)
    if trouble is None:
        code = told.error or f"http_{answer.status}"
        trouble = Trouble(TroubleKind.REFUSED, code, f"HTTP {answer.status}: {message}")
    return trouble


def _read(body: bytes, shape: type[T]) -> T | None:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _life_s(granted: _Granted) -> int:
    try:
        return max(int(float(granted.expires_in or LIFE_S)), 1)
    except (ValueError, OverflowError):
        return LIFE_S


class Renewed:
    """The part of an adapter that is ``Renewing``: it has ``_tokens``."""

    _tokens: Tokens

    def renewal(self, now_s: int) -> Request | None:
        """See ``Renewing.renewal``."""
        return self._tokens.renewal(now_s)

    def renewed(self, answer: Response | Failure, now_s: int) -> Trouble | None:
        """See ``Renewing.renewed``."""
        return self._tokens.renewed(answer, now_s)
