"""Who a request is from: an API key, a token of the identity provider, or a session."""

from __future__ import annotations

import hashlib
import hmac
import logging

from fastapi import Request
from fastapi.responses import Response

from stockfold.runtime.access import Access
from stockfold.runtime.clock import SYSTEM_CLOCK, Clock
from stockfold.runtime.keys import READ
from stockfold.runtime.problems import Problem
from stockfold.runtime.rates import Rate
from stockfold.runtime.settings import Settings
from stockfold_services.api.actor import Actor, whoever_is_here
from stockfold_services.api.sign_in.flow import Flow
from stockfold_services.api.sign_in.provider import Provider, RefusedTokenError
from stockfold_services.api.sign_in.sessions import Session, Sessions, secret_of

log = logging.getLogger(__name__)

PEOPLE_MAX = 10_000
READING = ("GET", "HEAD")
LIVE = "/console/live/"
"""Asked for by pages that nobody may be looking at: it keeps no session alive."""


class Callers:
    """Knows everybody. ``access`` is None where nobody else can reach the api."""

    def __init__(
        self, settings: Settings, access: Access | None, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        secret = secret_of(settings)
        self._clock = clock
        self.access = access
        self._here = whoever_is_here()
        self.sessions = Sessions(settings, secret)
        self.provider = Provider(settings.oidc) if settings.oidc.issuer is not None else None
        self.flow = Flow(settings, self.provider, secret) if self.provider is not None else None
        self.form_secret = hmac.new(secret, b"forms", hashlib.sha256).digest()
        self._audience = settings.oidc.audience
        self._per_s = settings.oidc.requests_per_s
        self._rates: dict[str, Rate] = {}
        """By person, whoever asked last at the end."""

    async def close(self) -> None:
        """Close the connections to the provider."""
        if self.provider is not None:
            await self.provider.close()

    def now_s(self) -> int:
        """UTC seconds."""
        return self._clock.now_us() // 1_000_000

    async def identify(self, request: Request) -> None:
        """Write down whose request it is. Problem 401, 403, 429, 503; UnavailableError."""
        request.state.key = request.state.session = None
        if self.access is None:
            request.state.actor = self._here
            return
        scheme, _, told = request.headers.get("authorization", "").partition(" ")
        session = None if scheme else self.sessions.read(request, self.now_s())
        if scheme.lower() == "bearer" and self._audience and told.count(".") == 2:
            request.state.actor = await self._by_token(told.strip())
            self._count(request.state.actor)
        elif session is not None:
            self._by_session(request, session, self.access)
        else:
            key = self.access.caller(request, READ)
            self.access.count(key, 1)
            if key is None:
                request.state.actor = self._here
            if scheme.lower() == "basic" and _acts(request):
                log.warning("refused: %r acted with HTTP Basic", key.name if key else "")
                raise Problem(403, "Not signed in", "Basic is for looking: use /console/sign-in.")
            request.state.key = key

    def seen(self, request: Request) -> str | None:
        """The cookie that keeps a session awake, when this request should."""
        session: Session | None = getattr(request.state, "session", None)
        if session is None or request.url.path.startswith(LIVE):
            return None
        renewed = self.sessions.renewed(session, self.now_s())
        if renewed is None:
            return None
        answer = Response()
        self.sessions.put(request, answer, renewed)
        return answer.headers["set-cookie"]

    async def _by_token(self, token: str) -> Actor:
        assert self.provider is not None, "an audience without an issuer"
        try:
            person = await self.provider.person(token, self._audience)
        except RefusedTokenError as error:
            log.warning("refused: a bearer token: %s", error)
            raise _unknown("Token not valid", f"The token does not count: {error}.") from error
        if person.role is None:
            log.warning("refused: %r has no role here", person.name)
            raise Problem(403, "Not allowed", f"{person.name} has no role here: see [oidc] roles.")
        return Actor(person.name, person.role, "oidc")

    def _by_session(self, request: Request, session: Session, access: Access) -> None:
        if session.key:
            key = access.held(session.key, READ)
            access.count(key, 1)
            request.state.key, role = key, key.role
        else:
            role = session.role
            self._count(Actor(session.name, role, session.how))
        request.state.session = session
        request.state.actor = Actor(session.name, role, session.how, session.id)

    def _count(self, person: Actor) -> None:
        """Count a request of a person. Problem 429 beyond their rate."""
        rate = self._rates.pop(person.said, None) or Rate()
        self._rates[person.said] = rate
        if len(self._rates) > PEOPLE_MAX:
            del self._rates[next(iter(self._rates))]
        wait_s = rate.wait_s(self._per_s, 1, burst_min=1)
        if wait_s:
            raise Problem(
                429,
                "Too many questions",
                f"{person.name} may ask {self._per_s} a second. Wait a moment.",
                retry_after_s=wait_s,
            )


def _acts(request: Request) -> bool:
    return request.method not in READING and request.url.path.startswith("/console")


def _unknown(title: str, detail: str) -> Problem:
    return Problem(401, title, detail, www_authenticate='Bearer realm="stockfold"')
