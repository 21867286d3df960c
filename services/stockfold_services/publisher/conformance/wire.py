"""The network between the publisher's HTTP client and an imitated channel."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import msgspec

from stockfold.channels import Response
from stockfold.channels.conformance import Sent, Subject

LATENCY_S = 0.05
SECRET_CHARACTERS_MIN = 8
"""A shorter one is found in any text."""
_SECRET_HEADERS = re.compile(r"authorization|token|api.?key|secret", re.IGNORECASE)
_SECRET_FIELDS = ("access_token", "refresh_token")

Change = Callable[[Sent, Response | None], Response | None]


class Exchange(msgspec.Struct, frozen=True):
    """One request as it went over the wire, and the status that came back; 0 for no answer."""

    at_s: float
    sent: Sent
    status: int


class SubjectWire(httpx.AsyncBaseTransport):
    """Hands every request to a subject. ``change`` sees its answer, and says what comes back."""

    def __init__(self, subject: Subject, now_s: Callable[[], float]) -> None:
        self._subject = subject
        self._now_s = now_s
        self.change: Change = lambda _, answer: answer
        self.drops = 0
        """So many of the next requests never arrive."""
        self.exchanges: list[Exchange] = []
        self.secrets = {s for s in subject.credentials.values() if len(s) >= SECRET_CHARACTERS_MIN}
        """Every credential that was seen."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        sent = Sent(request.method, str(request.url), headers, await request.aread())
        await asyncio.sleep(LATENCY_S)
        at_s = self._now_s()
        if self.drops:
            self.drops -= 1
            answer = None
        else:
            answer = self._subject.answer(sent)
        self.secrets.update(_secrets(headers, answer))
        answer = self.change(sent, answer)
        self.exchanges.append(Exchange(at_s, sent, 0 if answer is None else answer.status))
        if answer is None:
            await asyncio.sleep(request.extensions["timeout"]["read"])
            raise httpx.ReadTimeout("no answer came", request=request)
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body)


def _secrets(headers: Mapping[str, str], answer: Response | None) -> Iterator[str]:
    """The credentials of a request, and those that its answer handed out."""
    for name, value in headers.items():
        if _SECRET_HEADERS.search(name):
            yield from (word for word in value.split() if len(word) >= SECRET_CHARACTERS_MIN)
    told = _decoded(answer)
    if isinstance(told, dict):
        for name in _SECRET_FIELDS:
            token = told.get(name)
            if isinstance(token, str) and len(token) >= SECRET_CHARACTERS_MIN:
                yield token


def _decoded(answer: Response | None) -> Any:
    if answer is None or b"_token" not in answer.body:
        return None
    try:
        return msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return None
