"""HTTP/1.1 for strangers: bounded in what it reads ahead and in how long it waits for anybody.

uvicorn itself waits for ever for a request's head, for a client that does not read its answer, and
for the end of a body that nobody wants any more.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus

import h11
from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from stockfold.runtime.problems import MEDIA_TYPE, Problem, answer

HEADERS_S_MAX = 10.0
HEAD_BYTES_MAX = 16 * 1024
ANSWER_S_MAX = 60.0
"""How long an answer may take to begin; streams then go on for as long as they are read."""
UNREAD_S_MAX = 30.0
"""How long a client may take no byte of an answer."""
LINGER_S = 10.0
LINGER_BYTES_MAX = 16 * 1024 * 1024
"""What a client that was refused within its body may still send until it has read why."""


class PatientProtocol(H11Protocol):
    """Waits only so long for a request to be asked, and for its answer to be read."""

    _asked_by: asyncio.TimerHandle | None = None
    _read_by: asyncio.TimerHandle | None = None
    _lingering_bytes = 0
    _leaves_by: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Go on waiting while a request's head is incomplete."""
        if self._leaves_by is not None:
            self._lingering_bytes += len(data)
            if self._lingering_bytes > LINGER_BYTES_MAX:
                self.transport.abort()
                return
        super().data_received(data)
        if self._leaves_by is not None and self.conn.our_state is not h11.DONE:
            # The rest of the body was short: the connection serves its next request.
            self._leaves_by.cancel()
            self._leaves_by = None
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """End waiting."""
        self._forget()
        self._was_read()
        if self._leaves_by is not None:
            self._leaves_by.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client does not read: it gets a time-out."""
        super().pause_writing()
        if self._read_by is None:
            self._read_by = self.loop.call_later(UNREAD_S_MAX, self.transport.abort)

    def resume_writing(self) -> None:
        """It has read."""
        self._was_read()
        super().resume_writing()

    def on_response_complete(self) -> None:
        """Hang up on a client that goes on sending a body: it was answered without it."""
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY and not self.transport.is_closing():
            # Not at once: what it still sends would reset the connection, and the answer be lost.
            self._lingering_bytes = 0
            self._leaves_by = self.loop.call_later(LINGER_S, self.transport.abort)

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP gets a problem too, unless its answer has begun already."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()
            return
        status = HTTPStatus.BAD_REQUEST
        problem = {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "detail": f"{msg} Send HTTP/1.1, with a head of at most {HEAD_BYTES_MAX} bytes.",
        }
        body = json.dumps(problem).encode()
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        response = h11.Response(
            status_code=status.value, headers=headers, reason=status.phrase.encode()
        )
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _wait(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._forget()
        elif self._asked_by is None:
            self._asked_by = self.loop.call_later(HEADERS_S_MAX, self.transport.close)

    def _forget(self) -> None:
        if self._asked_by is not None:
            self._asked_by.cancel()
            self._asked_by = None

    def _was_read(self) -> None:
        if self._read_by is not None:
            self._read_by.cancel()
            self._read_by = None


class CheckedHead:
    """Refuses requests whose head is too long or tells two lengths, before anybody reads them.

    The protocol bounds only a head that is incomplete; one that comes at once is parsed whole.
    ``requests_max`` are served at once; one whose answer has not begun in time is given up.
    """

    def __init__(self, app: ASGIApp, requests_max: int, answer_s_max: float = ANSWER_S_MAX) -> None:
        self._app = app
        self._answer_s_max = answer_s_max
        self._requests_max = requests_max
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        problem = _wrong(scope)
        if problem is None and self._running >= self._requests_max:
            what = f"{self._requests_max} requests are being served. Nothing of this one was taken."
            problem = Problem(503, "Too busy", what)
        if problem is not None:
            await answer(Request(scope), problem)(scope, receive, send)
            return
        self._running += 1
        try:
            await self._in_time(scope, receive, send)
        finally:
            self._running -= 1

    async def _in_time(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def begun(message: Message) -> None:
            if message["type"] == "http.response.start" and not limit.expired():
                limit.reschedule(None)
            await send(message)

        try:
            async with asyncio.timeout(self._answer_s_max) as limit:
                await self._app(scope, receive, begun)
        except TimeoutError:
            if not limit.expired():
                raise
            what = f"It was given up after {self._answer_s_max:g} s. Ask for less, or later."
            late = answer(Request(scope), Problem(503, "Took too long", what))
            await late(scope, receive, send)


def _wrong(scope: Scope) -> Problem | None:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    size = sum(len(name) + len(value) + 4 for name, value in headers)
    if size + len(scope["raw_path"]) + len(scope["query_string"]) > HEAD_BYTES_MAX:
        return Problem(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE.value,
            "Head too large",
            f"Address and headers may have {HEAD_BYTES_MAX} bytes. Send less in them.",
        )
    names = {name for name, _ in headers}
    if {b"content-length", b"transfer-encoding"} <= names:
        # RFC 9112, section 6.1: a sign of request smuggling.
        return Problem(
            400, "Two lengths", "Send Content-Length or Transfer-Encoding, and not both."
        )
    return None
