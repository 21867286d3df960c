"""``make simulate``: replay the history of one seed with its trace, or run many.

python -m tests.simulation --seed N | --histories N [--first N] [--orders]
"""

from __future__ import annotations

import argparse
import sys
import traceback

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .faults import Fault
from .history import History
from .oracle import judge
from .orders import OrderHistory

FAILURES_MAX = 10
console = Console(soft_wrap=True, highlight=False)


def problem_of(history: History) -> AssertionError | None:
    """What is wrong with a history, if anything."""
    try:
        judge(history.run())
    except AssertionError as error:
        return error
    return None


def replay(seed: int) -> int:
    """Show what happened in the history of a seed, and where it differs; the exit code."""
    history = History(seed)
    history.world.is_verbose = True
    problem = problem_of(history)
    console.print(
        f"seed {seed}: {history.partitions} partitions, {len(history.sender.sent)} inputs, "
        f"{len(history.processes)} processes, {len(history.plan.happened)} faults happened"
    )
    for at_s, who, what in history.world.trace:
        console.print(f"{at_s:10.3f} s  {who:<24} {what}", markup=False)
    if problem is None:
        console.print(f"{history.world.now_s:10.3f} s  everything agrees")
        return 0
    console.print(f"it differs: {problem}", style="red", markup=False)
    if problem.__cause__ is not None:
        traceback.print_exception(problem.__cause__)
    needed = fewest(seed, history.plan.happened)
    console.print("it takes no more than these faults:" if needed else "it takes no fault at all")
    for fault in needed:
        console.print(f"  {fault.process}: {fault}", markup=False)
    return 1


def replay_orders(seed: int) -> int:
    """The same of a history of orders."""
    history = OrderHistory(seed)
    history.world.is_verbose = True
    problem = problem_of_orders(history)
    for at_s, who, what in history.world.trace:
        console.print(f"{at_s:10.3f} s  {who:<24} {what}", markup=False)
    console.print(f"it differs: {problem}" if problem else "everything agrees", markup=False)
    return 1 if problem else 0


def problem_of_orders(history: OrderHistory) -> AssertionError | None:
    """What is wrong with a history of orders, if anything."""
    try:
        history.run()
    except AssertionError as error:
        return error
    return None


def fewest(seed: int, faults: list[Fault]) -> list[Fault]:
    """Leave out one fault after the other as long as something still differs."""
    needed = list(faults)
    for fault in faults:
        fewer = [other for other in needed if other is not fault]
        if problem_of(History(seed, plan=fewer)) is not None:
            needed = fewer
    return needed


def run_many(first: int, count: int, *, orders: bool) -> int:
    """Run many histories; the exit code."""
    failed = []
    columns = (TextColumn("histories"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=count)
        for seed in range(first, first + count):
            problem = problem_of_orders(OrderHistory(seed)) if orders else problem_of(History(seed))
            progress.advance(task)
            if problem is not None:
                failed.append(seed)
                progress.console.print(f"seed {seed}: {problem}", style="red", markup=False)
                again = " ORDERS=1" if orders else ""
                progress.console.print(f"  make simulate SEED={seed}{again}")
                if len(failed) == FAILURES_MAX:
                    break
    console.print(f"{count} histories from seed {first}: {len(failed)} differ")
    return 1 if failed else 0


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--seed", type=int, help="replay this one, with its trace")
    which.add_argument("--histories", type=int, help="run so many")
    parser.add_argument("--first", type=int, default=0, help="first seed of many")
    parser.add_argument("--orders", action="store_true", help="histories of orders")
    given = parser.parse_args()
    if given.seed is not None:
        sys.exit(replay_orders(given.seed) if given.orders else replay(given.seed))
    sys.exit(run_many(given.first, given.histories, orders=given.orders))


if __name__ == "__main__":
    main()
