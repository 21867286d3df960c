"""The supervisor: restarts with bounded back-off, and stops everything."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from stockfold.domain.errors import DefectError, SettingsError, UnavailableError
from stockfold.runtime.clock import ManualClock
from stockfold.runtime.supervisor import Backoff, Supervisor

SECOND_US = 1_000_000


class FakeServer:
    """A server that ends when told, and writes down what is asked of it."""

    def __init__(self, name: str, history: list[str]) -> None:
        self.name = name
        self.history = history
        self.running = False
        self.exit_code: int | None = None
        self.refuse: Exception | None = None

    def start(self) -> str:
        self.history.append(f"start {self.name}")
        if self.refuse:
            raise self.refuse
        self.running = True
        return "1"

    def stop(self) -> None:
        self.history.append(f"stop {self.name}")
        self.running = False

    def is_running(self) -> bool:
        return self.running

    def end(self, exit_code: int) -> None:
        self.running = False
        self.exit_code = exit_code


class Scene:
    """A supervisor over fakes, with a clock that only moves when told."""

    def __init__(self, *names: str) -> None:
        self.history: list[str] = []
        self.clock = ManualClock()
        self.servers = {name: FakeServer(name, self.history) for name in names}
        for server in self.servers.values():
            server.start()
        self.history.clear()
        self.supervisor = Supervisor(
            list(self.servers.items()),
            Backoff(first_s=1, longest_s=4, starts_max=5, healthy_s=60),
            self.clock,
        )

    def pass_s(self, seconds: float) -> None:
        self.clock.advance_us(int(seconds * SECOND_US))
        self.supervisor.look()


def test_a_process_that_ends_is_started_again_after_its_wait() -> None:
    scene = Scene("ledger", "services")
    scene.servers["ledger"].end(1)
    scene.pass_s(0)
    assert scene.history == []
    scene.pass_s(1)
    assert scene.history == ["start ledger"]


def test_the_wait_doubles_up_to_its_bound() -> None:
    backoff = Backoff(first_s=1, longest_s=4)
    assert [backoff.wait_s(n) for n in (1, 2, 3, 4, 1_000_000)] == [1, 2, 4, 4, 4]


def test_a_process_that_keeps_ending_is_given_up() -> None:
    scene = Scene("ledger")

    def fail_for_ever() -> None:
        for _ in range(100):
            scene.servers["ledger"].end(4)
            scene.pass_s(10)

    with pytest.raises(UnavailableError, match="ledger ended 5 times in a row"):
        fail_for_ever()


def test_a_defect_stays_a_defect_when_it_is_given_up() -> None:
    scene = Scene("ledger")

    def fail_for_ever() -> None:
        for _ in range(100):
            scene.servers["ledger"].end(DefectError.exit_code)
            scene.pass_s(10)

    with pytest.raises(DefectError):
        fail_for_ever()


def test_a_process_that_ran_well_for_a_while_is_forgiven() -> None:
    scene = Scene("ledger")
    for _ in range(20):
        scene.servers["ledger"].end(1)
        scene.pass_s(0)
        scene.pass_s(5)
        scene.pass_s(61)
    assert scene.history == ["start ledger"] * 20


def test_refused_settings_are_not_tried_again() -> None:
    scene = Scene("ledger")
    scene.servers["ledger"].end(SettingsError.exit_code)
    with pytest.raises(SettingsError, match="ledger refused its settings"):
        scene.pass_s(0)
    assert scene.history == []


def test_a_start_that_fails_is_tried_again_later() -> None:
    scene = Scene("Kafka")
    scene.servers["Kafka"].end(1)
    scene.servers["Kafka"].refuse = UnavailableError("no room")
    scene.pass_s(0)
    scene.pass_s(1)
    scene.servers["Kafka"].refuse = None
    scene.pass_s(2)
    assert scene.history == ["start Kafka", "start Kafka"]
    assert scene.servers["Kafka"].running


def _run_until_first_start(scene: Scene, act: Callable[[], None]) -> None:
    stop = threading.Event()
    act()
    stop.set()
    scene.supervisor.run(stop)


def test_everything_is_stopped_in_reverse_order() -> None:
    scene = Scene("Kafka", "ledger", "services")
    _run_until_first_start(scene, lambda: None)
    assert scene.history == ["stop services", "stop ledger", "stop Kafka"]


def test_one_that_cannot_be_stopped_does_not_spare_the_others() -> None:
    scene = Scene("Kafka", "ledger")

    def refuse() -> None:
        raise UnavailableError("it does not end")

    scene.servers["ledger"].stop = refuse  # type: ignore[method-assign]
    with pytest.raises(UnavailableError, match="does not end"):
        _run_until_first_start(scene, lambda: None)
    assert scene.history == ["stop Kafka"]


def test_when_one_cannot_be_started_at_first_the_others_are_stopped() -> None:
    scene = Scene("Kafka", "ledger")
    scene.servers["ledger"].running = False
    scene.servers["ledger"].refuse = UnavailableError("no room")
    with pytest.raises(UnavailableError, match="no room"):
        scene.supervisor.run(threading.Event())
    assert scene.history == ["start ledger", "stop ledger", "stop Kafka"]
