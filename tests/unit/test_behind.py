"""Who catches up goes behind the other processes of its machine."""

from __future__ import annotations

import subprocess
import sys

_TELL = """
import os, pathlib
from stockfold.runtime.behind import go_behind_others
go_behind_others(11)
go_behind_others(3)
group = pathlib.Path("/proc/self/autogroup")
told = group.read_text().split() if group.exists() else []  # Empty: no group of its own.
print(os.getpriority(os.PRIO_PROCESS, 0), told[-1] if told else "none")
"""


def _told(*, leads: bool) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", _TELL],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        start_new_session=leads,
    )
    return done.stdout.split()


def test_it_goes_behind_and_never_before_where_it_was() -> None:
    assert _told(leads=False)[0] == "11"


def test_whoever_leads_a_session_takes_it_along() -> None:
    niceness, group = _told(leads=True)
    assert niceness == "11"
    assert group in ("11", "none")
