"""A process that we start, remember, and end: this time or, after a crash, the next."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import orjson
import psutil

from stockfold.domain.errors import StockfoldError, UnavailableError
from stockfold.runtime.embedded.identity import OURSELVES, Identity

log = logging.getLogger(__name__)

TAIL_BYTES = 3_000
POLL_S = 0.05
# The clock that start times are taken from may be set while a process runs.
START_TIME_TOLERANCE_S = 2.0


class ServerProcess:
    """One child process with its log and its record.

    It gets a session of its own, so that a Ctrl-C on the terminal reaches us first and we end it
    in order. The record (``<name>.pid``: process id, start time, a marker from its command line)
    lets the next run find and end a process that a killed run left behind, and never another's.
    """

    def __init__(
        self, name: str, folder: Path, marker: str, log_folder: Path | None = None
    ) -> None:
        self.name = name
        self.log_path = (log_folder or folder) / f"{name}.log"
        self._record = folder / f"{name}.pid"
        self._marker = marker
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The running child's process id."""
        return self._child.pid if self._child else None

    def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        identity: Identity = OURSELVES,
        cwd: Path | None = None,
        stdin: int = subprocess.DEVNULL,
        to_log: bool = True,
    ) -> subprocess.Popen[bytes]:
        """Start the command; its output goes to the log, the previous log is kept beside it.

        ``to_log=False`` lets it write where we write.
        """
        self.end_left_over()
        for folder in (self.log_path.parent, self._record.parent):
            folder.mkdir(parents=True, exist_ok=True)
        if to_log and self.log_path.exists():
            self.log_path.replace(self.log_path.with_suffix(".log.1"))
        with self.log_path.open("wb") if to_log else nullcontext() as out:
            self._child = subprocess.Popen(  # noqa: S603 - the command is ours
                list(command),
                env=dict(environment),
                stdin=stdin,
                stdout=out,
                stderr=subprocess.STDOUT if to_log else None,
                start_new_session=True,
                cwd=cwd,
                **identity.options(),
            )
        write_record(self._record, self._child.pid, self._marker)
        return self._child

    def wait_until(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Poll ``ready``; UnavailableError with the log's tail when it ends or takes too long."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            if self._child is None or self._child.poll() is not None:
                code = self._child.returncode if self._child else None
                raise self._failed(f"{self.name} ended while starting (exit code {code})")
            if time.monotonic() > deadline:
                raise self._failed(f"{self.name} was not ready within {timeout_s:.0f} s")
            time.sleep(POLL_S)

    def _failed(self, what: str) -> StockfoldError:
        return UnavailableError(
            f"{what}; its log ends:\n{self.tail()}\n",
            where=f"log {self.log_path}",
            remedy="Mend what the log says, then start again.",
        )

    def tail(self) -> str:
        """The end of the log."""
        try:
            with self.log_path.open("rb") as source:
                source.seek(max(0, self.log_path.stat().st_size - TAIL_BYTES))
                return source.read().decode(errors="replace").strip()
        except OSError as error:
            return f"(no log: {error})"

    @property
    def exit_code(self) -> int | None:
        """How the child ended; None while it lives or before it was started."""
        return self._child.poll() if self._child else None

    def is_running(self) -> bool:
        """True while the child lives."""
        return self._child is not None and self._child.poll() is None

    def stop(self, signals: Sequence[tuple[int, float]]) -> None:
        """Send each signal in turn and wait its seconds, until the child has ended."""
        if self._child is not None:
            for number, seconds in (*signals, (signal.SIGKILL, 10.0)):
                if self._child.poll() is not None:
                    break
                self._child.send_signal(number)
                try:
                    self._child.wait(seconds)
                except subprocess.TimeoutExpired:
                    log.warning("%s did not end within %.0f s", self.name, seconds)
            if self._child.stdin is not None:
                self._child.stdin.close()
            self._child = None
        self._record.unlink(missing_ok=True)

    def end_left_over(self) -> None:
        """End the process that an earlier, killed run left behind, if it is still ours."""
        left = recorded(self._record)
        if left is not None:
            log.warning("ending %s (process %d), left by an earlier run", self.name, left.pid)
            end(left)
        self._record.unlink(missing_ok=True)


def write_record(path: Path, pid: int, marker: str) -> None:
    """Remember a process: its id, start time and a marker of its command line."""
    try:
        started = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return
    beside = path.with_suffix(".pid.new")
    beside.write_bytes(orjson.dumps({"pid": pid, "started": started, "marker": marker}))
    beside.replace(path)


def recorded(path: Path) -> psutil.Process | None:
    """The process of a record, if it still runs and is the very same one."""
    try:
        record = orjson.loads(path.read_bytes())
        process = psutil.Process(int(record["pid"]))
        same_start = abs(process.create_time() - record["started"]) < START_TIME_TOLERANCE_S
        same_command = any(record["marker"] in part for part in process.cmdline())
        alive = process.status() != psutil.STATUS_ZOMBIE
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, ValueError, psutil.Error):
        return None
    if same_start and same_command and alive and process.pid != os.getpid():
        return process
    return None


def end(process: psutil.Process, timeout_s: float = 15.0) -> None:
    """End a process and its children: politely first, then for good."""
    try:
        family = [process, *process.children(recursive=True)]
        process.terminate()
    except psutil.NoSuchProcess:
        return
    _, alive = psutil.wait_procs(family, timeout=timeout_s)
    for left in alive:
        try:
            left.kill()
        except psutil.NoSuchProcess:
            continue
    _, alive = psutil.wait_procs(alive, timeout=timeout_s)
    if alive:
        raise UnavailableError(
            f"process {alive[0].pid} of an earlier run does not end",
            where=f"process {alive[0].pid}",
            remedy=f"End it by hand: kill -9 {alive[0].pid}",
        )
