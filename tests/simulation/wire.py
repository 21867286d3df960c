"""The way of one process to the broker, and what befalls its calls.

Each call is a place where the process may be killed or stopped, before or after its effect, where a
request or its reply may be lost, and where other processes may run meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import KafkaError

from .faults import Fault, Plan
from .kafka_group import Group
from .kafka_log import Log, kafka_error
from .world import Branch, Life


class Wire:
    """The way of one process to the broker, with what the plan does to its calls."""

    def __init__(self, life: Life, log: Log, groups: Mapping[str, Group], plan: Plan) -> None:
        self.life, self.log, self.groups, self.plan = life, log, groups, plan
        self.world = life.world
        self.in_transaction = False
        self.behind: Branch | None = None
        """What goes on beside the process, or last did."""
        self.is_deaf = False
        """Whether the group's consumer delivers nothing more, without any error."""

    def is_busy(self) -> bool:
        """Whether a batch that was decided is not committed yet."""
        return self.in_transaction or (self.behind is not None and not self.behind.done())

    def call(self, name: str, effect: Callable[[], Any], timeout_s: float = 30.0) -> Any:
        """Make a call whose effect happens at the broker, with whatever befalls it."""
        life, fault = self.life, self._begin(name)
        if self.world.now_s < self.world.broker_back_s:
            self._wait_for_broker(name, timeout_s)
        if fault is not None:
            if fault.kind == "lose request":
                life.sleep(timeout_s)
                raise kafka_error(KafkaError._TIMED_OUT, f"{name}: no answer, it never arrived")
            if fault.kind == "late request":
                self.world.at(timeout_s + fault.amount, lambda: self._late(name, effect))
                life.sleep(timeout_s)
                raise kafka_error(KafkaError._TIMED_OUT, f"{name}: no answer, it is under way")
        result = effect()
        if self.world.is_verbose:
            self.world.tell(life.name, name)
        if fault is not None and fault.kind == "lose reply":
            life.sleep(timeout_s)
            raise kafka_error(KafkaError._TIMED_OUT, f"{name}: it happened, the answer was lost")
        self._end(fault)
        return result

    def local(self, name: str) -> None:
        """A call that does not reach the broker."""
        self._end(self._begin(name))

    def _late(self, name: str, effect: Callable[[], Any]) -> None:
        """A request arrives long after its sender has given up on it."""
        try:
            effect()
        except Exception as error:  # noqa: BLE001  (nobody is there to hear it)
            self.world.tell("broker", f"refuses a late {name} of {self.life.name}: {error}")
        else:
            self.world.tell("broker", f"accepts a late {name} of {self.life.name}")

    def _begin(self, name: str) -> Fault | None:
        life = self.life
        life.alive()
        fault = self.plan.next(life.name, name)
        if fault is None:
            return None
        self.world.tell(life.name, f"meets: {fault}")
        match fault.kind:
            case "kill before":
                life.kill(fault.amount)
            case "stop before":
                life.pause(fault.amount)
            case "outage":
                self.world.broker_back_s = self.world.now_s + fault.amount
            case "clock":
                self._set_clock(fault.amount)
            case "deaf":
                self.is_deaf = True
            case "leave":
                life.leave(fault.amount)
        return fault

    def _set_clock(self, seconds: float) -> None:
        """Set the ledgers' wall clock wrong, and right again after a while."""
        world = self.world
        world.clock_error_us += int(seconds * 1_000_000)

        def correct() -> None:
            world.clock_error_us -= int(seconds * 1_000_000)
            world.tell("clock", "is set right again")

        world.at(world.random.choice((0.5, 3.0, 12.0)), correct)

    def _end(self, fault: Fault | None) -> None:
        if fault is not None:
            if fault.kind == "kill after":
                self.life.kill(fault.amount)
            elif fault.kind == "stop after":
                self.life.pause(fault.amount)
        self.life.maybe_switch()

    def _wait_for_broker(self, name: str, timeout_s: float) -> None:
        wait_s = self.world.broker_back_s - self.world.now_s
        self.life.sleep(min(wait_s, timeout_s))
        if wait_s > timeout_s:
            raise kafka_error(KafkaError._TIMED_OUT, f"{name}: the broker is not there")
