"""Credentials that end: renewed before they do, by one request at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from stockfold.channels.port import Failure, Renewing, Request, Response, TroubleKind
from stockfold.runtime import redaction
from stockfold.runtime.clock import Clock

SECRET_HEADERS = ("authorization", "token")
"""A header with one of these in its name carries a credential."""


class Credentials:
    """Those of one connection; ``send`` makes a request as it is."""

    def __init__(
        self,
        adapter: object,
        send: Callable[[Request], Awaitable[Response | Failure]],
        clock: Clock,
    ) -> None:
        self._adapter = adapter if isinstance(adapter, Renewing) else None
        self._send = send
        self._clock = clock
        self._one = asyncio.Lock()
        self._rests_until_s = 0.0
        self._known: dict[str, str] = {}

    async def fresh(self) -> Failure | None:
        """Return once they will do; what is the matter when no new ones were to be had.

        ``credentials`` when they are refused, ``connect`` when that may pass by itself: nothing has
        been sent to the channel then.
        """
        adapter = self._adapter
        if adapter is None or adapter.renewal(self._now_s()) is None:
            return None
        async with self._one:
            asked = adapter.renewal(self._now_s())
            if asked is None:
                return None  # Renewed while we waited for our turn.
            if self._clock.monotonic_s() < self._rests_until_s:
                return Failure("connect", "credentials are not renewed yet: we were too fast")
            trouble = adapter.renewed(await self._send(asked), self._now_s())
            if trouble is None:
                return None
            self._rests_until_s = self._clock.monotonic_s() + (trouble.retry_after_s or 0.0)
            code = "credentials" if trouble.kind is TroubleKind.REFUSED else "connect"
            detail = redaction.redacted(f"{trouble.code}: {trouble.detail}")
            return Failure(code, f"no new credentials, {detail}")

    def remember(self, signed: Request) -> None:
        """Mask what a request carries in all that is told from now on."""
        if self._adapter is None:
            return
        for name, value in signed.headers:
            secret = value.rpartition(" ")[2]
            is_secret = any(word in name.lower() for word in SECRET_HEADERS)
            if is_secret and self._known.get(name) != secret:
                redaction.remember(secret)
                redaction.forget(self._known.get(name, ""))
                self._known[name] = secret

    def _now_s(self) -> int:
        return self._clock.now_us() // 1_000_000
