"""The command line: what it prints, and how it fails."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from stockfold.contracts.topics import TOPICS


def _stockfold(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.defpath, "HOME": str(folder), **variables}
    return subprocess.run(
        [str(Path(sys.executable).with_name("stockfold")), *arguments],
        cwd=folder,
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_version_is_told(tmp_path: Path) -> None:
    done = _stockfold(tmp_path, "--version")
    assert done.returncode == 0
    assert done.stdout.startswith("stockfold 0.")


def test_config_show_tells_value_source_and_meaning_as_json(tmp_path: Path) -> None:
    done = _stockfold(tmp_path, "config", "show", "--json", STOCKFOLD_API__PORT="9003")
    settings = {entry["name"]: entry for entry in json.loads(done.stdout)["settings"]}
    assert settings["api.port"]["value"] == 9003
    assert settings["api.port"]["source"] == "environment STOCKFOLD_API__PORT"
    assert settings["ledger.expiry_tick_ms"]["source"] == "default"
    assert all(entry["description"] for entry in settings.values())


def test_config_show_as_a_table_is_not_cut(tmp_path: Path) -> None:
    done = _stockfold(tmp_path, "config", "show")
    assert done.returncode == 0
    assert "kafka.sku_partitions" in done.stdout


def test_config_check_says_that_all_is_well(tmp_path: Path) -> None:
    (tmp_path / "stockfold.toml").write_text("[api]\nport = 9004\n", "utf-8")
    done = _stockfold(tmp_path, "config", "check", "--json")
    assert json.loads(done.stdout) == {"valid": True, "file": "stockfold.toml"}


@pytest.mark.parametrize("command", ["check", "show"])
def test_a_wrong_setting_ends_with_what_where_and_remedy(tmp_path: Path, command: str) -> None:
    (tmp_path / "stockfold.toml").write_text('[api]\nport = "high"\n', "utf-8")
    done = _stockfold(tmp_path, "config", command)
    assert done.returncode == 2
    assert "error: api.port" in done.stderr
    assert "where: stockfold.toml" in done.stderr
    assert "to do: " in done.stderr
    assert "Traceback" not in done.stderr


def test_config_check_names_the_secret_that_is_missing(tmp_path: Path) -> None:
    done = _stockfold(tmp_path, "config", "check", STOCKFOLD_POSTGRES__DSN="env:NOT_SET")
    assert done.returncode == 2
    assert "postgres.dsn" in done.stderr
    assert "NOT_SET" in done.stderr


def test_topics_are_listed_without_a_broker(tmp_path: Path) -> None:
    done = _stockfold(tmp_path, "topics", "list", "--json", STOCKFOLD_ENVIRONMENT__PREFIX="qa.")
    names = [entry["name"] for entry in json.loads(done.stdout)]
    assert names == [f"qa.{topic.name}" for topic in TOPICS]


def test_topics_apply_without_a_broker_says_what_to_do(tmp_path: Path) -> None:
    done = _stockfold(tmp_path, "topics", "apply")
    assert done.returncode == 2
    assert "stockfold up" in done.stderr


def test_a_shell_can_complete_commands(tmp_path: Path) -> None:
    asked = {"COMP_WORDS": "stockfold top", "COMP_CWORD": "1"}
    done = _stockfold(tmp_path, _STOCKFOLD_COMPLETE="complete_bash", **asked)
    assert done.stdout.split() == ["topics"], done.stderr
    script = _stockfold(tmp_path, _STOCKFOLD_COMPLETE="source_bash")
    assert "_STOCKFOLD_COMPLETE=complete_bash" in script.stdout, script.stderr


def test_up_refuses_an_api_port_that_is_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = _stockfold(tmp_path, "up", STOCKFOLD_API__PORT=port)
    assert done.returncode == 2
    assert f"port {port} is in use" in done.stderr
    assert "api.port" in done.stderr
