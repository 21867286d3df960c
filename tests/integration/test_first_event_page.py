"""Every snippet of the page "send your first event" runs as it is written, and is folded."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.command_line import variables
from tests.support.gateway import gateway
from tests.support.kafka_io import committed, wait_for
from tests.support.running_ledger import ledger

from stockfold.contracts.topics import EXCEPTIONS, JOURNAL
from stockfold.runtime.embedded.jars import java, kafka_jars
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration

PAGE = Path(__file__).parents[2] / "infra/docs/first-event.md"
SNIPPETS = re.findall(r"(?ms)^```(python|sh)\n(.*?)^```$", PAGE.read_text("utf-8"))
TOOLS = "org.apache.kafka:kafka-tools:4.1.2"
SHIM = """#!/bin/sh
exec "{java}" -cp "$CLASSPATH" org.apache.kafka.tools.ConsoleProducer "$@"
"""


def run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, check=False, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def console_tools(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """PATH and CLASSPATH in which kafka-console-producer.sh is Kafka's own console producer."""
    folder = tmp_path_factory.mktemp("tools")
    shim = folder / "kafka-console-producer.sh"
    shim.write_text(SHIM.format(java=java()), "utf-8")
    shim.chmod(0o755)
    jars = kafka_jars(folder, TOOLS)
    here = Path(sys.executable).parent
    return {
        "PATH": os.pathsep.join((str(folder), str(here), os.environ["PATH"])),
        "CLASSPATH": os.pathsep.join(map(str, jars)),
    }


@pytest.mark.timeout(600)
def test_every_snippet_runs_and_its_events_are_folded(
    environment: Settings, console_tools: dict[str, str]
) -> None:
    prefix, bootstrap = environment.prefix, environment.kafka.bootstrap or ""
    surroundings = {**os.environ, **variables(environment), **console_tools}
    # A reader of the page has the usual tools, such as date, however short our own PATH is.
    surroundings["PATH"] = os.pathsep.join((surroundings.get("PATH", ""), os.defpath))
    printed = []
    with ledger(environment), gateway(environment) as client:
        for language, text in SNIPPETS:
            there = (
                text.replace("localhost:9092", bootstrap)
                .replace("http://127.0.0.1:8090", str(client.base_url).rstrip("/"))
                .replace("--topic ", f"--topic {prefix}")
                .replace('source="/erp/main"', f'source="/erp/main", prefix="{prefix}"')
            )
            command = [sys.executable, "-c"] if language == "python" else ["bash", "-euc"]
            printed.append(run([*command, there], surroundings))
        wait_for("the facts", lambda: len(committed_facts(environment)) == 5)
    assert {f["event_id"] for f in committed_facts(environment)} == {
        "GoodsReceived/SKU-1001/GRN-4711/1/0",
        "GoodsReceived/SKU-1001/GRN-4712/1/0",
        "GoodsReceived/SKU-1002/GRN-4712/2/0",
        "grn-4713-1",
        "grn-4714-1",
    }
    assert committed(environment, EXCEPTIONS) == []
    assert printed[1].startswith("quantity_out_of_range\n")


def committed_facts(settings: Settings) -> list[dict]:
    return [r.record for r in committed(settings, JOURNAL) if r.name == "JournalFact"]
