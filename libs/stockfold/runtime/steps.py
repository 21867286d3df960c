"""Named steps of the services: where a process can be made to die, to stop, or to fail.

``STOCKFOLD_FAULT_STEP=ledger.before_commit:7:kill`` kills the process at the seventh pass of that
step; several orders are separated by commas. Actions are ``kill`` (SIGKILL to itself), ``pause``
(SIGSTOP) and ``fail`` (UnavailableError is raised there). ``STOCKFOLD_FAULT_TRACE`` names a file to
which each step is appended when it is first passed. Without either, a step does nothing at all.

For ``make faults`` alone: never set them where stock is real.
"""

from __future__ import annotations

import logging
import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from stockfold.domain.errors import DefectError, SettingsError, UnavailableError

log = logging.getLogger(__name__)

ORDERS = "STOCKFOLD_FAULT_STEP"
TRACE = "STOCKFOLD_FAULT_TRACE"
ACTIONS = ("kill", "pause", "fail")

LOOP_STEPS = (
    "before_recovery",
    "during_recovery",
    "after_recovery",
    "after_consume",
    "after_begin",
    "after_process",
    "before_send_offsets",
    "after_send_offsets",
    "before_commit",
    "after_commit",
    "after_abort",
)
STEPS: tuple[str, ...] = (
    *(f"ledger.{step}" for step in LOOP_STEPS),
    *(f"availability.{step}" for step in LOOP_STEPS),
    *(f"orders.{step}" for step in LOOP_STEPS),
    *(f"order-answers.{step}" for step in LOOP_STEPS),
    "projector.after_read",
    "projector.after_lock",
    "projector.between_tables",
    "projector.before_commit",
    "projector.after_commit",
    "publisher.after_read",
    "publisher.before_send",
    "publisher.after_send",
    "publisher.before_record",
    "publisher.after_record",
    "publisher.after_commit",
    "snapshotter.before_save",
    "snapshotter.before_rename",
    "snapshotter.after_save",
)
"""Every step there is."""


class Armed:
    """``step`` with orders to carry out. SettingsError when an order makes no sense."""

    def __init__(self, orders: str, trace: str = "") -> None:
        self._orders = dict(_read(order) for order in orders.split(",") if order)
        self._trace = Path(trace) if trace else None
        self._passes: Counter[str] = Counter()

    def __call__(self, name: str) -> None:
        """Pass a step. DefectError when it is not declared."""
        if name not in STEPS:
            raise DefectError(f"step {name} is not declared", remedy="Add it to STEPS.")
        self._passes[name] += 1
        nth = self._passes[name]
        if nth == 1 and self._trace is not None:
            with self._trace.open("a", encoding="utf-8") as out:
                out.write(f"{name}\n")
        action = self._orders.get((name, nth))
        if action is not None:
            log.warning("%s at pass %d of %s, as ordered", action, nth, name)
            _carry_out(action, name)


def _read(order: str) -> tuple[tuple[str, int], str]:
    name, _, rest = order.partition(":")
    nth, _, action = rest.partition(":")
    if name not in STEPS or not nth.isdecimal() or int(nth) < 1 or action not in ACTIONS:
        raise SettingsError(
            f"{order!r} is no order for a step",
            where=ORDERS,
            remedy="Write NAME:N:ACTION, such as ledger.before_commit:7:kill; "
            "stockfold.runtime.steps lists the names.",
        )
    return (name, int(nth)), action


def _carry_out(action: str, name: str) -> None:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "pause":
        os.kill(os.getpid(), signal.SIGSTOP)
    else:
        raise UnavailableError(f"failed at {name}, as ordered", where=ORDERS, remedy="Unset it.")


def _unarmed(name: str) -> None:
    """Pass a step, with nothing to do."""


def armed_by(environ: Mapping[str, str]) -> Callable[[str], None]:
    """``step`` as the environment wants it."""
    orders, trace = environ.get(ORDERS, ""), environ.get(TRACE, "")
    return Armed(orders, trace) if orders or trace else _unarmed


step: Callable[[str], None] = armed_by(os.environ)
"""Pass a step by its name; costs as much as calling an empty function unless armed."""
