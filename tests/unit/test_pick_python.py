"""Which Python the virtual environment is made with."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from infra.pick_python import candidates, fits, main, pick, seconds


def a_python(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    made = folder / name
    made.write_text(f"#!/bin/sh\n{script}\n")
    made.chmod(0o755)
    return made


def path_of(*folders: Path) -> str:
    return os.pathsep.join(str(folder) for folder in folders)


def test_the_fastest_is_picked_wherever_it_stands_on_the_path(tmp_path: Path) -> None:
    a_python(tmp_path / "a", "python3", "echo 0.0030")
    fast = a_python(tmp_path / "b", "python3", "echo 0.0020")
    assert pick(path_of(tmp_path / "a", tmp_path / "b")) == str(fast)


def test_of_those_that_are_alike_the_first_is_picked(tmp_path: Path) -> None:
    first = a_python(tmp_path / "a", "python3", "echo 0.00200")
    a_python(tmp_path / "b", "python3.12", "echo 0.00195")
    assert pick(path_of(tmp_path / "a", tmp_path / "b")) == str(first)


def test_one_that_does_not_fit_or_does_not_run_is_passed_over(tmp_path: Path) -> None:
    a_python(tmp_path / "a", "python3", "exit 1")
    a_python(tmp_path / "a", "python3.13", "echo no number")
    slow = a_python(tmp_path / "a", "python3.11", "echo 0.9")
    assert pick(path_of(tmp_path / "a")) == str(slow)


def test_where_none_fits_none_is_picked(tmp_path: Path) -> None:
    a_python(tmp_path / "a", "python3", "exit 1")
    assert pick(path_of(tmp_path / "a", tmp_path / "missing")) is None


def test_a_python_that_has_several_names_is_timed_once(tmp_path: Path) -> None:
    made = a_python(tmp_path / "a", "python3.11", "echo 1")
    (tmp_path / "a" / "python3").symlink_to(made)
    assert list(candidates(path_of(tmp_path / "a", tmp_path / "a"))) == [
        str(tmp_path / "a" / "python3")
    ]


def test_the_python_of_this_virtual_environment_is_no_ground_for_another() -> None:
    inside = sys.prefix != sys.base_prefix
    assert (seconds(sys.executable) is None) is inside


def test_one_that_was_asked_for_is_told_when_it_fits_and_only_then(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = a_python(tmp_path / "a", "python3", "exit 1")
    assert fits(sys.executable)
    assert not fits(str(old))
    assert main(sys.executable) == 0
    assert capsys.readouterr().out == f"{sys.executable}\n"
    assert main(str(old)) == 1
    assert capsys.readouterr().out == ""
