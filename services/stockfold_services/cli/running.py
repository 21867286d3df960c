"""All of stockfold, running: servers, topics, services, supervised. A context manager."""

from __future__ import annotations

import logging
import signal
import threading
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from stockfold.domain.errors import SettingsError, StockfoldError
from stockfold.runtime.embedded import ports
from stockfold.runtime.embedded.servers import Server, Servers
from stockfold.runtime.kafka import ensure_topics
from stockfold.runtime.settings import Settings
from stockfold.runtime.supervisor import ServiceProcess, Supervisor
from stockfold.runtime.telemetry.endpoint import ports_of
from stockfold_services.cli.archiving.target import is_unfinished
from stockfold_services.cli.policy_publish import publish_policies

log = logging.getLogger(__name__)

CHILD_MODULE = "stockfold_services.cli.child"
# Longer than all the supervisor's children may take to stop, one after the other.
STOP_S_MAX = 90.0


def interrupt_once() -> None:
    """Turn the first SIGINT, SIGTERM or SIGHUP into KeyboardInterrupt, and ignore further ones.

    So a ``with Stockfold(...)`` unwinds in order, and an impatient second Ctrl-C leaves nothing
    behind. Call it from the main thread.
    """
    asked = threading.Event()

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        if asked.is_set():
            log.warning("stopping already; this takes a few seconds")
            return
        asked.set()
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def refuse_half_restored(settings: Settings) -> None:
    """SettingsError when the newest restore into this environment stopped on its way."""
    if is_unfinished(settings):
        raise SettingsError(
            "a restore into this environment did not come to its end",
            where=f"Kafka at {settings.kafka.bootstrap}, environment {settings.prefix!r}",
            remedy="Run `stockfold restore --restart`, or use another environment.prefix.",
        )


class Stockfold:
    """Starts everything on entering and stops it on leaving.

    ``settings`` inside the context has the servers' addresses. With ``log_folder`` the services
    write their logs there instead of where we write.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        log_folder: Path | None = None,
        child_module: str = CHILD_MODULE,
    ) -> None:
        self.settings = settings
        self._child_module = child_module
        self._log_folder = log_folder
        self._servers = Servers(settings)
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._check_port("api", self.settings.api.host, self.settings.api.port)
        self._check_port("gateway", self.settings.gateway.host, self.settings.gateway.port)
        self._check_port("checkout", self.settings.checkout.host, self.settings.checkout.port)
        for port in ports_of(self.settings).values():
            self._check_port("metrics", self.settings.metrics.host, port)
        self._servers.__enter__()
        try:
            self.settings = self._servers.settings
            for name in ensure_topics(self.settings):
                log.info("topic %s created", name)
            refuse_half_restored(self.settings)
            if self.settings.channels:
                publish_policies(self.settings)
            self._thread = threading.Thread(target=self._supervise, name="supervisor")
            self._thread.start()
        except BaseException:
            self._servers.stop()
            raise
        return self

    def _check_port(self, section: str, host: str, port: int) -> None:
        if not ports.is_free(port, ports.HOST if host == "localhost" else host):
            raise SettingsError(
                f"port {port} is in use by {ports.listener(port)}",
                where=f"{section}.port",
                remedy=f"Stop that process, or set {section}.port "
                f"(STOCKFOLD_{section.upper()}__PORT) to another.",
            )

    def _supervise(self) -> None:
        kept: list[tuple[str, Server]] = [
            ("Kafka", self._servers.kafka),
            ("PostgreSQL", self._servers.postgres),
        ]
        kept += [
            (name, ServiceProcess(name, self._child_module, self.settings, self._log_folder))
            for name in ("ledger", "snapshotter", "services")
        ]
        try:
            Supervisor(kept).run(self._stop)
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self._error = error
        finally:
            self._ended.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end; True when it has ended, raising why if it was not asked for."""
        ended = self._ended.wait(timeout_s)
        if self._error is not None:
            raise self._error
        return ended

    def ask_to_stop(self) -> None:
        """Let it stop; ``wait`` then returns. Safe in a signal handler."""
        self._stop.set()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        try:
            if self._thread is not None:
                self._thread.join(STOP_S_MAX)
        finally:
            self._servers.stop()
        if error is None and isinstance(self._error, StockfoldError):
            raise self._error
