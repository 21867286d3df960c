"""Asking before something is changed: at a real terminal, and where there is none."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

ASK = (
    "from stockfold_services.cli.confirm import confirm; "
    "confirm('Delete it all?', {yes}); print('went on')"
)


def asked(answer: str | None, *, yes: bool = False) -> subprocess.CompletedProcess[str]:
    """Ask in a process whose standard input is a terminal, or a pipe when there is no answer."""
    ours, theirs = pty.openpty()
    try:
        if answer is not None:
            os.write(ours, answer.encode())
        return subprocess.run(
            [sys.executable, "-c", ASK.format(yes=yes)],
            check=False,
            stdin=subprocess.DEVNULL if answer is None else theirs,
            capture_output=True,
            text=True,
            timeout=60,
        )
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(("answer", "goes_on"), [("y\n", True), ("n\n", False)])
def test_a_person_at_a_terminal_is_asked_and_obeyed(answer: str, goes_on: bool) -> None:
    done = asked(answer)
    assert "Delete it all?" in done.stdout + done.stderr
    assert ("went on" in done.stdout, done.returncode == 0) == (goes_on, goes_on)


def test_where_nobody_can_be_asked_nothing_is_done() -> None:
    done = asked(None)
    assert "nobody can be asked: Delete it all?" in done.stderr
    assert ("went on" in done.stdout, done.returncode == 0) == (False, False)


def test_who_has_said_yes_is_not_asked() -> None:
    done = asked(None, yes=True)
    assert (done.stdout, done.returncode) == ("went on\n", 0)
