"""Run the scenarios; a table, ``build/faults.json``, and exit code 1 when anything differs."""

from __future__ import annotations

import argparse
import json
import logging
import secrets
import sys
import time
from pathlib import Path

from rich.console import Console

from stockfold.runtime.steps import STEPS
from stockfold_services.cli.running import interrupt_once
from tests.faults.checks import judge
from tests.faults.outcome import Outcome
from tests.faults.report import shown, summary
from tests.faults.scenarios import SCENARIOS
from tests.faults.site import LOGS, STEPS_PASSED, Servers, servers

JSON = Path("build/faults.json")
REPORT_WIDTH = 120


def main() -> int:
    """The exit code: 0 when everything holds."""
    given = _arguments()
    console = Console(highlight=False, width=max(Console().width, REPORT_WIDTH))
    names = given.only.split(",") if given.only else list(SCENARIOS)
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        console.print(f"there is no scenario {unknown[0]}; there are: {', '.join(SCENARIOS)}")
        return 2
    interrupt_once()
    logging.basicConfig(level=logging.CRITICAL)
    LOGS.mkdir(parents=True, exist_ok=True)
    STEPS_PASSED.unlink(missing_ok=True)
    console.print(f"seed {given.seed}; again: make faults KILLS={given.kills} SEED={given.seed}")
    outcomes: list[Outcome] = []
    try:
        with servers() as both:
            for name in names:
                outcomes.append(run(both, name, given.seed, given.kills))
                console.print(shown(outcomes[-1]))
    except KeyboardInterrupt:
        console.print("stopped")
        return 130
    passed = set(STEPS_PASSED.read_text("utf-8").split()) if STEPS_PASSED.exists() else set()
    console.print(summary(outcomes))
    console.print(f"{len(passed)} of {len(STEPS)} named steps passed")
    missing = [] if given.only else sorted(set(STEPS) - passed)
    if missing:
        console.print(f"  ! never passed: {', '.join(missing)}")
    document = {
        "scenarios": [outcome.as_json() for outcome in outcomes],
        "steps": {"declared": list(STEPS), "passed": sorted(passed)},
    }
    JSON.write_text(json.dumps(document, indent=1), "utf-8")
    return 0 if all(outcome.holds for outcome in outcomes) and not missing else 1


def run(both: Servers, name: str, seed: int, kills: int) -> Outcome:
    """One scenario, judged."""
    began = time.monotonic()
    outcome = Outcome(name, seed, kills)
    with outcome.guarded():
        SCENARIOS[name](both, outcome)
    with outcome.guarded():
        both.start()  # Whatever the scenario did to the servers, the next one finds them running.
    evidence = outcome.evidence
    if evidence is not None:
        outcome.events = len(evidence.acknowledged)
        with outcome.guarded():
            outcome.verdict = judge(evidence)
    elif not outcome.verdict:
        outcome.demand(False, "there is no evidence")
    outcome.evidence = None
    outcome.seconds = time.monotonic() - began
    return outcome


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="kill -9 in the scenario kills")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--only", default="", help=", ".join(SCENARIOS))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
