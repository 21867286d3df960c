"""The services as processes of their own, as an operator would run them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

STOP_S_MAX = 20.0
MODULES = {
    "ledger": "stockfold_services.ledger.main",
    "availability": "stockfold_services.availability.main",
    "projector": "stockfold_services.projector.main",
    "publisher": "stockfold_services.publisher.main",
    "snapshotter": "stockfold_services.snapshotter.main",
}
SERVICES = tuple(MODULES)
"""Those that every scenario runs."""
MODULES["orders"] = "stockfold_services.orders.main"


@dataclass
class Service:
    """One service process; ``environment`` are variables besides those of every process."""

    name: str
    config: Path
    log_path: Path
    environment: dict[str, str] = field(default_factory=dict)
    module: str = ""
    is_expected_to_end: bool = False
    _child: subprocess.Popen[bytes] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False

    def start(self, **environment: str) -> None:
        """Start the process; its output is appended to its log. RuntimeError once closed."""
        with self._lock:
            if self._closed:
                raise RuntimeError(f"{self.name} is not started again: the scenario has ended")
            self._start(environment)

    def close(self) -> None:
        """Stop it for good, whoever may still want to start it again."""
        with self._lock:
            self._closed = True
        self.stop()

    def _start(self, environment: dict[str, str]) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("STOCKFOLD_")}
        given = {"STOCKFOLD_CONFIG": str(self.config), **self.environment, **environment}
        given["PYTHONFAULTHANDLER"] = "1"
        with self.log_path.open("ab") as out:
            self._child = subprocess.Popen(
                [sys.executable, "-m", self.module or MODULES[self.name]],
                env={**kept, **given},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def child(self) -> subprocess.Popen[bytes]:
        assert self._child is not None, f"{self.name} was not started"
        return self._child

    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def send(self, number: int) -> None:
        """Send a signal, if there is still somebody to get it."""
        if self.is_running():
            self.child.send_signal(number)

    def kill(self) -> None:
        """As the power failing: no signal handler, no farewell."""
        self.send(signal.SIGKILL)
        self.child.wait(STOP_S_MAX)

    def wait_ended(self, seconds: float) -> bool:
        """True when it has ended within so many seconds."""
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def wait_paused(self, seconds: float) -> bool:
        """True when it has stopped itself (SIGSTOP) within so many seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.is_running():
            if self.is_paused():
                return True
            time.sleep(0.02)
        return False

    def is_paused(self) -> bool:
        status = Path(f"/proc/{self.child.pid}/stat").read_text("ascii")
        return status.rpartition(")")[2].split()[0] in "tT"

    def stop(self) -> int | None:
        """End it in order, or for good when it does not; its exit code."""
        if self._child is None:
            return None
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        if not self.wait_ended(STOP_S_MAX):
            self.send(signal.SIGABRT)  # Its log then shows where each thread hangs.
            self.child.wait(STOP_S_MAX)
        return self.child.returncode

    def log(self) -> str:
        """Everything it has said."""
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""
