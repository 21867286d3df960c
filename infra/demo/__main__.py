"""``python -m infra.demo``: real orders through the whole of stockfold, and the proof."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path

from infra.demo.dataset import LINES_ALL
from infra.demo.plan import Plan
from infra.demo.run import started
from infra.demo.screen import Screen

from stockfold.domain.errors import StockfoldError
from stockfold.runtime import logs
from stockfold_services.cli.running import interrupt_once

DIFFERS = 1
INTERRUPTED = 130


def _lines(text: str) -> int | None:
    if text == "all":
        return None
    count = int(text)
    if not 1 <= count <= LINES_ALL:
        raise argparse.ArgumentTypeError(f"1 to {LINES_ALL}, or all")
    return count


def plan_of(arguments: list[str]) -> tuple[Plan, bool]:
    """The plan that the command line asks for, and whether to stop after the summary."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.demo",
        description="Feeds real order lines of 2017 to stockfold and proves its numbers.",
    )
    parser.add_argument(
        "--lines", type=_lines, default=20_000, metavar="N", help="how many, or all (20000)"
    )
    parser.add_argument("--exit", action="store_true", help="stop after the summary")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is derived (1)")
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="data folder (.data/demo-N-seedS)"
    )
    parser.add_argument("--api-port", type=int, metavar="PORT", help="of the API (8080, or free)")
    given = parser.parse_args(arguments)
    return Plan(given.lines, given.seed, given.data_dir, given.api_port), given.exit


def last_words(folder: Path) -> list[tuple[str, str]]:
    """Why services ended, from their logs: (name, message) of those whose last line tells."""
    words = []
    for path in sorted(folder.glob("*.log")):
        lines = path.read_text("utf-8", "replace").splitlines()
        try:
            last = json.loads(lines[-1]) if lines else {}
        except ValueError:
            continue
        if last.get("level") == "critical":
            words.append((path.stem, str(last.get("message"))))
    return words


def main(arguments: list[str] | None = None) -> int:
    """Run; the exit code. 1 when anything differs, an error's own code when it cannot go on."""
    plan, leave = plan_of(sys.argv[1:] if arguments is None else arguments)
    screen = Screen()
    logs.configure("demo")
    logging.getLogger().setLevel(logging.WARNING)
    interrupt_once()
    report = None
    try:
        with started(plan, screen) as demo:
            report = demo.report()
            screen.summary(report)
            if not leave:
                screen.stays()
                demo.running.wait()
    except StockfoldError as error:
        screen.failed(str(error))
        for name, sentence in last_words(plan.folder / "logs"):
            screen.failed(f"{name} says: {sentence}")
        screen.hint(f"To begin anew, remove {plan.folder}")
        return error.exit_code
    except KeyboardInterrupt:
        screen.stopping()
    if report is None:
        return INTERRUPTED
    return 0 if report.holds else DIFFERS


if __name__ == "__main__":
    sys.exit(main())
