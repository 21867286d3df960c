"""Who calls, and what they may do: the keys, followed from their topic.

For every server of ours. A key is sent as a bearer token; a server of pages takes it as the
password of HTTP Basic too (RFC 7617), which browsers ask for by themselves.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
from typing import Self

from fastapi import Request

from stockfold.contracts.intake import Taken
from stockfold.contracts.json_text import Problem as Wrong
from stockfold.contracts.topics import API_KEYS
from stockfold.runtime.clock import SYSTEM_CLOCK, Clock
from stockfold.runtime.followed import FollowedTopic
from stockfold.runtime.keys import SEND, ApiKey, KeyBook
from stockfold.runtime.problems import Problem
from stockfold.runtime.rates import Rate
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)

KNOWN_S_MAX = 3.0
HERE = ("127.0.0.1", "localhost", "::1")
"""Names of this machine: whoever calls by another is led here by a foreign name server."""


class Access:
    """Knows the keys; an asynchronous context. Until they were read once nobody may do anything.

    ``section`` is that of its server in the settings. ``browsers`` may ask with HTTP Basic: only
    for what changes nothing, since a browser sends it along with what other sites ask of it.
    ``always``: who asks can prove it otherwise too, so nobody may without, even without any key.
    """

    def __init__(
        self,
        settings: Settings,
        section: str,
        clock: Clock = SYSTEM_CLOCK,
        *,
        browsers: bool = False,
        always: bool = False,
    ) -> None:
        self._settings = settings
        self._section = section
        self._clock = clock
        self._browsers = browsers
        self._always = always
        self._book = KeyBook()
        self._followed = FollowedTopic(settings, API_KEYS, f"{section}.keys", self._book.apply)
        self._rates: dict[str, Rate] = {}

    async def __aenter__(self) -> Self:
        await self._followed.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._followed.__aexit__()

    @property
    def is_known(self) -> bool:
        """Whether the keys were read, and are followed."""
        return self._followed.known.is_set()

    @property
    def is_closed(self) -> bool:
        """Whether whoever asks must say who they are."""
        return self._always or len(self._book) > 0

    async def host(self, wanted: str, stop: asyncio.Event) -> str:
        """The address to listen on: ``wanted``, but one of this machine until a key exists.

        Waits until the keys are known, or ``stop``; on this machine not for long, so that whoever
        comes is told what is missing.
        """
        here = wanted in HERE
        await self._known(stop, KNOWN_S_MAX if here else None)
        if here or self.is_closed:
            return wanted
        if not stop.is_set():
            log.error(
                "there is no API key: listening on %s, not on %s.host = %s. Make a key with "
                "`stockfold keys create`, then start the %s again",
                HERE[0],
                self._section,
                wanted,
                self._section,
            )
        return HERE[0]

    async def _known(self, stop: asyncio.Event, s_max: float | None) -> None:
        waiting = [asyncio.create_task(event.wait()) for event in (stop, self._followed.known)]
        await asyncio.wait(waiting, timeout=s_max, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()

    def caller(self, request: Request, right: str = SEND) -> ApiKey | None:
        """The key of a request; None as long as there is none at all. Problem 401, 403, 503."""
        if not self.is_known:
            raise Problem(503, "Not available now", "The API keys were not read from Kafka yet.")
        if not self.is_closed:
            if request.url.hostname not in HERE:
                raise Problem(403, "Not allowed", "Until an API key exists, call it by 127.0.0.1.")
            return None
        return self.holder(self._token(request), right)

    def holder(self, token: str, right: str) -> ApiKey:
        """The key of a token. Problem 401, 403, 503."""
        return self._allowed(self._book.holder(token), right)

    def held(self, key_id: str, right: str) -> ApiKey:
        """The key of this id, whose holder has proved it before. Problem 401, 403, 503."""
        return self._allowed(self._book.get(key_id), right)

    def _allowed(self, key: ApiKey | None, right: str) -> ApiKey:
        if not self.is_known:
            raise Problem(503, "Not available now", "The API keys were not read from Kafka yet.")
        if key is None:
            raise self._unknown("Key not known", "Check the API key, or have a new one made.")
        why = key.refusal(self._clock.now_us())
        if why:
            raise self._unknown("Key not valid", f"{why} Have a new one made.")
        if right not in key.may:
            raise Problem(
                403,
                "Not allowed",
                f"The key {key.name} may {' and '.join(key.may) or 'do nothing'}, and here it must "
                f"{right}. Have one made with `stockfold keys create --may {right}`.",
            )
        return key

    def count(self, key: ApiKey | None, events: int) -> None:
        """Count events against the rate of their key. Problem 429 beyond it, then none counts.

        Problem 401 when it was withdrawn, or has expired, since its request began.
        """
        if key is None:
            return
        why = (self._book.get(key.key) or key).refusal(self._clock.now_us())
        if why:
            raise self._unknown("Key not valid", f"{why} Have a new one made.")
        rate = self._rates.setdefault(key.key, Rate())
        wait_s = rate.wait_s(key.events_per_s, events)
        if wait_s:
            what = "ask" if self._browsers else "send"
            raise Problem(
                429,
                "Too many questions" if self._browsers else "Too many events",
                f"The key {key.name} may {what} {key.events_per_s} a second. "
                "Nothing of this request was taken.",
                retry_after_s=wait_s,
            )

    def _token(self, request: Request) -> str:
        """What a request proves itself with. Problem 401 without."""
        scheme, _, told = request.headers.get("authorization", "").partition(" ")
        token = ""
        if scheme.lower() == "bearer":
            token = told.strip()
        elif scheme.lower() == "basic" and self._browsers:
            with contextlib.suppress(ValueError):
                pair = base64.b64decode(told.strip(), validate=True).decode()
                token = pair.partition(":")[2]
        if not token:
            how = "Send the header Authorization: Bearer and your API key"
            if self._browsers:
                how += "; in a browser, give it as the password"
            raise self._unknown("Key missing", f"{how}.")
        return token

    def _unknown(self, title: str, detail: str) -> Problem:
        schemes = ['Bearer realm="stockfold"']
        if self._browsers:
            schemes.append('Basic realm="stockfold", charset="UTF-8"')
        return Problem(401, title, detail, www_authenticate=", ".join(schemes))


def not_allowed(key: ApiKey | None, taken: Taken) -> Wrong | None:
    """What its key does not allow of an event."""
    if key is None:
        return None
    beyond = key.beyond(taken.envelope.source, taken.envelope.type, taken.body)
    if not beyond:
        return None
    return Wrong(
        "not_allowed",
        "$",
        f"is of {beyond} which the key {key.name} may not send",
        "Send it with a key that may, or have this one made wider.",
    )
