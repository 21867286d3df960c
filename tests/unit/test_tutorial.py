"""The tutorial's commands and settings are ones that there are."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

from stockfold.runtime.settings import Settings
from stockfold_services.cli.main import app

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "infra/docs/tutorial.md").read_text("utf-8")
BLOCKS = re.findall(r"(?ms)^```(sh|toml)\n(.*?)^```$", PAGE)
COMMANDS = sorted(
    {
        line.partition(" # ")[0].strip()
        for kind, block in BLOCKS
        for line in block.splitlines()
        if kind == "sh" and line.startswith("stockfold ")
    }
)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_is_one_of_ours_with_these_options(line: str) -> None:
    command: Any = typer.main.get_command(app)
    _, *words = shlex.split(line)
    while hasattr(command, "commands"):
        if command.name == "explain" and words[0] not in command.commands:
            words.insert(0, "sku")  # What is explained when nothing is said.
        name = words.pop(0)
        assert name in command.commands, f"there is no {name} in {line}"
        command = command.commands[name]
    options = {option for one in command.params for option in one.opts if option.startswith("-")}
    assert {word for word in words if word.startswith("-")} <= options, line
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    if not any(word.startswith("-") for word in words) and all(a.nargs == 1 for a in arguments):
        assert sum(a.required for a in arguments) <= len(words) <= len(arguments), line


def test_the_settings_of_all_steps_together_are_valid() -> None:
    written = [block for kind, block in BLOCKS if kind == "toml"]
    merged: dict[str, object] = {}
    channel: dict[str, object] = {}
    for block in written:
        told = tomllib.loads(block if "[[" in block else f"[[channels]]\n{block}")
        merged |= {name: value for name, value in told.items() if name != "channels"}
        for part in told.get("channels", []):
            channel |= part
    settings = Settings(**merged, channels=[channel])
    assert settings.channels[0].orders.sweep_every_s == 60
    assert settings.channels[0].orders_since is not None
    assert settings.channels[0].monitor.sku == "CANARY-1"


def test_every_page_and_target_that_it_names_is_there() -> None:
    pages = re.findall(r"\]\(([\w-]+\.md)\)", PAGE)
    assert pages
    assert [page for page in pages if not (ROOT / "infra/docs" / page).exists()] == []
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in set(re.findall(r"(?m)(?:^|`)make ([a-z]+)", PAGE)):
        assert f"\n{target}:" in makefile
