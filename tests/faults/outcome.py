"""What a scenario reports."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.faults.evidence import Evidence


@dataclass(frozen=True)
class Kill:
    """One kill -9: of whom, and at which named step (``at a random time`` when at none)."""

    service: str
    where: str


@dataclass
class Outcome:
    """One scenario's report; ``differences`` empty means that it holds."""

    name: str
    seed: int
    kills_wanted: int = 0
    kills: list[Kill] = field(default_factory=list)
    serve_s: list[tuple[str, float]] = field(default_factory=list)
    """(service, seconds from its kill until it was seen to work again)."""
    notes: list[str] = field(default_factory=list)
    """What was done and seen, in words."""
    wrong: list[str] = field(default_factory=list)
    """What the scenario itself found not to be as it must."""
    verdict: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0
    events: int = 0
    evidence: Evidence | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def killed(self, service: str, where: str = "") -> None:
        """Count a kill."""
        with self._lock:
            self.kills.append(Kill(service, where or "at a random time"))

    def note(self, what: str) -> None:
        """Say what was done or seen."""
        with self._lock:
            self.notes.append(what)

    def demand(self, holds: object, what: str) -> None:
        """What must be so; else the scenario fails, and goes on."""
        if not holds:
            with self._lock:
                self.wrong.append(what)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn whatever is raised inside into a failure of the scenario."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - told in the table, and the exit code says it
            self.demand(False, f"{type(error).__name__}: {error}")

    @property
    def differences(self) -> list[str]:
        """Everything that is not as it must be."""
        found = list(self.wrong)
        for check, differ in self.verdict.items():
            found += [f"{check.replace('_', ' ')}: {one}" for one in differ]
        return found

    @property
    def holds(self) -> bool:
        return not self.differences and bool(self.verdict)

    def as_json(self) -> dict[str, Any]:
        return {
            "scenario": self.name,
            "seed": self.seed,
            "holds": self.holds,
            "seconds": round(self.seconds, 1),
            "events": self.events,
            "kills": [{"service": k.service, "where": k.where} for k in self.kills],
            "serve_again_s": [{"service": s, "seconds": round(t, 2)} for s, t in self.serve_s],
            "checks": {name: not found for name, found in self.verdict.items()},
            "notes": self.notes,
            "differences": self.differences,
        }
