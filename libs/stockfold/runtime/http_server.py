"""An HTTP application on uvicorn, for as long as it is wanted."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from stockfold.domain.errors import SettingsError
from stockfold.runtime.http_protocol import (
    ANSWER_S_MAX,
    HEAD_BYTES_MAX,
    CheckedHead,
    PatientProtocol,
)
from stockfold.runtime.log_bursts import Repeats

log = logging.getLogger(__name__)

CONNECTIONS_MAX = 512
SHUTDOWN_S_MAX = 5
_REPEATS = Repeats()


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: whoever runs us decides when to stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def serve_app(
    app: ASGIApp,
    section: str,
    host: str,
    port: int,
    stop: asyncio.Event,
    end_streams: Callable[[], None] = lambda: None,
    connections_max: int = CONNECTIONS_MAX,
    answer_s_max: float = ANSWER_S_MAX,
) -> None:
    """Serve until ``stop``; SettingsError when the address of that section cannot be had.

    ``end_streams`` is called first when it stops: answers without an end would hold it up.
    """
    listener = _listen(section, host, port)
    logging.getLogger("uvicorn.error").addFilter(_REPEATS)
    config = uvicorn.Config(
        CheckedHead(app, connections_max, answer_s_max),
        http=PatientProtocol,
        ws="none",
        h11_max_incomplete_event_size=HEAD_BYTES_MAX,
        log_config=None,
        access_log=False,
        lifespan="on",
        # Idle ones count here; beyond it a plain 503.
        limit_concurrency=2 * connections_max,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=SHUTDOWN_S_MAX,
        server_header=False,
    )
    server = _Server(config)
    shown = f"[{host}]" if ":" in host else host
    log.info("%s serves http://%s:%d/", section, shown, listener.getsockname()[1])
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        end_streams()
        server.should_exit = True
        stopped.cancel()
        try:
            await serving
        finally:
            listener.close()


def _listen(section: str, host: str, port: int) -> socket.socket:
    """A bound socket; port in use and unknown address are told as what they are."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host} port {port}: {error.strerror or error}",
            where=f"{section}.host, {section}.port",
            remedy=f"Stop what uses the port, or set {section}.port to another.",
        ) from error
    return listener
