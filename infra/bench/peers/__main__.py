"""``python -m infra.bench.peers``: the race alone; a table, build/bench.json, build/race.svg."""

from __future__ import annotations

import argparse
from pathlib import Path

from infra.bench.peers import race
from infra.bench.results import RESULTS, keep
from rich.console import Console


def main() -> None:
    """Race, and put the figures beside those of other benchmarks."""
    parser = argparse.ArgumentParser(prog="bench.peers", description=__doc__)
    parser.add_argument("--out", type=Path, default=RESULTS)
    race.add_options(parser)
    options = parser.parse_args()
    found = race.run(Console(), options)
    keep(options.out, race=found)


if __name__ == "__main__":
    main()
