"""``stockfold up`` on real servers, with services that do nothing: starting, restarting, ending."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from tests.conftest import NewEnvironment

from stockfold.runtime.embedded import ports
from stockfold.runtime.kafka import plan_topics
from stockfold.runtime.settings import Settings
from stockfold_services.cli.running import Stockfold

pytestmark = pytest.mark.integration

CHILD = "tests.support.child"
# Runs everything until a signal comes. The settings come as `stockfold up` gives them to children.
HOLDER = """
import sys, threading
from stockfold.runtime.settings import Settings
from stockfold_services.cli.running import Stockfold, interrupt_once
interrupt_once()
settings = Settings.model_validate_json(sys.stdin.readline())
try:
    with Stockfold(settings, child_module="tests.support.child") as running:
        running.wait()
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def _process(settings: Settings, name: str, other_than: int = 0) -> psutil.Process:
    """The child that says it runs as ``name``, once it does."""
    path = settings.environment.data_dir / "alive" / name
    _until(lambda: path.exists() and int(path.read_text().split()[0]) != other_than)
    return psutil.Process(int(path.read_text().split()[0]))


def _ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def settings(new_environment: NewEnvironment, postgres: str) -> Settings:
    return new_environment(
        topics=False,
        postgres={"dsn": postgres},
        api={"port": ports.free_port()},
        gateway={"port": ports.free_port()},
        checkout={"port": ports.free_port()},
    )


@pytest.fixture
def holder(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    """Another process that runs everything."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdin is not None
    process.stdin.write(settings.model_dump_json(context={"reveal_plain_secrets": True}) + "\n")
    process.stdin.flush()
    yield process
    process.kill()
    process.communicate(timeout=30)


def test_topics_and_services_are_there_inside_and_gone_afterwards(
    settings: Settings, tmp_path: Path
) -> None:
    with Stockfold(settings, log_folder=tmp_path, child_module=CHILD) as running:
        children = [_process(settings, name) for name in ("ledger", "snapshotter", "services")]
        assert plan_topics(running.settings).missing == []
        assert not running.wait(0)
    assert all(_ended(child) for child in children)
    alive = settings.environment.data_dir / "alive"
    assert (alive / "ledger.stopped").exists()
    assert (alive / "services.stopped").exists()


def test_a_killed_service_is_started_again(settings: Settings, tmp_path: Path) -> None:
    with Stockfold(settings, log_folder=tmp_path, child_module=CHILD):
        first = _process(settings, "ledger")
        first.kill()
        second = _process(settings, "ledger", other_than=first.pid)
        assert second.is_running()


def test_an_interrupt_stops_everything_and_leaves_nothing(
    settings: Settings, holder: subprocess.Popen[str]
) -> None:
    children = [_process(settings, name) for name in ("ledger", "snapshotter", "services")]
    # A terminal sends it to every process of its own, and an impatient person twice.
    os.killpg(holder.pid, signal.SIGINT)
    os.killpg(holder.pid, signal.SIGINT)
    assert holder.wait(60) == 0
    assert all(_ended(child) for child in children)


def test_the_services_of_a_killed_run_end_by_themselves(
    settings: Settings, holder: subprocess.Popen[str]
) -> None:
    children = [_process(settings, name) for name in ("ledger", "snapshotter", "services")]
    holder.kill()
    for child in children:
        _until(lambda child=child: _ended(child))
