"""A benchmark that is told to end takes its servers with it."""

from __future__ import annotations

import signal
import subprocess
import sys

import psutil
import pytest

pytestmark = pytest.mark.integration

BENCHMARK = """
import time
from infra.bench.broker import new_broker

with new_broker() as broker:
    print(broker.pid, flush=True)
    time.sleep(60)
"""


def test_a_benchmark_that_gets_sigterm_stops_its_broker() -> None:
    command = [sys.executable, "-c", BENCHMARK]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        broker = psutil.Process(int(child.stdout.readline()))
        assert broker.is_running()
        child.send_signal(signal.SIGTERM)
        child.wait(60)
    assert not broker.is_running()
