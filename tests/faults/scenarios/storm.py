"""A rebalance storm: members join and leave the groups of every service, every second."""

from __future__ import annotations

import threading
import time
from random import Random

from confluent_kafka import Consumer

from stockfold.contracts.topics import AVAILABILITY, DELIVERIES, EXCEPTIONS, JOURNAL, POSITIONS
from stockfold.runtime.kafka import confluent_config, group_id
from stockfold_services.ledger.processor import LedgerProcessor
from tests.faults.evidence import gather
from tests.faults.outcome import Outcome
from tests.faults.site import Servers, Site, site

STORM_S = 15
GROUPS = {
    "ledger": LedgerProcessor.inputs,
    "availability": (POSITIONS,),
    "projector": (JOURNAL, POSITIONS, EXCEPTIONS, AVAILABILITY, DELIVERIES),
}


def storm(both: Servers, outcome: Outcome) -> None:
    """Idle members take partitions away and give them back; a second ledger comes and goes."""
    random = Random(outcome.seed)
    with site(both, outcome.name, outcome.seed) as place:
        place.start()
        place.feeder.first_wave()
        place.feeder.start(events_per_s=150)
        guests = {name: Guest(place, name) for name in GROUPS}
        second = place.service("ledger", "ledger-2")
        second.is_expected_to_end = True
        try:
            for second_s in range(STORM_S):
                for guest in guests.values():
                    if random.random() < 0.8:
                        guest.come_or_go()
                if second_s == STORM_S // 3:
                    second.start()
                if second_s == STORM_S - 3:
                    second.kill()
                    outcome.killed("ledger")
                time.sleep(1.0)
        finally:
            for guest in guests.values():
                guest.go()
        moved = sum(guest.visits for guest in guests.values())
        outcome.note(f"{moved} joins in {STORM_S} s, as many leaves, and a second ledger")
        outcome.evidence = gather(place)


class Guest:
    """A member of a service's group that does nothing with what it is given."""

    def __init__(self, place: Site, name: str) -> None:
        self._config = {
            **confluent_config(place.settings),
            "group.id": group_id(place.settings, name),
            "partition.assignment.strategy": "range",
            "session.timeout.ms": 6_000,
            "heartbeat.interval.ms": 500,
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "log_level": 2,
        }
        self._topics = [topic.full_name(place.settings.prefix) for topic in GROUPS[name]]
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.visits = 0

    def come_or_go(self) -> None:
        if self._thread is None:
            self.visits += 1
            self._stop.clear()
            self._thread = threading.Thread(target=self._stay, daemon=True)
            self._thread.start()
        else:
            self.go()

    def go(self) -> None:
        if self._thread is not None:
            self._stop.set()
            self._thread.join(20)
            self._thread = None

    def _stay(self) -> None:
        consumer = Consumer(self._config)
        try:
            consumer.subscribe(self._topics)
            while not self._stop.is_set():
                consumer.consume(100, timeout=0.1)
        finally:
            consumer.close()
