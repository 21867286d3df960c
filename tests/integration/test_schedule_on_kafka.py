"""Time as events on a real Kafka: two processes agree on a window; a silent source is doubted."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.kafka_io import Sender, committed, wait_for
from tests.support.running_ledger import ledger, running

from stockfold.availability.policy import Policy, Promotion, Silence
from stockfold.contracts.policies import encode_policy
from stockfold.contracts.reference import encode_record
from stockfold.contracts.topics import AVAILABILITY, POLICIES, REFERENCE, SCHEDULE
from stockfold.domain.reference import Authority, Location, key_of
from stockfold.domain.times import SECOND_US
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.settings import Settings
from stockfold_services.availability.main import run

pytestmark = pytest.mark.integration

SOURCE = "/test/wms"


def quantities(settings: Settings) -> list[tuple[int, int]]:
    """(version, quantity) of everything the channel was told."""
    told = [r.record for r in committed(settings, AVAILABILITY)]
    return [(row["version"], row["quantity"]) for row in told]


def await_told(settings: Settings, quantity: int) -> None:
    def is_told() -> bool:
        found = quantities(settings)
        return bool(found) and found[-1][1] == quantity

    wait_for(f"{quantity} are told", is_told)


def policy(sender: Sender, revision: int, **terms: Any) -> None:
    sender.raw(POLICIES, b"woo", encode_policy(Policy("woo", revision, **terms)))


def test_a_window_begins_by_itself_and_a_source_that_falls_silent_is_doubted(
    environment: Settings,
) -> None:
    another = environment.availability.model_copy(update={"instance": "another"})
    second = environment.model_copy(update={"availability": another})
    sender = Sender(environment, SOURCE)
    starts_at = SYSTEM_CLOCK.now_us() + 3 * SECOND_US
    sale = Promotion("sale", starts_at, starts_at + 3600 * SECOND_US, units=4)
    policy(sender, 1, promotions=(sale,))
    with ledger(environment), running(run, environment), running(run, second):
        sender.event("GoodsReceived", sku="a", location="ROME", quantity=10, condition="on_hand")
        await_told(environment, 6)
        moments = {r.record["at"] for r in committed(environment, SCHEDULE)}
        assert moments == {starts_at}

        for known in (Location("ROME", 1), Authority("wms", SOURCE, 1, ("ROME",), rhythm_s=4)):
            sender.raw(REFERENCE, key_of(known).encode(), encode_record(known))
        policy(sender, 2, silence=Silence("zero"))
        await_told(environment, 0)
        sender.event("GoodsReceived", sku="a", location="ROME", quantity=1, condition="on_hand")
        await_told(environment, 11)
    versions = [version for version, _ in quantities(environment)]
    assert versions == list(range(1, len(versions) + 1))
    heard = [r.record for r in committed(environment, SCHEDULE) if "heard_at" in r.record]
    assert heard[-1]["source"] == SOURCE
