"""Another number of partitions: no SKU loses its order, nothing is lost, nothing folds twice."""

from __future__ import annotations

import random

import pytest
from confluent_kafka.admin import AdminClient
from tests.support.command_line import stockfold, stockfold_json
from tests.support.kafka_io import Sender, committed, wait_for, wait_for_records
from tests.support.running_ledger import ledger

from stockfold.contracts.topics import (
    EXCEPTION_RESOLUTIONS,
    EXCEPTIONS,
    JOURNAL,
    POSITIONS,
    RECEIPTS,
    TOPICS,
)
from stockfold.domain.errors import SettingsError, StockfoldError, UnavailableError
from stockfold.runtime.kafka import confluent_config, plan_topics
from stockfold.runtime.settings import Settings
from stockfold_services.cli.repartition import run as steps
from stockfold_services.cli.repartition.environments import copy_settings

pytestmark = pytest.mark.integration

SKUS = [f"SKU-{n}" for n in range(12)]


def facts(settings: Settings) -> list[dict]:
    return [r.record for r in committed(settings, JOURNAL) if r.name == "JournalFact"]


def stories(settings: Settings) -> dict[str, list[tuple[int, str, str]]]:
    """The facts of each SKU in order."""
    found: dict[str, list[tuple[int, str, str]]] = {}
    for fact in facts(settings):
        row = (fact["seq"], fact["kind"], fact["event_id"])
        found.setdefault(fact["sku"], []).append(row)
    return found


def latest(settings: Settings) -> dict[bytes | None, dict]:
    return {r.key: r.record for r in committed(settings, POSITIONS)}


def send(settings: Settings, seed: int, count: int, name: str) -> None:
    """Receipts and reservations; whether these are confirmed depends on their order."""
    dice, sender = random.Random(seed), Sender(settings)
    for number in range(count):
        sku = dice.choice(SKUS)
        if dice.random() < 0.5:
            sender.event(
                "GoodsReceived",
                event_id=f"{name}{number}",
                sku=sku,
                location="A",
                quantity=dice.randint(1, 3),
            )
            continue
        sender.event(
            "ReserveStock",
            event_id=f"{name}{number}",
            sku=sku,
            reservation=f"R{name}{number}",
            order=f"O{name}{number}",
            line="1",
            channel="web",
            quantity=dice.randint(1, 4),
            locations=["A"],
        )


def with_bad_event(settings: Settings) -> None:
    """Decide some events, one of which is refused and discarded; then send some more."""
    with ledger(settings):
        send(settings, 1, 60, "a")
        Sender(settings).event("GoodsReceived", event_id="bad", sku="S", location="A", quantity=-1)
        wait_for_records(settings, EXCEPTIONS, 1)
        wait_for("the facts", lambda: len({f["event_id"] for f in facts(settings)}) == 60)
    discard = ("exceptions", "discard", "--kind", "quantity_out_of_range", "--reason", "x")
    stockfold(settings, *discard, "--yes")
    send(settings, 2, 40, "b")


def run_copy(settings: Settings, partitions: int, *more: str) -> tuple[Settings, dict]:
    prefix = f"{settings.prefix}wide."
    arguments = ("--partitions", str(partitions), "--to-prefix", prefix, "--yes", *more)
    told = stockfold_json(settings, "topics", "repartition", *arguments)
    return copy_settings(settings, prefix, partitions), told


def test_the_copy_goes_on_where_the_ledger_stopped_in_the_order_of_what_was_waiting(
    environment: Settings,
) -> None:
    with_bad_event(environment)
    before, positions = stories(environment), latest(environment)
    copy, told = run_copy(environment, 5)
    assert (told["stage"], told["undecided"], told["facts"]) == ("finished", 40, 60)
    assert stories(copy) == before
    assert latest(copy) == positions
    plan = plan_topics(copy)
    assert (plan.missing, plan.drift) == ([], [])
    (case,) = stockfold_json(copy, "exceptions", "list")
    assert case["state"] == "discarded"
    assert case["exception"].endswith(f"@{environment.prefix}")
    assert len(committed(copy, EXCEPTION_RESOLUTIONS)) == 1

    with ledger(copy):
        wait_for("the rest", lambda: len({f["event_id"] for f in facts(copy)}) == 100)
        send(copy, 1, 60, "a")  # The same events again are known to the copy.
        send(copy, 3, 10, "c")
        wait_for("what is new", lambda: len({f["event_id"] for f in facts(copy)}) == 110)
    with ledger(environment):
        wait_for("the rest", lambda: len({f["event_id"] for f in facts(environment)}) == 100)
    after = stories(copy)
    for sku, story in stories(environment).items():
        assert after[sku][: len(story)] == story
        assert [seq for seq, _, _ in after[sku]] == list(range(1, len(after[sku]) + 1))


def test_inputs_that_came_late_are_carried_over_by_running_it_again_and_only_once(
    environment: Settings,
) -> None:
    with_bad_event(environment)
    copy, _ = run_copy(environment, 3)
    send(environment, 4, 7, "late")
    assert run_copy(environment, 3)[1]["late"] == 7
    assert run_copy(environment, 3)[1]["late"] == 0
    with ledger(copy):
        wait_for("all", lambda: len({f["event_id"] for f in facts(copy)}) == 107)
    with pytest.raises(SettingsError, match="is finished, with 3 partitions"):
        run_copy(environment, 4)


def test_fewer_partitions_and_nothing_at_all_can_be_copied(environment: Settings) -> None:
    copy, told = run_copy(environment, 1)
    assert (told["facts"], told["undecided"]) == (0, 0)
    sender = Sender(copy)
    with ledger(copy):
        sender.event("GoodsReceived", sku="S", location="A", quantity=1)
        wait_for("the fact", lambda: facts(copy))


def test_an_interrupted_copy_is_recognized_and_begun_anew_only_when_told_to(
    environment: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_bad_event(environment)

    def interrupted(*_: object) -> None:
        raise UnavailableError("the broker went away")

    with monkeypatch.context() as patched:
        patched.setattr(steps, "refuse_difference", interrupted)
        with pytest.raises(UnavailableError, match="went away"):
            run_copy(environment, 5)
    with pytest.raises(SettingsError, match="unfinished copy"):
        run_copy(environment, 5)
    copy, told = run_copy(environment, 5, "--restart")
    assert (told["stage"], told["undecided"]) == ("finished", 40)
    assert stories(copy) == stories(environment)


def test_it_refuses_while_a_ledger_runs_and_where_others_have_data(
    environment: Settings, new_environment
) -> None:
    sender = Sender(environment)
    with ledger(environment):
        sender.event("GoodsReceived", sku="S", location="A", quantity=1)
        wait_for("the fact", lambda: facts(environment))
        with pytest.raises(SettingsError, match="has 1 members"):
            run_copy(environment, 5)
    other = new_environment()
    Sender(other).event("GoodsReceived", sku="S", location="A", quantity=1)
    arguments = ("--partitions", "2", "--to-prefix", other.prefix, "--yes", "--restart")
    with pytest.raises(SettingsError, match="data of its own"):
        stockfold(environment, "topics", "repartition", *arguments)
    assert len(committed(other, RECEIPTS)) == 1
    with pytest.raises(StockfoldError, match="already"):
        stockfold(
            environment,
            *("topics", "repartition", "--partitions", "3", "--to-prefix", environment.prefix),
        )


def test_a_dry_run_makes_no_topic(environment: Settings) -> None:
    _, told = run_copy(environment, 5, "--dry-run")
    assert (told["stage"], told["dry_run"]) == ("absent", True)
    names = AdminClient(confluent_config(environment)).list_topics(timeout=20).topics
    assert not {t.full_name(f"{environment.prefix}wide.") for t in TOPICS} & set(names)
