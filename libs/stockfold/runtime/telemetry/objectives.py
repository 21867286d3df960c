"""Service level objectives: each thing that is done is judged once, where it is done.

So the limits are settings, and the alert rules need not know them: what is not good, of all that
there was, over what may be bad, is how fast the budget burns.
"""

from __future__ import annotations

from typing import Literal

from stockfold.runtime.metrics_settings import Objective
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry import measures

Name = Literal["order_ingestion", "inventory_propagation", "shipment_confirmation"]
NAMES: tuple[Name, ...] = ("order_ingestion", "inventory_propagation", "shipment_confirmation")


def tell_objectives(settings: Settings) -> None:
    """Say what the settings promise."""
    for name in NAMES:
        known: Objective = getattr(settings.objectives, name)
        measures.SLO_OBJECTIVE.labels(name).set(known.percent / 100)
        measures.SLO_WITHIN.labels(name).set(known.within_s)


class Judge:
    """Of one objective."""

    def __init__(self, name: Name, objective: Objective) -> None:
        self._name = name
        self._within_s = objective.within_s

    def took(self, channel: str, seconds: float) -> None:
        """Something was done well, and took so long."""
        measures.SLO_EVENTS.labels(self._name, channel).inc()
        good = measures.SLO_GOOD.labels(self._name, channel)  # Told as zero from the first event.
        if seconds <= self._within_s:
            good.inc()

    def failed(self, channel: str) -> None:
        """Something was not done, and will not be."""
        measures.SLO_EVENTS.labels(self._name, channel).inc()
        measures.SLO_GOOD.labels(self._name, channel)


def judge(settings: Settings, name: Name) -> Judge:
    """The judge of an objective of the settings."""
    return Judge(name, getattr(settings.objectives, name))
