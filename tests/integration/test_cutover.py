"""Cutting over to a rebuilt generation while every service runs, and back again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from tests.support import servers
from tests.support.command_line import stockfold, stockfold_json
from tests.support.kafka_io import Sender, committed, wait_for
from tests.support.read_model import fetch, wait_until_projected
from tests.support.read_side import position, produce
from tests.support.running_ledger import ledger
from tests.support.serving import availability, projector

from stockfold.availability.policy import Policy
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import AVAILABILITY, JOURNAL, POSITIONS
from stockfold.domain.errors import SettingsError
from stockfold.runtime.settings import Settings
from stockfold_services.cli.policy_publish import publish as publish_policies
from stockfold_services.rebuild import cutting

pytestmark = pytest.mark.integration

QUIET = ("Q1", "Q2", "Q3")
BUSY = ("B1", "B2")


@pytest.fixture(scope="module")
def settings(new_environment, postgres: str) -> Iterator[Settings]:
    """Ledger, availability and projector at work on a few SKUs."""
    settings = new_environment(postgres={"dsn": postgres})
    publish_policies(settings, [Policy("web", 0)])
    with ExitStack() as stack:
        for service in (ledger, availability, projector):
            stack.enter_context(service(settings))
        sender = Sender(settings)
        for sku in (*QUIET, *BUSY):
            for location in ("A", "B"):
                sender.event("GoodsReceived", sku=sku, location=location, quantity=10)
        wait_for("availability", lambda: told(settings, "B2")[-1:] and told(settings, "Q3")[-1:])
        wait_for("what is received", lambda: all(told(settings, s)[-1][1] == 20 for s in QUIET))
        yield settings


def told(settings: Settings, sku: str) -> list[tuple[int, int]]:
    """(version, quantity) of everything that the channel was told of a SKU."""
    return [
        (read.record["version"], read.record["quantity"])
        for read in committed(settings, AVAILABILITY)
        if read.record["sku"] == sku
    ]


def facts(settings: Settings) -> int:
    return sum(1 for read in committed(settings, JOURNAL) if read.name == "JournalFact")


@contextmanager
def receiving(settings: Settings) -> Iterator[list[str]]:
    """Goods of busy SKUs keep coming in while the block runs."""
    stop = threading.Event()
    sent: list[str] = []

    def work() -> None:
        sender = Sender(settings, "/test/busy")
        while not stop.is_set():
            sku = BUSY[len(sent) % 2]
            sender.event("GoodsReceived", sku=sku, location="A", quantity=1)
            sent.append(sku)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield sent
    finally:
        stop.set()
        thread.join(30)


def damage(settings: Settings, sku: str) -> None:
    """A position that the journal does not tell: as of the right fact, but seven units too many."""
    partition = partition_of(sku.encode(), settings.kafka.sku_partitions)
    produce(settings, [position(sku, "A", 2, on_hand=17)], partition)


def numbers(settings: Settings, sku: str) -> dict[str, int]:
    return dict(fetch(settings, "SELECT location, on_hand FROM positions WHERE sku = $1", sku))


def assert_live_is_what_the_journal_says(settings: Settings, name: str) -> None:
    wait_until_projected(settings)
    stockfold_json(settings, "rebuild", name, "--yes")
    found: Any = stockfold_json(settings, "diff", "live", name)
    assert (found["rows"], found["moving_skus"]) == ({}, 0)
    assert fetch(settings, "SELECT count(*) FROM journal") == [(facts(settings),)]
    assert fetch(settings, "SELECT count(*) FROM unreadable") == [(0,)]


def test_an_equal_generation_is_swapped_and_nothing_is_told(settings: Settings) -> None:
    wait_until_projected(settings)
    before = len(committed(settings, AVAILABILITY)), len(committed(settings, POSITIONS))
    stockfold_json(settings, "rebuild", "same", "--yes")
    done = stockfold_json(settings, "cutover", "same", "--yes")
    assert (done["swapped"], done["equal"], done["told"]) == (True, True, 0)
    assert_live_is_what_the_journal_says(settings, "same_again")
    assert (len(committed(settings, AVAILABILITY)), len(committed(settings, POSITIONS))) == before
    again = stockfold_json(settings, "cutover", "same", "--yes")
    assert (again["swapped"], again["told"]) == (False, 0)


class Died(Exception):  # noqa: N818
    """The process is gone."""


async def _die(*_: object) -> int:
    raise Died


def test_a_cutover_under_load_that_was_cut_off_is_finished_and_loses_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(settings, "Q1")
    wait_for("the damage", lambda: told(settings, "Q1")[-1][1] == 27)
    wait_for("the damaged row", lambda: numbers(settings, "Q1")["A"] == 17)
    versions = [version for version, _ in told(settings, "Q1")]
    others = [told(settings, sku) for sku in QUIET[1:]]
    with receiving(settings) as sent:
        stockfold_json(settings, "rebuild", "mended", "--yes")
        found = stockfold_json(settings, "diff", "live", "mended", exit_code=1)
        assert found["rows"] == {"positions": 1}
        assert (found["first"]["sku"], found["first"]["kind"]) == ("Q1", "GoodsReceived")
        dry = stockfold_json(settings, "cutover", "mended", "--dry-run")
        assert dry["rows"] == {"positions": 1}
        (foreseen,) = (change for change in dry["availability"] if change["sku"] == "Q1")
        assert foreseen == {"channel": "web", "sku": "Q1", "told": 27, "will_be": 20}
        assert {change["sku"] for change in dry["availability"]} <= {"Q1", *BUSY}
        with monkeypatch.context() as broken:
            broken.setattr(cutting, "publish", _die)
            with pytest.raises(Died):
                servers.run(
                    cutting.cut_over(settings, cutting.plan_of(settings, "mended", back=False))
                )
        wait_for("the swap", lambda: numbers(settings, "Q1")["A"] == 10)
        assert told(settings, "Q1")[-1][1] == 27
        done = stockfold_json(settings, "cutover", "mended", "--yes")
        assert not done["swapped"]
        assert done["told"] >= 1
        so_far = len(sent)
        wait_for("more receipts", lambda: len(sent) > so_far + 20)
    wait_for("the mended number", lambda: told(settings, "Q1")[-1][1] == 20)
    assert [version for version, _ in told(settings, "Q1")] == [*versions, versions[-1] + 1]
    assert [told(settings, sku) for sku in QUIET[1:]] == others
    wait_for("every receipt", lambda: facts(settings) == 10 + len(sent))
    assert_live_is_what_the_journal_says(settings, "proof")
    for sku in BUSY:
        assert numbers(settings, sku) == {"A": 10 + sent.count(sku), "B": 10}
        wait_for("the last", lambda s=sku: told(settings, s)[-1][1] == 20 + sent.count(s))
        seen = [version for version, _ in told(settings, sku)]
        assert seen == sorted(set(seen))


def test_a_cutover_is_taken_back_and_its_generation_dropped(settings: Settings) -> None:
    last = told(settings, "Q1")[-1]
    done = stockfold_json(settings, "cutover", "mended", "--back", "--yes")
    assert done["swapped"]
    wait_for("the old number", lambda: told(settings, "Q1")[-1] == (last[0] + 1, 27))
    wait_until_projected(settings)
    assert numbers(settings, "Q1")["A"] == 17
    assert fetch(settings, "SELECT count(*) FROM journal") == [(facts(settings),)]
    stockfold_json(settings, "cutover", "mended", "--yes")
    wait_for("the mended number again", lambda: told(settings, "Q1")[-1] == (last[0] + 2, 20))
    assert_live_is_what_the_journal_says(settings, "proof2")
    stockfold(settings, "rebuild", "mended_before", "--drop", "--yes")
    with pytest.raises(SettingsError, match="no generation"):
        stockfold_json(settings, "cutover", "mended", "--back", "--yes")
