"""OTLP over HTTP: one connection to the collector, requests with a time limit, no retries.

Ours rather than the SDK's exporter, which retries for as long as its time-out and so holds up
whoever stops (opentelemetry-python#4043), and which comes with a second HTTP client.
"""

from __future__ import annotations

import http.client
import logging
import ssl
from urllib.parse import urlsplit

from stockfold.runtime.telemetry_settings import TelemetrySettings

log = logging.getLogger(__name__)


class OtlpSender:
    """Posts encoded telemetry to a collector, for one thread.

    A request that fails is given up. That the collector is away is logged once, and once that it is
    back.
    """

    def __init__(self, settings: TelemetrySettings, path: str) -> None:
        assert settings.endpoint is not None, "telemetry is off"
        url = urlsplit(settings.endpoint)
        self._host = url.hostname or ""
        self._port = url.port
        self._tls = ssl.create_default_context() if url.scheme == "https" else None
        self._timeout_s = settings.request_timeout_s
        self._path = url.path.rstrip("/") + path
        self._where = settings.endpoint
        self._headers = {"Content-Type": "application/x-protobuf", "User-Agent": "stockfold"}
        if settings.authorization is not None:
            self._headers["Authorization"] = settings.authorization.resolve()
        self._connection: http.client.HTTPConnection | None = None
        self._is_away = False

    def post(self, body: bytes) -> bool:
        """Send one encoded request; False when the collector has not taken it."""
        # A connection that was kept may have been closed on the other side since: once more then.
        kept = self._connection is not None
        why = self._try(body)
        if why and kept:
            why = self._try(body)
        if why and not self._is_away:
            log.warning("the collector at %s takes no telemetry: %s", self._where, why)
        if not why and self._is_away:
            log.info("the collector at %s takes telemetry again", self._where)
        self._is_away = bool(why)
        return not why

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _try(self, body: bytes) -> str:
        """Why it was not taken; empty when it was."""
        try:
            connection = self._connection = self._connection or self._connect()
            connection.request("POST", self._path, body, self._headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return f"{type(error).__name__}: {error}"
        return "" if answer.status < 300 else f"it answers {answer.status}"

    def _connect(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=self._timeout_s, context=self._tls
        )
