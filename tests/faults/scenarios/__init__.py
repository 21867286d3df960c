"""The scenarios, by the name that ``--only`` takes. Each runs in an environment of its own."""

from __future__ import annotations

from collections.abc import Callable

from tests.faults.outcome import Outcome
from tests.faults.scenarios import calm, kills
from tests.faults.site import Servers

Scenario = Callable[[Servers, Outcome], None]

SCENARIOS: dict[str, Scenario] = {
    "selftest": calm.selftest,
    "kills": kills.kills,
}
