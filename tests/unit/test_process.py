"""Processes that outlive us, and the data folder they live on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import psutil
import pytest

from stockfold.domain.errors import SettingsError, UnavailableError
from stockfold.runtime.embedded.folder import DataFolder, is_held
from stockfold.runtime.embedded.process import ServerProcess, recorded, write_record

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)", "marked"]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process of somebody else's, as far as the code under test is concerned."""
    child = subprocess.Popen(SLEEP)
    yield child
    child.kill()
    child.wait(10)


def _record(folder: Path, pid: int, started: float, marker: str) -> None:
    record = {"pid": pid, "started": started, "marker": marker}
    (folder / "server.pid").write_bytes(orjson.dumps(record))


def _left_running(folder: Path) -> int:
    """The process id of a server whose supervisor was killed."""
    script = (
        "import sys; from pathlib import Path;"
        "from stockfold.runtime.embedded.process import ServerProcess;"
        f"s = ServerProcess('server', Path({str(folder)!r}), 'marked');"
        f"print(s.start({SLEEP!r}, {{}}).pid, flush=True);"
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, timeout=30, check=False
    )
    assert done.returncode == -signal.SIGKILL
    return int(done.stdout)


def _wait_gone(pid: int) -> None:
    deadline = time.monotonic() + 15
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the process still runs"
        time.sleep(0.02)


def test_a_server_left_by_a_killed_run_is_ended_by_the_next(tmp_path: Path) -> None:
    pid = _left_running(tmp_path)
    assert psutil.pid_exists(pid)
    ServerProcess("server", tmp_path, "marked").end_left_over()
    _wait_gone(pid)
    assert not (tmp_path / "server.pid").exists()


def test_a_process_that_only_reuses_the_id_is_left_alone(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    _record(tmp_path, sleeper.pid, psutil.Process(sleeper.pid).create_time() - 3600, "marked")
    ServerProcess("server", tmp_path, "marked").end_left_over()
    assert sleeper.poll() is None


def test_a_process_with_another_command_is_left_alone(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    _record(tmp_path, sleeper.pid, psutil.Process(sleeper.pid).create_time(), "server.properties")
    ServerProcess("server", tmp_path, "server.properties").end_left_over()
    assert sleeper.poll() is None


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"pid": "x"}', b"\xff"])
def test_a_record_that_cannot_be_read_names_nobody(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "server.pid").write_bytes(content)
    assert recorded(tmp_path / "server.pid") is None


def test_a_record_of_a_living_process_finds_it(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    write_record(tmp_path / "server.pid", sleeper.pid, "marked")
    found = recorded(tmp_path / "server.pid")
    assert found is not None
    assert found.pid == sleeper.pid


def test_a_server_that_ends_while_starting_shows_the_end_of_its_log(tmp_path: Path) -> None:
    server = ServerProcess("server", tmp_path, "marked")
    server.start([sys.executable, "-c", "print('no room on disk'); raise SystemExit(3)"], {})
    with pytest.raises(UnavailableError, match=r"exit code 3(.|\n)*no room on disk"):
        server.wait_until(lambda: False, timeout_s=20)
    server.stop([])


def test_a_server_that_never_gets_ready_is_given_up_in_time(tmp_path: Path) -> None:
    server = ServerProcess("server", tmp_path, "marked")
    server.start(SLEEP, {})
    with pytest.raises(UnavailableError, match="not ready within 0 s"):
        server.wait_until(lambda: False, timeout_s=0.2)
    server.stop([(signal.SIGTERM, 5.0)])
    assert not server.is_running()


def test_a_server_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    server = ServerProcess("server", tmp_path, "marked")
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True);"
    server.start([sys.executable, "-c", deaf + "time.sleep(60)"], {})
    server.wait_until(lambda: "deaf" in server.tail(), timeout_s=20)
    server.stop([(signal.SIGTERM, 0.2)])
    assert not server.is_running()


def test_a_server_is_out_of_reach_of_the_terminals_interrupt(tmp_path: Path) -> None:
    server = ServerProcess("server", tmp_path, "marked")
    child = server.start(SLEEP, {})
    try:
        assert os.getsid(child.pid) != os.getsid(0)
    finally:
        server.stop([(signal.SIGTERM, 5.0)])


def test_a_data_folder_belongs_to_one_process_at_a_time(tmp_path: Path) -> None:
    with DataFolder(tmp_path):
        assert is_held(tmp_path)
        with pytest.raises(SettingsError, match=f"process {os.getpid()}"):
            DataFolder(tmp_path).acquire()
    assert not is_held(tmp_path)
    with DataFolder(tmp_path):
        pass


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"environment\.data_dir"):
        DataFolder(tmp_path / "file" / "data").acquire()
