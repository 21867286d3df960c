"""Commands that people copy from pages into a shell."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockfold_services.api.console.shell import command


def test_plain_names_stay_plain() -> None:
    assert command("explain", "SKU-1") == "stockfold explain SKU-1"
    assert command("cases close", "a/1", reason="WHY") == "stockfold cases close --reason=WHY a/1"


def test_a_name_like_an_option_stays_a_name() -> None:
    assert command("explain", "--yes") == "stockfold explain -- --yes"
    assert command("leaks", sku="--yes") == "stockfold leaks --sku=--yes"


@settings(max_examples=200)
@given(st.text(st.characters(categories=["L", "N", "P", "S", "Z"]), min_size=1))
def test_any_printable_name_is_one_word(name: str) -> None:
    words = shlex.split(command("explain", name)) if name.isprintable() else []
    assert not words or words[-1] == name


@pytest.mark.parametrize("name", ["a\nb", "\x1b[2J", "'\\'\x07", "$(id)\t", "\u202e evil \x85"])
def test_control_characters_are_written_out_and_bash_reads_the_same_name(name: str) -> None:
    told = command("explain", name)
    assert told.isprintable()
    read = subprocess.run(
        ["bash", "-c", f"printf %s {told.partition('explain ')[2].removeprefix('-- ')}"],
        capture_output=True,
        check=True,
        env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
    )
    assert read.stdout.decode() == name
