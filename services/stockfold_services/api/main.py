"""The api process: answers questions from the read model, and changes nothing."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from stockfold.domain.errors import SettingsError
from stockfold.runtime.serve import serve_async
from stockfold.runtime.settings import Settings
from stockfold_services.api.app import create_app

log = logging.getLogger(__name__)

CONNECTIONS_MAX = 512
SHUTDOWN_S_MAX = 5


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: whoever runs us decides when to stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until ``stop``. SettingsError when the address cannot be had.

    PostgreSQL may come and go: while it is away, questions are answered with 503.
    """
    listener = _listen(settings.api.host, settings.api.port)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="on",
        limit_concurrency=CONNECTIONS_MAX,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=SHUTDOWN_S_MAX,
        server_header=False,
    )
    server = _Server(config)
    host = f"[{settings.api.host}]" if ":" in settings.api.host else settings.api.host
    log.info("serving http://%s:%d/", host, listener.getsockname()[1])
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        # Streams would hold it up to the end of its patience.
        app.state.changes.close()
        server.should_exit = True
        stopped.cancel()
        try:
            await serving
        finally:
            listener.close()


def _listen(host: str, port: int) -> socket.socket:
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
            where="api.host, api.port",
            remedy="Stop what uses the port, or set api.port to another.",
        ) from error
    return listener


def main() -> None:
    """Run until SIGINT or SIGTERM."""
    serve_async("api", run)


if __name__ == "__main__":
    main()
