"""Which Python to make the virtual environment with: the fastest that fits, of those on the PATH.

The same ledger takes 15 to 19 % less CPU on a Python that was built with profiles than on one that
was not (decision record 33), and a PATH often has both. No variable of the build tells them apart
for certain, so they are timed: a few hundredths of a second each. Run by any Python from 3.9 on;
with a Python as its argument it only tells whether that one fits.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("python3", "python3.13", "python3.12", "python3.11", "python")
TRY_S_MAX = 20
MARGIN = 0.95
"""A later one must be faster by more than the noise of a timing."""

FITS = """
import sys, venv, ensurepip
if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    raise SystemExit(1)
"""

TIMED = """
import time
if sys.prefix != sys.base_prefix:
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


def fits(python: str) -> bool:
    """Whether a virtual environment of ours can be made with it."""
    return _told(python, FITS) is not None


def seconds(python: str) -> float | None:
    """How long a fixed piece of work takes it; None for one that does not fit or is no base."""
    try:
        return float(_told(python, FITS + TIMED) or b"")
    except ValueError:
        return None


def _told(python: str, script: str) -> bytes | None:
    try:
        return subprocess.run(  # noqa: S603 - what `make` would run
            [python, "-I", "-c", script], capture_output=True, timeout=TRY_S_MAX, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None


def pick(path: str) -> str | None:
    """The fastest that fits; the first of those that are alike; None for none."""
    best, least = None, float("inf")
    for python in candidates(path):
        took = seconds(python)
        if took is not None and took < least * MARGIN:
            best, least = python, took
    return best


def main(asked: str | None) -> int:
    """Print the one asked about, if it fits, or the one picked; 1 for none."""
    if asked is None:
        found = pick(os.environ.get("PATH", ""))
    else:
        found = shutil.which(asked) if fits(asked) else None
    if found is None:
        return 1
    sys.stdout.write(found + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:2] or (None,)))
