"""The audit on a real Kafka: written before a change, with its end, and read by the command."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.conftest import NewEnvironment
from tests.support.command_line import stockfold, stockfold_json
from tests.support.kafka_io import committed

from stockfold.contracts.topics import AUDIT, POLICIES, TOPICS
from stockfold.domain.errors import SettingsError, UnavailableError
from stockfold.runtime import audit
from stockfold.runtime.embedded import ports
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration

POLICY = "policies:\n  - {channel: web, zone: Europe/Berlin, safety_stock: 2}\n"


def test_a_change_is_written_down_before_it_is_made_and_again_when_it_ends(
    environment: Settings,
) -> None:
    with audit.audited(
        environment, command="try", subject="it", details={"n": 1}, who="me"
    ) as result:
        (begun,) = committed(environment, AUDIT)
        result["m"] = 2
    assert (begun.record["outcome"], begun.record["by"]) == ("begun", "me")
    assert begun.key == begun.record["audit"].encode()
    (change,) = audit.changes(environment)
    assert (change.outcome, change.details, change.result) == ("done", {"n": 1}, {"m": 2})
    assert change.ended_us >= change.at_us


def test_a_change_that_fails_says_so_and_one_that_was_cut_off_has_no_end(
    environment: Settings,
) -> None:
    with (
        pytest.raises(RuntimeError, match="the disk is full"),
        audit.audited(environment, command="try", subject="it", details={}),
    ):
        raise RuntimeError("the disk is full")
    audit.record(environment, command="cut", subject="off", details={})
    listed = stockfold_json(environment, "audit", "list")
    assert [(e["command"], e["outcome"]) for e in listed] == [("cut", "begun"), ("try", "failed")]
    assert listed[1]["result"] == {"error": "the disk is full"}
    assert "the disk is full" in stockfold(environment, "audit", "list", "--command", "try")
    assert len(stockfold_json(environment, "audit", "list", "--limit", "1")) == 1


def test_without_an_acknowledged_record_nothing_is_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("stockfold.runtime.kafka.ANSWER_S_MAX", 1.0)
    address = f"127.0.0.1:{ports.free_port()}"
    settings = Settings.model_validate({"kafka": {"bootstrap": address}})
    made = []
    with (
        pytest.raises(UnavailableError, match=address),
        audit.audited(settings, command="try", subject="it", details={}),
    ):
        made.append("a change")
    assert made == []


def test_topics_are_made_after_asking_and_an_environment_without_an_audit_gets_one(
    new_environment: NewEnvironment,
) -> None:
    settings = new_environment(topics=False)
    assert stockfold_json(settings, "audit", "list") == []
    with pytest.raises(SettingsError, match="nobody can be asked: Create"):
        stockfold(settings, "topics", "apply")
    assert len(stockfold_json(settings, "topics", "apply", "--dry-run")["missing"]) == len(TOPICS)
    assert stockfold_json(settings, "audit", "list") == []
    done = stockfold_json(settings, "topics", "apply", "--yes")
    assert len(done["created"]) == len(TOPICS)
    assert stockfold_json(settings, "topics", "apply")["created"] == []
    (entry,) = stockfold_json(settings, "audit", "list")
    assert (entry["command"], entry["outcome"]) == ("topics apply", "done")


def test_policies_are_published_after_asking_and_only_those_that_differ_are_written_down(
    environment: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "policies.yaml"
    file.write_text(POLICY, "utf-8")
    apply = ("policy", "apply", str(file))
    with pytest.raises(SettingsError, match="nobody can be asked: Publish the policies of web"):
        stockfold(environment, *apply)
    stockfold(environment, *apply, "--dry-run")
    assert committed(environment, POLICIES) == []
    stockfold(environment, *apply, "--yes")
    assert stockfold_json(environment, *apply)["policies"][0]["action"] == "unchanged"
    (entry,) = stockfold_json(environment, "audit", "list")
    assert (entry["subject"], entry["result"]) == ("web", {"revisions": {"web": 1}})
