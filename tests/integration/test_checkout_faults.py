"""Reservations while the ledger dies, comes back, shares its partitions; and Kafka is away."""

from __future__ import annotations

import os
import signal
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from tests.conftest import NewEnvironment
from tests.support import servers
from tests.support.checkout import ask, basket, checkout, ledger_process, stock
from tests.support.kafka_io import committed, wait_for

from stockfold.contracts.topics import EXCEPTIONS, POSITIONS
from stockfold.runtime.embedded.kafka import EmbeddedKafka
from stockfold.runtime.kafka import ensure_topics
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration


def states(client: httpx.Client, names: list[str]) -> Counter[str]:
    """How many reservations are in which state."""
    found = (client.get(f"/v1/reservations/{name}") for name in names)
    return Counter(answer.json()["state"] for answer in found)


def reserved(settings: Settings, sku: str) -> int:
    """Units that the ledger's newest position holds for claims."""
    found = [read.record for read in committed(settings, POSITIONS) if read.record["sku"] == sku]
    return int(found[-1]["reserved"])


def test_buyers_who_wait_while_the_ledger_is_killed_are_decided_once_by_the_next(
    new_environment: NewEnvironment,
) -> None:
    settings = new_environment()
    stock(settings, KILL=12, KILL_2=40)
    keys = [uuid.uuid4().hex for _ in range(16)]
    with (
        ledger_process(settings) as ledger,
        checkout(settings) as client,
        checkout(settings) as other,
        ThreadPoolExecutor(16) as pool,
    ):
        assert ask(client, basket(KILL=1)).status_code == 201
        ledger.kill()
        asked = list(pool.map(lambda key: ask(client, basket(KILL=1), key=key, wait_s=0.5), keys))
        assert {answer.status_code for answer in asked} == {202}
        names = [answer.json()["reservation"] for answer in asked]
        assert asked[0].headers["location"] == f"/v1/reservations/{names[0]}"
        # Whoever polls elsewhere finds them too, and a basket of two lines goes on by itself.
        wait_for("the other", lambda: states(other, names) == {"pending": 16})
        late = pool.submit(ask, client, basket(KILL=1, KILL_2=1))
        ledger.start()
        for each in (client, other):
            wait_for("decisions", lambda at=each: "pending" not in states(at, names))
            assert states(each, names) == {"held": 11, "refused": 5}
        assert late.result().status_code == 409
        again = list(pool.map(lambda key: ask(other, basket(KILL=1), key=key).status_code, keys))
        assert Counter(again) == {201: 11, 409: 5}
    assert (reserved(settings, "KILL"), committed(settings, EXCEPTIONS)) == (12, [])


def test_one_hot_sku_is_confirmed_exactly_as_often_as_there_are_units(
    new_environment: NewEnvironment,
) -> None:
    settings = new_environment()
    stock(settings, HOT=20)
    with (
        ledger_process(settings),
        checkout(settings) as client,
        checkout(settings) as other,
        ThreadPoolExecutor(80) as pool,
    ):
        found = list(
            pool.map(lambda n: ask((client, other)[n % 2], basket(HOT=1)).status_code, range(80))
        )
    assert Counter(found) == {201: 20, 409: 60}
    assert reserved(settings, "HOT") == 20


def test_partitions_may_move_to_another_ledger_meanwhile(new_environment: NewEnvironment) -> None:
    settings = new_environment()
    stock(settings, **{f"MOVE_{n}": 50 for n in range(4)})

    def buy(number: int) -> int:
        return ask(client, basket(**{f"MOVE_{number % 4}": 1})).status_code

    with (
        ledger_process(settings),
        checkout(settings) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        assert buy(0) == 201
        with ledger_process(settings, "ledger-2") as second:
            asked = [pool.submit(buy, number) for number in range(60)]
            wait_for("a share", lambda: "serves partition" in second.log())
            asked += [pool.submit(buy, number) for number in range(60)]
            assert {each.result() for each in asked} == {201}
        assert ask(client, basket(MOVE_0=1, MOVE_1=1, MOVE_2=1, MOVE_3=1)).status_code == 201
    assert sum(reserved(settings, f"MOVE-{n}") for n in range(4)) == 125


def test_kafka_away_is_said_at_once_and_nothing_is_promised(
    new_environment: NewEnvironment,
) -> None:
    with servers.server_folder() as folder:
        broker = EmbeddedKafka(folder / "kafka")
        settings = new_environment(kafka={"bootstrap": broker.start()}, topics=False)
        ensure_topics(settings)
        try:
            with checkout(settings) as client:
                assert broker.pid
                os.kill(broker.pid, signal.SIGKILL)
                answer: dict[str, Any] = {}
                for body in (basket(AWAY=1), basket(AWAY=1, AWAY_2=1)):
                    refused = ask(client, body, patient=False)
                    assert refused.status_code == 503, refused.text
                    assert refused.headers["retry-after"] == "1"
                    answer = refused.json()
                assert "Send it again" in answer["detail"]
        finally:
            broker.stop()
