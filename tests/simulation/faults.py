"""What goes wrong in one history: drawn from its seed, a few faults, each at a call into a client.

A fault waits for the n-th call of one name by one process, counted over all of its lives.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

# Calls and how often faults choose them: most often where a transaction can be torn.
CALLS = {
    "init_transactions": 2,
    "begin_transaction": 2,
    "produce": 6,
    "send_offsets": 6,
    "commit": 10,
    "abort": 2,
    "consume": 4,
    "committed": 2,
    "list_offsets": 2,
    "close": 1,
}
CALLS_SEEN = {
    "produce": 60,
    "consume": 60,
    "commit": 12,
    "send_offsets": 12,
    "begin_transaction": 12,
}
PAUSES_S = (0.3, 2.0, 4.9, 5.5, 6.5, 8.0, 13.0, 25.0)
RESTARTS_S = (0.1, 0.1, 1.0, 5.0, 7.0, 12.0)
OUTAGES_S = (0.5, 3.0, 7.0, 35.0)
HOUR_S = 3_600.0
CLOCK_STEPS_S = (-24 * HOUR_S, -HOUR_S, -30.0, -0.5, 0.5, 30.0, HOUR_S, 24 * HOUR_S)
KINDS = {
    "kill before": 5,
    "kill after": 6,
    "stop before": 3,
    "stop after": 4,
    "lose request": 3,
    "lose reply": 4,
    "late request": 3,
    "outage": 2,
    "clock": 2,
    "leave": 1,
    "deaf": 1,
}
ON_THE_WIRE = ("init_transactions", "send_offsets", "commit", "abort")
"""Calls whose request or reply can be lost."""


class Fault(NamedTuple):
    """One thing that goes wrong. ``amount`` is in seconds."""

    process: str
    call: str
    nth: int
    kind: str
    amount: float

    def __str__(self) -> str:
        return f"{self.kind} at call {self.nth} of {self.call} ({self.amount} s)"


def draw(random: Random, processes: Sequence[str]) -> list[Fault]:
    """The faults of a history: none in one of twelve, else one to six."""
    if random.random() < 0.05:
        return _everybody_leaves(random, processes)
    count = random.choice((0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 6))
    return [_draw_one(random, random.choice(processes)) for _ in range(count)]


def _everybody_leaves(random: Random, processes: Sequence[str]) -> list[Fault]:
    """A ledger sleeps in a transaction while the others take over, and are gone when it wakes.

    Nobody is left in the group then who could contradict it.
    """
    first, *others = sorted({name for name in processes if name.startswith("ledger")})
    inside = random.choice(("begin_transaction", "produce"))
    return [
        Fault(first, inside, random.randint(1, 4), "stop after", 25.0),
        *(Fault(other, "commit", random.randint(1, 4), "kill after", 40.0) for other in others),
    ]


def _draw_one(random: Random, process: str) -> Fault:
    kind = random.choices(list(KINDS), list(KINDS.values()))[0]
    calls = dict.fromkeys(ON_THE_WIRE, 1) | {"commit": 4, "send_offsets": 2}
    if kind not in {"lose request", "lose reply", "late request"}:
        calls = CALLS
    call = random.choices(list(calls), list(calls.values()))[0] if kind != "deaf" else "consume"
    nth = random.randint(1, CALLS_SEEN.get(call, 3))
    if "kill" in kind or kind == "leave":
        amount = random.choice(RESTARTS_S)
    elif kind == "outage":
        amount = random.choice(OUTAGES_S)
    elif kind == "clock":
        amount = random.choice(CLOCK_STEPS_S)
    elif kind == "late request":
        amount = random.choice((0.05, 1.0, 4.0))
    else:
        amount = random.choice(PAUSES_S)
    return Fault(process, call, nth, kind, amount)


class Plan:
    """Which faults are still to come, and how many calls of each kind a process has made."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._waiting: dict[tuple[str, str], list[Fault]] = {}
        for fault in faults:
            self._waiting.setdefault((fault.process, fault.call), []).append(fault)
        self._calls: dict[tuple[str, str], int] = {}
        self.happened: list[Fault] = []

    def next(self, process: str, call: str) -> Fault | None:
        """The fault that this call meets."""
        key = (process, call)
        waiting = self._waiting.get(key)
        if not waiting:
            return None
        count = self._calls[key] = self._calls.get(key, 0) + 1
        for fault in waiting:
            if fault.nth == count:
                self.happened.append(fault)
                return fault
        return None
