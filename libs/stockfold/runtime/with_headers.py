"""The headers of every answer: what a browser must not do with it."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Not no-referrer: with that a browser says "Origin: null" of our own forms too.
    "Referrer-Policy": "same-origin",
    # Browsers heed it over TLS alone: a proxy's, since we speak plain HTTP behind it.
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""For servers of programs; OWASP, HTTP Security Response Headers."""


class WithHeaders:
    """Adds them, unless an answer says otherwise; leaves streams as they are."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str] | None = None) -> None:
        self._app = app
        self._headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in {**HEADERS, **(headers or {})}.items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                said = {name for name, _ in given}
                ours = [header for header in self._headers if header[0] not in said]
                message = {**message, "headers": given + ours}
            await send(message)

        await self._app(scope, receive, with_headers)
