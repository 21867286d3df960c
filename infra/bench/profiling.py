"""``make profile``: where the ledger's loop spends its time, as a flame graph and a table.

py-spy samples the process from outside, so that it runs as it always does; what librdkafka does in
threads of its own is not in it.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from infra.bench.broker import new_broker
from infra.bench.ledger import measure
from rich.console import Console
from rich.table import Table

from stockfold.domain.errors import UnavailableError

RATE = 400
"""Samples a second."""
LOOP = "exactly_once.py"
END_S = 60
TOLD = 30


class Sampler:
    """py-spy beside a process, until that ends."""

    def __init__(self, style: str, out: Path) -> None:
        self._style = style
        self._out = out
        self._child: subprocess.Popen[bytes] | None = None

    def start(self, pid: int) -> None:
        """Sample it. UnavailableError when py-spy is not there."""
        found = Path(sys.executable).with_name("py-spy")
        if not found.exists():
            raise UnavailableError("py-spy is not installed", remedy="Run `make profile`.")
        command = [str(found), "record", "--pid", str(pid), "--rate", str(RATE), "--duration"]
        self._child = subprocess.Popen(  # noqa: S603  (what `make profile` has installed)
            [*command, "unlimited", "--format", self._style, "--output", str(self._out)],
            stdout=subprocess.DEVNULL,
        )

    def end(self) -> None:
        """Wait for what it writes once the process has ended. UnavailableError for nothing."""
        assert self._child is not None, "it was started"
        try:
            self._child.wait(END_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
        if not self._out.exists():
            raise UnavailableError(
                "py-spy could not sample the ledger",
                remedy="Let it trace processes: sysctl kernel.yama.ptrace_scope=0, or as root.",
            )


def shares(folded: str) -> list[tuple[str, float, float]]:
    """(function, share of the loop's samples in itself, with what it calls), the largest first.

    ``folded`` are stacks as flame graphs have them: ``a;b;c 12``.
    """
    own: Counter[str] = Counter()
    within: Counter[str] = Counter()
    total = 0
    for line in folded.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = [_named(frame) for frame in stack.split(";")]
        if not any(LOOP in frame for frame in frames):
            continue
        total += int(count)
        own[frames[-1]] += int(count)
        for frame in set(frames):
            within[frame] += int(count)
    return [(name, count / total, within[name] / total) for name, count in own.most_common()]


def _named(frame: str) -> str:
    """``function (path/file.py:12)`` without its line and its folders."""
    name, _, place = frame.partition(" (")
    return f"{name} ({place.rpartition(':')[0].rpartition('/')[2]})"


def main() -> None:
    """Fold the benchmark's events twice: once for the picture, once for the table."""
    parser = argparse.ArgumentParser(prog="profile", description=__doc__)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--skus", type=int, default=20_000)
    parser.add_argument("--out", type=Path, default=Path("build/ledger.svg"))
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    console = Console()
    folded = options.out.with_suffix(".folded")
    with new_broker() as broker:
        for style, out in (("flamegraph", "ledger.svg"), ("raw", "ledger.folded")):
            sampler = Sampler(style, broker.folder / out)
            settings = broker.for_backlog(f"{style}.")
            row = measure(settings, options.events, options.skus, 1, sampler.start)
            sampler.end()
            console.print(f"{style}: {row['events_per_s']:,.0f} events/s while sampled")
        shutil.copyfile(broker.folder / "ledger.svg", options.out)
        shutil.copyfile(broker.folder / "ledger.folded", folded)
    table = Table(title="The ledger's loop, by function")
    for column in ("function", "itself", "with what it calls"):
        table.add_column(column, justify="left" if column == "function" else "right")
    for name, own, within in shares(folded.read_text())[:TOLD]:
        table.add_row(name, f"{own:.1%}", f"{within:.1%}")
    console.print(table)
    console.print(f"written to {options.out} and {folded}")


if __name__ == "__main__":
    main()
