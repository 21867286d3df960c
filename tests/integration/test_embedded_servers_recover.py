"""Embedded servers after a kill, on taken ports, on damaged folders: recovered or refused, no hang.

These tests run servers of their own beside the session's.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from confluent_kafka.admin import AdminClient
from tests.support.servers import server_folder, serving

from stockfold.contracts.topics import JOURNAL
from stockfold.domain.errors import SettingsError, UnavailableError
from stockfold.runtime.embedded.kafka import EmbeddedKafka
from stockfold.runtime.embedded.postgres import EmbeddedPostgres
from stockfold.runtime.embedded.servers import Servers, attach
from stockfold.runtime.kafka import ensure_topics, plan_topics
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration

# Holds both servers until a signal comes, as `stockfold up` does.
HOLDER = """
import pathlib, sys, threading
from stockfold.runtime.embedded.servers import Servers
from stockfold.runtime.settings import Settings
from stockfold_services.cli.running import interrupt_once
interrupt_once()
try:
    with Servers(Settings(environment={"data_dir": pathlib.Path(sys.argv[1])})) as servers:
        print(servers.kafka.pid, servers.postgres.pid, flush=True)
        threading.Event().wait(120)
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with server_folder() as path:
        yield path / "own"


def _hold(folder: Path) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """Servers held by another process; that process and the servers'."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert holder.stdout is not None
    pids = holder.stdout.readline().split()
    return holder, [psutil.Process(int(pid)) for pid in pids]


def _gone(processes: list[psutil.Process]) -> bool:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes):
            return True
        time.sleep(0.05)
    return False


def test_an_interrupt_of_the_whole_terminal_leaves_nothing_behind(folder: Path) -> None:
    holder, servers = _hold(folder)
    families = [*servers, *(child for server in servers for child in server.children())]
    os.killpg(holder.pid, signal.SIGINT)
    out, _ = holder.communicate(timeout=60)
    assert (out, holder.returncode) == ("stopped\n", 0)
    assert _gone(families)


def test_servers_left_by_a_killed_run_are_replaced_and_their_data_kept(folder: Path) -> None:
    settings = Settings.model_validate({"environment": {"data_dir": folder}})
    holder, left = _hold(folder)
    try:
        running = attach(settings)
        created = ensure_topics(running)
    finally:
        holder.kill()
        holder.communicate(timeout=30)
    assert all(process.is_running() for process in left)
    with Servers(settings) as servers:
        assert _gone(left)
        assert sorted(plan_topics(servers.settings).present) == created
        assert servers.settings.kafka.bootstrap == running.kafka.bootstrap


def test_a_second_run_on_the_same_folder_is_refused_by_name(folder: Path) -> None:
    settings = Settings.model_validate({"environment": {"data_dir": folder}})
    holder, _ = _hold(folder)
    try:
        with pytest.raises(SettingsError, match=f"process {holder.pid}"):
            Servers(settings).__enter__()
    finally:
        holder.send_signal(signal.SIGTERM)
        holder.communicate(timeout=60)


def test_a_configured_port_in_use_is_refused_by_number(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port} is in use"):
            EmbeddedKafka(folder, port=port).start()


def test_a_remembered_port_in_use_is_replaced(folder: Path) -> None:
    with serving(EmbeddedKafka(folder)) as first:
        pass
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", int(first.split(":")[1])))
        taken.listen()
        with serving(EmbeddedKafka(folder)) as second:
            assert second != first
            admin = AdminClient({"bootstrap.servers": second})
            assert len(admin.list_topics(timeout=10).brokers) == 1


def test_a_folder_that_is_not_the_brokers_is_refused(folder: Path) -> None:
    (folder / "logs").mkdir(parents=True)
    (folder / "logs" / "something").write_text("else")
    with pytest.raises(SettingsError, match=r"meta\.properties"):
        EmbeddedKafka(folder).start()


def test_a_folder_that_is_not_the_databases_is_refused(folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "something").write_text("else")
    with pytest.raises(SettingsError, match="PG_VERSION"):
        EmbeddedPostgres(folder).start()


def test_a_database_of_another_version_is_refused(folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "PG_VERSION").write_text("16\n")
    with pytest.raises(SettingsError, match="PostgreSQL 16"):
        EmbeddedPostgres(folder).start()


def test_a_half_made_store_is_made_anew(folder: Path) -> None:
    (folder / "kafka" / "logs.new" / "half").mkdir(parents=True)
    (folder / "postgres" / "data.new" / "half").mkdir(parents=True)
    with Servers(Settings.model_validate({"environment": {"data_dir": folder}})) as servers:
        assert not servers.failed()


def test_a_stale_lock_with_a_reused_process_id_does_not_stop_the_database(folder: Path) -> None:
    with serving(EmbeddedPostgres(folder)):
        pass
    (folder / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{folder / 'data'}\n0\n5432\n")
    with serving(EmbeddedPostgres(folder)) as dsn:
        assert dsn


def test_a_broker_that_cannot_start_shows_why(folder: Path) -> None:
    with serving(EmbeddedKafka(folder)):
        pass
    # Another node's identity: the broker refuses such a folder by itself.
    meta = folder / "logs" / "meta.properties"
    meta.write_text(meta.read_text().replace("node.id=1", "node.id=7"))
    with pytest.raises(UnavailableError, match=r"node id 7|node\.id"):
        EmbeddedKafka(folder).start()


def test_a_reader_goes_on_after_the_broker_was_killed_and_started_again(folder: Path) -> None:
    server = EmbeddedKafka(folder / "kafka")
    with serving(server) as bootstrap:
        settings = Settings(kafka={"bootstrap": bootstrap, "sku_partitions": 1})
        ensure_topics(settings)
        reader = PartitionReader(settings)
        assert reader.stable_end(JOURNAL, 0) == 0
        psutil.Process(server.pid).kill()
        server.stop()
        server.start()
        # The restarted broker leads the partition in a later epoch than the reader remembers.
        assert reader.stable_end(JOURNAL, 0) == 0
        assert reader.committed_ends(JOURNAL, [0]) == {0: 0}
