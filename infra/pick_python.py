"""Which Python to make the virtual environment with: the fastest that fits, of those on the PATH.

The same ledger takes 15 to 19 % less CPU on a Python that was built with profiles than on one that
was not (decision record 33), and a PATH often has both. No variable of the build tells them apart
for certain, so they are timed: a few hundredths of a second each. Run by any Python from 3.9 on.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("python3", "python3.13", "python3.12", "python3.11", "python")
TRY_S_MAX = 20
MARGIN = 0.95
"""A later one must be faster by more than the noise of a timing."""

TIMED = """
import sys, time, venv, ensurepip
if not (3, 11) <= sys.version_info[:2] <= (3, 13) or sys.prefix != sys.base_prefix:
    raise SystemExit(1)
def work():
    kept = {}
    for number in range(6000):
        key = f"SKU-{number % 97}"
        row = kept.get(key)
        if row is None:
            row = kept[key] = [0, b""]
        row[0] += number >> 1 ^ -(number & 1)
        row[1] = b"".join((key.encode(), bytes((number & 127,))))
least = 9.0
for _ in range(12):
    began = time.perf_counter()
    work()
    least = min(least, time.perf_counter() - began)
print(least)
"""


def candidates(path: str) -> Iterator[str]:
    """Every Python on a PATH, in its order, each once."""
    seen = set()
    for folder in path.split(os.pathsep):
        for name in NAMES:
            found = Path(folder or ".") / name
            if os.access(found, os.X_OK) and found.is_file():
                real = found.resolve()
                if real not in seen:
                    seen.add(real)
                    yield str(found)


def seconds(python: str) -> float | None:
    """How long a fixed piece of work takes it; None for a Python that does not fit."""
    try:
        done = subprocess.run(  # noqa: S603 - what `make` would run
            [python, "-I", "-c", TIMED], capture_output=True, timeout=TRY_S_MAX, check=True
        )
        return float(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def pick(path: str) -> str | None:
    """The fastest that fits; the first of those that are alike; None for none."""
    best, least = None, float("inf")
    for python in candidates(path):
        took = seconds(python)
        if took is not None and took < least * MARGIN:
            best, least = python, took
    return best


if __name__ == "__main__":
    picked = pick(os.environ.get("PATH", ""))
    if picked is None:
        raise SystemExit(1)
    sys.stdout.write(picked + "\n")
