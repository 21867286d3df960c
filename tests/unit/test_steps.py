"""The named steps: every declared one is in the code, every one in the code is declared."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stockfold.domain.errors import DefectError, SettingsError, UnavailableError
from stockfold.runtime import steps
from stockfold.runtime.steps import LOOP_STEPS, STEPS, Armed, armed_by

ROOT = Path(__file__).parents[2]
SCRIPT = "from stockfold.runtime.steps import step\nstep('ledger.after_begin')\nprint('passed')"


def passed_in_code() -> Iterator[str]:
    """The literal argument of every ``step(...)`` and ``self._pass(...)`` call."""
    for folder in ("libs/stockfold", "services/stockfold_services"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.name == "steps.py":
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(node, ast.Call) or not node.args:
                    continue
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                argument = node.args[0]
                if name in ("step", "_pass") and isinstance(argument, ast.Constant):
                    assert isinstance(argument.value, str)
                    yield argument.value


def test_every_declared_step_is_in_the_code_and_every_step_in_the_code_is_declared() -> None:
    found = set(passed_in_code())
    loop = {name for name in found if "." not in name}
    assert loop == set(LOOP_STEPS)
    loops = ("ledger.", "availability.", "orders.", "order-answers.")
    whole = {name for name in STEPS if not name.startswith(loops)}
    assert found - loop == whole


def test_a_step_costs_nothing_unless_it_is_armed() -> None:
    step = armed_by({})
    assert step("no such step") is None  # Not even its name is looked at.


def test_an_undeclared_step_is_a_defect_when_armed() -> None:
    with pytest.raises(DefectError):
        Armed("ledger.after_begin:1:fail")("ledger.after_lunch")


def test_an_order_is_carried_out_at_its_pass_and_at_no_other() -> None:
    step = Armed("ledger.after_begin:2:fail,ledger.after_abort:1:fail")
    step("ledger.after_begin")
    with pytest.raises(UnavailableError):
        step("ledger.after_begin")
    step("ledger.after_begin")
    with pytest.raises(UnavailableError):
        step("ledger.after_abort")


@pytest.mark.parametrize(
    "order",
    ["ledger.after_begin", "ledger.after_lunch:1:kill", "ledger.after_begin:0:kill",
     "ledger.after_begin:x:kill", "ledger.after_begin:1:sing"],
)  # fmt: skip
def test_an_order_that_makes_no_sense_is_refused(order: str) -> None:
    with pytest.raises(SettingsError):
        Armed(order)


def test_each_step_is_traced_once(tmp_path: Path) -> None:
    step = armed_by({steps.TRACE: str(tmp_path / "trace")})
    for name in ("ledger.after_begin", "ledger.after_begin", "ledger.after_commit"):
        step(name)
    assert (tmp_path / "trace").read_text() == "ledger.after_begin\nledger.after_commit\n"


def test_a_kill_is_a_sigkill() -> None:
    environ = {**os.environ, steps.ORDERS: "ledger.after_begin:1:kill"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environ, capture_output=True, check=False, timeout=30
    )
    assert done.returncode == -signal.SIGKILL
    assert b"passed" not in done.stdout


def test_a_pause_waits_for_a_sigcont() -> None:
    environ = {**os.environ, steps.ORDERS: "ledger.after_begin:1:pause"}
    child = subprocess.Popen([sys.executable, "-c", SCRIPT], env=environ, stdout=subprocess.PIPE)
    try:
        _, status = os.waitpid(child.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        child.send_signal(signal.SIGCONT)
        said, _ = child.communicate(timeout=30)
        assert said == b"passed\n"
    finally:
        child.kill()
        child.wait()
