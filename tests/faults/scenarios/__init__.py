"""The scenarios, by the name that ``--only`` takes. Each runs in an environment of its own."""

from __future__ import annotations

from collections.abc import Callable

from tests.faults.outcome import Outcome
from tests.faults.scenarios import (
    calm,
    inputs,
    kills,
    orders,
    reply,
    servers_die,
    snapshots,
    stalls,
    storm,
    zombie,
)
from tests.faults.site import Servers

Scenario = Callable[[Servers, Outcome], None]

SCENARIOS: dict[str, Scenario] = {
    "selftest": calm.selftest,
    "kills": kills.kills,
    "orders": orders.orders,
    "zombie": zombie.zombies,
    "broker": servers_die.broker,
    "reply": reply.reply,
    "storm": storm.storm,
    "postgres": servers_die.postgres,
    "disk": servers_die.disk,
    "snapshots": snapshots.snapshots,
    "poison": inputs.poison,
    "registry": inputs.registry,
    "clock": inputs.clock,
    "stalls": stalls.stalls,
}
