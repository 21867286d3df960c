"""``python -m tests.inflight --histories 10000``: orders on their way, in random histories."""

from __future__ import annotations

import argparse
import sys
import time

from rich.progress import track

from tests.inflight.world import Result, World


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    args = parser.parse_args()
    total, began_s = Result(), time.monotonic()
    for seed in track(range(args.first, args.first + args.histories), "histories"):
        one = World(seed).run()
        one.not_converged = [f"seed {seed}: {text}" for text in one.not_converged]
        if one.resurrected or one.without_cause:
            print(f"seed {seed}: {one}")  # noqa: T201
        total.add(one)
    print(report(total, time.monotonic() - began_s))  # noqa: T201
    return 1 if total.resurrected or total.without_cause or total.not_converged else 0


def report(total: Result, took_s: float) -> str:
    """What the histories came to."""
    rate = 100 * total.in_window / max(total.units_sold, 1)
    written = f"{total.writes:,} items written, {total.skipped:,} spared by a reading"
    amidst = f"{total.in_window:,} units ({rate:.2f} % of all sold)"
    lines = [
        f"{total.histories:,} histories in {took_s:.0f} s, {total.units_sold:,} units sold",
        f"{written}, {total.reads:,} questions",
        f"put back on sale, ordered before the question: {total.resurrected:,} units",
        f"kept off sale without a cause: {total.without_cause:,} units",
        f"put back on sale, ordered after it: {amidst} in {total.writes_in_window:,} items",
        f"converged only by a reconciliation, after a kill: {total.reconciled:,}",
        f"not converged: {len(total.not_converged):,}",
        *total.not_converged[:20],
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
