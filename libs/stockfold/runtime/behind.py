"""Letting others of this machine go first: for what catches up, and nobody waits for."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_GROUP = Path("/proc/self/autogroup")
"""Linux may share out the cores by sessions first; niceness then counts within: sched(7)."""


def go_behind_others(niceness: int) -> None:
    """Have at least this niceness: the calling thread and those it starts; elsewhere the process.

    Whoever leads a session, as everything does that `stockfold up` starts, takes it along.
    """
    if not hasattr(os, "setpriority"):
        return  # Windows.
    before = os.getpriority(os.PRIO_PROCESS, 0)
    os.setpriority(os.PRIO_PROCESS, 0, max(niceness, before))
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):  # Not every kernel has it.
            _GROUP.write_text(str(max(niceness, before)))
