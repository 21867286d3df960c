"""The example of a third party's channel works by its entry point alone, as it would installed."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import orjson
import pytest

EXAMPLE = Path(__file__).parents[2] / "infra" / "examples" / "stockfold-channel-example"
ADAPTER = EXAMPLE / "stockfold_channel_example" / "adapter.py"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with the package's metadata, as an installer writes it."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text("utf-8"))["project"]
    name, version = project["name"].replace("-", "_"), project["version"]
    info = tmp_path / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines))
    return tmp_path


def _stockfold(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(folder), str(EXAMPLE)))
    return subprocess.run(
        [sys.executable, "-m", "stockfold_services.cli.main", *arguments],
        cwd=folder,
        check=False,
        env={"PATH": os.defpath, "HOME": str(folder), "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=240,
    )


def test_the_example_passes_every_scenario_that_applies(installed: Path) -> None:
    done = _stockfold(installed, "channel", "test", "example", "--json")
    assert done.returncode == 0, (done.stdout, done.stderr)
    told = orjson.loads(done.stdout)
    assert told["kind"]["assurance"] == "unverified"
    results = [one["result"] for one in told["scenarios"]]
    assert results.count("pass") > 25
    assert "fail" not in results


def test_settings_take_a_channel_of_its_kind(installed: Path) -> None:
    (installed / "stockfold.toml").write_text(
        """
[[channels]]
name = "market"
kind = "example"
url = "https://market.example"
options = { items_max = 20 }
credentials = { token = "env:MARKET_TOKEN" }
"""
    )
    done = _stockfold(installed, "config", "show", "--json")
    assert done.returncode == 0, done.stderr
    assert "MARKET_TOKEN" in done.stdout


def test_the_adapter_is_as_short_as_the_page_says() -> None:
    body = ADAPTER.read_text("utf-8").partition("class Example")[2]
    assert len([line for line in body.splitlines() if line.strip()]) <= 65
