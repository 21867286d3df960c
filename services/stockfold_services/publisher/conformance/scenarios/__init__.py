"""Every scenario, by subject."""

from __future__ import annotations

from stockfold_services.publisher.conformance.scenario import Scenario
from stockfold_services.publisher.conformance.scenarios import (
    arriving,
    credentials,
    hostile,
    listings,
    order,
    pace,
    quantities,
    steering,
    trouble,
)

SCENARIOS: tuple[Scenario, ...] = (
    *arriving.SCENARIOS,
    *quantities.SCENARIOS,
    *listings.SCENARIOS,
    *trouble.SCENARIOS,
    *pace.SCENARIOS,
    *order.SCENARIOS,
    *credentials.SCENARIOS,
    *hostile.SCENARIOS,
    *steering.SCENARIOS,
)
