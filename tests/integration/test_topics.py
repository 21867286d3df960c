"""The declared topics and a real broker's."""

from __future__ import annotations

import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from tests.conftest import NewEnvironment

from stockfold.contracts.topics import JOURNAL, POSITIONS, RECEIPTS, TOPICS
from stockfold.domain.errors import SettingsError, UnavailableError
from stockfold.runtime.embedded import ports
from stockfold.runtime.kafka import confluent_config, ensure_topics, plan_topics
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration


def _create(settings: Settings, name: str, partitions: int, config: dict[str, str]) -> None:
    admin = AdminClient(confluent_config(settings))
    topic = NewTopic(name, num_partitions=partitions, replication_factor=1, config=config)
    for future in admin.create_topics([topic]).values():
        future.result(30)


def test_missing_topics_are_created_once_and_as_declared(new_environment: NewEnvironment) -> None:
    settings = new_environment(topics=False)
    assert len(ensure_topics(settings)) == len(TOPICS)
    assert ensure_topics(settings) == []
    plan = plan_topics(settings)
    assert (plan.missing, plan.drift) == ([], [])


def test_two_environments_share_a_broker_without_sharing_a_topic(
    new_environment: NewEnvironment,
) -> None:
    one, other = new_environment(), new_environment()
    assert set(plan_topics(one).present).isdisjoint(plan_topics(other).present)


def test_drift_is_reported_and_nothing_is_changed(new_environment: NewEnvironment) -> None:
    settings = new_environment(topics=False)
    name = POSITIONS.full_name(settings.prefix)
    _create(settings, name, 2, {"cleanup.policy": "delete", "retention.ms": "1000"})
    ensure_topics(settings)
    drift = plan_topics(settings).drift
    assert f"{name}: cleanup.policy is delete, declared compact" in drift
    assert f"{name}: retention.ms is 1000, declared -1" in drift


def test_unequal_partition_counts_are_refused_by_name(new_environment: NewEnvironment) -> None:
    settings = new_environment(topics=False)
    _create(settings, RECEIPTS.full_name(settings.prefix), 2, {})
    _create(settings, JOURNAL.full_name(settings.prefix), 3, {})
    with pytest.raises(SettingsError, match=rf"{JOURNAL.full_name(settings.prefix)}: 3"):
        ensure_topics(settings)


def test_another_partition_count_than_the_settings_is_refused_with_the_number_to_set(
    new_environment: NewEnvironment,
) -> None:
    settings = new_environment()
    more = settings.model_copy(
        update={"kafka": settings.kafka.model_copy(update={"sku_partitions": 6})}
    )
    with pytest.raises(SettingsError, match=r"Set kafka\.sku_partitions = 2"):
        ensure_topics(more)


def test_a_broker_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stockfold.runtime.kafka.ANSWER_S_MAX", 1.0)
    address = f"127.0.0.1:{ports.free_port()}"
    with pytest.raises(UnavailableError, match=address):
        ensure_topics(Settings.model_validate({"kafka": {"bootstrap": address}}))
