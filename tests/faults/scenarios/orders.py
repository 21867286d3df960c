"""Orders and the ledger are killed, again and again, while a stream of orders is told."""

from __future__ import annotations

import threading
import time
from random import Random

from stockfold.runtime.clock import SYSTEM_CLOCK
from tests.faults.order_checks import gather_orders, judge_orders, statuses
from tests.faults.order_stream import (
    LOCATION,
    PLENTY,
    PLENTY_UNITS,
    SCARCE,
    SCARCE_UNITS,
    OrderStream,
)
from tests.faults.order_tampering import tampered
from tests.faults.outcome import Outcome
from tests.faults.processes import Service
from tests.faults.scenarios.kills import Point, points
from tests.faults.site import Servers, site, until
from tests.support.kafka_io import Sender

SERVICES = ("ledger", "orders", "snapshotter")
POINT_S_MAX = 25.0
"""A step that is not passed by then is left for a kill at any time."""
PASS_S = (1.0, 3.0)
REST_S_MAX = 240.0
BUYERS_S_MAX = 60.0


def orders(both: Servers, outcome: Outcome) -> None:
    """kill -9 of orders and of the ledger; every order ends as it was told, nothing twice."""
    random = Random(outcome.seed)
    sections = {
        "locations": [{"name": LOCATION}],
        "orders": {"retry_s": 0.1, "attempts_max": 3, "answer_s": 10},
    }
    with site(both, outcome.name, outcome.seed, **sections) as place:
        sender = Sender(place.settings, "/floor")
        for sku, units in (*((sku, PLENTY_UNITS) for sku in PLENTY), (SCARCE, SCARCE_UNITS)):
            sender.event(
                "StockAdjusted",
                sku=sku,
                location=LOCATION,
                bucket="on_hand",
                delta=units,
                reason="count",
                occurred_us=SYSTEM_CLOCK.now_us(),
            )
        for name in SERVICES:
            place.service(name)
        place.start("snapshotter")
        half = max(outcome.kills_wanted // 2, 6)
        of_orders = [
            *(Point(f"{loop}.after_abort") for loop in ("orders", "order-answers")),
            *points(random, "orders", -(-half // 2) - 1),
            *points(random, "order-answers", half // 2 - 1),
        ]
        random.shuffle(of_orders)
        stream = OrderStream(place.settings, outcome.seed)
        keepers = [
            threading.Thread(target=_keep, args=(outcome, service, chosen, Random(number)))
            for number, (service, chosen) in enumerate(
                (
                    (place.services["orders"], of_orders),
                    (place.services["ledger"], points(random, "ledger", half)),
                ),
                outcome.seed,
            )
        ]
        stream.start()
        for keeper in keepers:
            keeper.start()
        for keeper in keepers:
            keeper.join()
        # Some of the buyers of the last units must be refused, however soon the kills are over.
        until(stream.is_sold_out, BUYERS_S_MAX)
        stream.stop()
        outcome.events = stream.events

        def rests() -> bool:
            found = statuses(place.settings)
            return all(found.get(o) in w.statuses for o, w in stream.wanted.items())

        took_s = until(rests, REST_S_MAX)
        outcome.note(
            f"{len(stream.wanted)} orders at rest after {took_s:.1f} s"
            if took_s is not None
            else f"not every order came to rest within {REST_S_MAX:.0f} s"
        )
        time.sleep(1.0)  # Whatever would come twice has come by now.
        evidence = gather_orders(place.settings, stream)
        outcome.verdict = judge_orders(evidence)
        for what, wrong in tampered(evidence):
            outcome.demand(any(judge_orders(wrong).values()), f"nobody notices {what}")
        for service in (place.services[name] for name in SERVICES):
            outcome.demand(service.is_running(), f"{service.name} has ended by itself")


def _keep(outcome: Outcome, service: Service, chosen: list[Point], random: Random) -> None:
    """Run a service, kill it at each of the points, and leave it running."""
    with outcome.guarded():
        for point in chosen:
            service.start(**point.orders)
            if point.step and service.wait_ended(POINT_S_MAX):
                outcome.killed(service.name, point.step)
                continue
            if not point.step:
                service.wait_ended(random.uniform(*PASS_S) + point.delay_s)
            outcome.demand(service.is_running(), f"{service.name} has ended by itself")
            service.kill()
            outcome.killed(service.name)
        service.start()
