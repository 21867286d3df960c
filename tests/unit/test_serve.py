"""How a service runs as a process of its own."""

from __future__ import annotations

import subprocess
import sys

_KEEPS = """
import gc
from stockfold.runtime import serve
before = len(gc.get_objects())
serve.keep_what_is_imported()
assert gc.get_freeze_count() >= before * 0.9, gc.get_freeze_count()
assert len(gc.get_objects()) < before * 0.1, len(gc.get_objects())
cycle = []
cycle.append(cycle)
del cycle
assert gc.collect() > 0
"""


def test_the_collector_passes_over_what_was_imported_and_still_finds_what_comes_after() -> None:
    # In a process of its own: what is kept is kept for its life.
    done = subprocess.run(
        [sys.executable, "-c", _KEEPS], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
