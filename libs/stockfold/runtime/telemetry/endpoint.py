"""The metrics of a process, told for as long as it runs: to Prometheus, and to a collector."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from prometheus_client import ProcessCollector, disable_created_metrics, start_http_server

from stockfold.domain.errors import SettingsError
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry import measures
from stockfold.runtime.telemetry.declare import REGISTRY
from stockfold.runtime.telemetry.objectives import tell_objectives

log = logging.getLogger(__name__)

STOP_S_MAX = 2.0
PLACES = ("ledger", "snapshotter", "services")
"""The processes of `stockfold up`: each takes the port of the settings plus its place here."""


def ports_of(settings: Settings) -> dict[str, int]:
    """The ports that the processes of `stockfold up` take; none while metrics are off."""
    port = settings.metrics.port
    return {} if port is None else {name: port + place for place, name in enumerate(PLACES)}


@contextmanager
def telling(settings: Settings, service: str, port: int | None) -> Iterator[None]:
    """Serve ``/metrics`` while the block runs, if there is a port for it, and push to a collector.

    SettingsError when the address cannot be had.
    """
    measures.BUILD.labels(service, version("stockfold"), settings.prefix).set(1)
    tell_objectives(settings)
    disable_created_metrics()
    with _pushed(settings, service), _served(settings.metrics.host, service, port):
        yield


@contextmanager
def _pushed(settings: Settings, service: str) -> Iterator[None]:
    if settings.telemetry.endpoint is None:
        yield
        return
    from stockfold.runtime.telemetry.metrics import pushing  # noqa: PLC0415 - off: not imported

    with pushing(settings.telemetry, REGISTRY, service, settings.metrics.push_every_s):
        yield


@contextmanager
def _served(host: str, service: str, port: int | None) -> Iterator[None]:
    if port is None:
        yield
        return
    try:
        server, thread = start_http_server(port, host, REGISTRY)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host} port {port}: {error.strerror or error}",
            where="metrics.host, metrics.port",
            remedy="Stop what uses the port, or set metrics.port to another.",
        ) from error
    process = ProcessCollector(registry=REGISTRY)
    log.info("%s tells its metrics at http://%s:%d/metrics", service, host, port)
    try:
        yield
    finally:
        REGISTRY.unregister(process)
        server.shutdown()
        server.server_close()
        thread.join(STOP_S_MAX)
