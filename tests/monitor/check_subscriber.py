"""The example with Faust of infra/docs/subscribers.md on a real Kafka: ``make test-monitor``."""

from __future__ import annotations

from stockfold.runtime.settings import Settings
from tests.support.kafka_io import wait_for
from tests.support.subscribing import subscriber, write

START_S = 90.0
"""Making its topics and balancing its group takes Faust a while."""


def test_with_faust_the_latest_committed_version_is_in_a_table_that_outlives_a_restart(
    environment: Settings,
) -> None:
    given = {
        "APP": f"{environment.prefix}acme.availability",
        "PARTITIONS": str(environment.kafka.sku_partitions),
    }
    write(environment, ("woo-de|A", 1, 5), ("woo-de|B", 1, 2))
    write(environment, ("woo-de|A", 2, 99), ("woo-de|C", 1, 99), commits=False)
    write(environment, ("woo-de|A", 2, 3))
    write(environment, ("woo-de|A", 1, 5), ("amazon|A", 1, 4))
    with subscriber("availability_faust", environment, given) as reading:
        wait_for("the latest", lambda: len(reading.told) == 4, START_S)
        assert sorted(reading.told) == [
            ("amazon|A", 1, 4),
            ("woo-de|A", 1, 5),
            ("woo-de|A", 2, 3),
            ("woo-de|B", 1, 2),
        ]
        reading.stop()
    write(environment, ("woo-de|A", 2, 3), ("woo-de|A", 3, 1))
    with subscriber("availability_faust", environment, given) as reading:
        wait_for("what came meanwhile", lambda: ("woo-de|A", 3, 1) in reading.told, START_S)
        assert ("woo-de|A", 2, 3) not in reading.told, "the table knew it"
