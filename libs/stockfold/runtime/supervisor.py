"""Keeps a few processes running: starts them in order, starts again what ends, stops them all."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stockfold.domain.errors import DefectError, SettingsError, StockfoldError, UnavailableError
from stockfold.runtime.clock import SYSTEM_CLOCK, Clock
from stockfold.runtime.embedded.process import ServerProcess
from stockfold.runtime.embedded.servers import Server
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)

LOOK_S = 0.25
STOP_S_MAX = 20.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before the n-th start in a row, and when to give up.

    A process that has run for ``healthy_s`` starts the count anew.
    """

    first_s: float = 0.5
    longest_s: float = 15.0
    starts_max: int = 8
    healthy_s: float = 60.0

    def wait_s(self, failures: int) -> float:
        """Seconds before the start after ``failures`` failures in a row (at least one)."""
        return float(min(self.longest_s, self.first_s * 2 ** min(failures - 1, 30)))


class ServiceProcess:
    """One of our services in a process of its own.

    The settings go to it by its standard input, which then stays open as a lifeline: when we die,
    however that happens, the service reads the end of it and stops.
    """

    def __init__(
        self, name: str, module: str, settings: Settings, log_folder: Path | None = None
    ) -> None:
        self.name = name
        self._settings = settings
        self._command = [sys.executable, "-m", module, name]
        self._to_log = log_folder is not None
        folder = settings.environment.data_dir / "services"
        self._process = ServerProcess(name, folder, marker=module, log_folder=log_folder)

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.exit_code

    def start(self) -> str:
        """Start it; its process id as text."""
        self._process.stop([])
        child = self._process.start(
            self._command, os.environ, stdin=subprocess.PIPE, to_log=self._to_log
        )
        assert child.stdin is not None
        text = self._settings.model_dump_json(context={"reveal_plain_secrets": True})
        try:
            child.stdin.write(text.encode() + b"\n")
            child.stdin.flush()
        except BrokenPipeError:
            # It ended at once; the supervisor sees that and tells how.
            log.warning("%s ended before it read its settings", self.name)
        return str(child.pid)

    def stop(self) -> None:
        """Ask it to stop, and end it when it does not."""
        self._process.stop([(signal.SIGTERM, STOP_S_MAX)])

    def is_running(self) -> bool:
        """True while its process lives."""
        return self._process.is_running()


@dataclass(slots=True)
class _Kept:
    name: str
    server: Server
    failures: int = 0
    started_s: float = 0.0
    due_s: float | None = None


class Supervisor:
    """Runs servers and services until told to stop, restarting with bounded back-off.

    Start order is the given order; stop order the reverse. When one of them cannot be kept running
    ``run`` stops them all and raises.
    """

    def __init__(
        self,
        servers: Sequence[tuple[str, Server]],
        backoff: Backoff | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._kept = [_Kept(name, server) for name, server in servers]
        self._backoff = backoff or Backoff()
        self._clock = clock

    def run(self, stop: threading.Event) -> None:
        """Supervise until ``stop``; StockfoldError when something cannot be kept running."""
        try:
            for kept in self._kept:
                if not kept.server.is_running():
                    log.info("%s started (process %s)", kept.name, kept.server.start())
                kept.started_s = self._clock.monotonic_s()
            while not stop.wait(LOOK_S):
                self.look()
        finally:
            self._stop_all()

    def look(self) -> None:
        """One round: note what has ended, start again what is due."""
        now = self._clock.monotonic_s()
        for kept in self._kept:
            if kept.due_s is not None:
                if now >= kept.due_s:
                    self._start_again(kept)
            elif not kept.server.is_running():
                if now - kept.started_s >= self._backoff.healthy_s:
                    kept.failures = 0
                self._plan_restart(kept, "it ended")

    def _plan_restart(self, kept: _Kept, what: str) -> None:
        code = getattr(kept.server, "exit_code", None)
        if code == SettingsError.exit_code:
            raise SettingsError(
                f"{kept.name} refused its settings",
                where=kept.name,
                remedy="Its message above says which; mend it and start again.",
            )
        kept.failures += 1
        if kept.failures >= self._backoff.starts_max:
            kind = DefectError if code == DefectError.exit_code else UnavailableError
            raise kind(
                f"{kept.name} ended {kept.failures} times in a row (exit code {code})",
                where=kept.name,
                remedy="Its log says why; mend that and start again.",
            )
        wait_s = self._backoff.wait_s(kept.failures)
        log.warning(
            "%s: %s (exit code %s); starting again in %.1f s", kept.name, what, code, wait_s
        )
        kept.due_s = self._clock.monotonic_s() + wait_s

    def _start_again(self, kept: _Kept) -> None:
        kept.due_s = None
        try:
            log.info("%s started again (%s)", kept.name, kept.server.start())
        except StockfoldError as error:
            self._plan_restart(kept, str(error))
        kept.started_s = self._clock.monotonic_s()

    def _stop_all(self) -> None:
        problems: list[Exception] = []
        for kept in reversed(self._kept):
            try:
                kept.server.stop()
            except Exception as error:  # noqa: BLE001 - the others must be stopped all the same
                log.error("%s was not stopped: %s", kept.name, error)  # noqa: TRY400
                problems.append(error)
        if problems:
            raise problems[0]
