"""API keys on a real Kafka: made, used, withdrawn."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.support.command_line import stockfold, stockfold_json
from tests.support.gateway import BATCH, NOW, STRUCTURED, event, gateway
from tests.support.kafka_io import committed, wait_for

from stockfold.contracts.topics import RECEIPTS
from stockfold.domain.errors import SettingsError
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration


def post(client: httpx.Client, body: Any, token: str = "", **headers: str) -> httpx.Response:
    kind = BATCH if isinstance(body, list) else STRUCTURED
    if token:
        headers["authorization"] = f"Bearer {token}"
    return client.post("/v1/events", json=body, headers={"content-type": kind, **headers})


def create(settings: Settings, *options: str) -> tuple[str, str]:
    """The id and the token of a new key."""
    told = stockfold_json(settings, "keys", "create", "wms", *options, "--yes")
    return told["key"], told["token"]


def test_from_the_first_key_on_nobody_sends_without_one(environment: Settings) -> None:
    with gateway(environment) as client:
        assert wait_for("an open gateway", lambda: post(client, event()).status_code == 202)
        foreign = post(client, event(), host="shop.example")
        assert (foreign.status_code, foreign.json()["title"]) == (403, "Not allowed")

        _, token = create(environment)
        wait_for("a closed gateway", lambda: post(client, event()).status_code == 401)
        assert post(client, event(), token).status_code == 202
        assert post(client, event(), token[:-1]).json()["title"] == "Key not known"

        key, other = create(environment)
        wait_for("the second key", lambda: post(client, event(), other).status_code == 202)
        stockfold(environment, "keys", "revoke", key, "--yes")
        wait_for("its end", lambda: post(client, event(), other).status_code == 401)
        assert "withdrawn" in post(client, event(), other).json()["detail"]
        assert post(client, event(), token).status_code == 202
    [first, second] = stockfold_json(environment, "keys", "list")
    assert (first["holds"], second["holds"]) == (True, False)
    assert "hash" not in first
    commands = [change["command"] for change in stockfold_json(environment, "audit", "list")]
    assert commands == ["keys revoke", "keys create", "keys create"]


def test_a_key_sends_what_its_scope_allows_and_nothing_else(environment: Settings) -> None:
    _, token = create(
        environment,
        *("--source", "/erp/main", "--location", "DC", "--type", "GoodsReceived"),
    )
    with gateway(environment) as client:
        wait_for("the keys", lambda: post(client, event("OK"), token).status_code == 202)
        for wrong in (event(source="/erp/other"), event(data={"location": "STORE"})):
            refused = post(client, wrong, token)
            assert refused.status_code == 403
            assert refused.json()["problems"][0]["kind"] == "not_allowed"
        mixed = post(client, [event("OK"), event("X", source="/erp/other")], token)
        assert mixed.status_code == 207
        assert [result["status"] for result in mixed.json()["results"]] == [202, 403]
    assert {read.key for read in committed(environment, RECEIPTS)} == {b"OK"}


def test_a_key_has_a_rate_and_a_size(environment: Settings) -> None:
    _, token = create(environment, "--events-per-s", "1", "--body-bytes-max", "100000")
    batch = [event(f"SKU-{n}") for n in range(256)]
    with gateway(environment) as client:
        wait_for("the keys", lambda: post(client, [], token).status_code == 422)
        assert post(client, batch, token).status_code == 202
        assert post(client, batch, token).status_code == 202
        limited = post(client, batch, token)
        assert limited.status_code == 429
        assert int(limited.headers["retry-after"]) > 100
        assert post(client, event(correlationid="x" * 100_000), token).status_code == 413
    assert len(committed(environment, RECEIPTS)) == 512


def test_a_key_that_is_withdrawn_ends_the_file_that_it_sends(environment: Settings) -> None:
    key, token = create(environment)

    def rows() -> Iterator[bytes]:
        yield b"sku,location,quantity\n" + b"A,DC,1\n" * 150
        stockfold(environment, "keys", "revoke", key, "--yes")
        wait_for("its end", lambda: post(client, event(), token).status_code == 401)
        yield b"A,DC,1\n" * 150

    with gateway(environment) as client:
        wait_for("the producer", lambda: post(client, event(), token).status_code == 202)
        with httpx.Client(base_url=client.base_url, timeout=30) as sender:
            cut = sender.post(
                "/v1/files",
                content=rows(),
                params={"type": "GoodsReceived", "source": "/erp/main", "time": NOW},
                headers={
                    "content-type": "text/csv",
                    "idempotency-key": "f",
                    "authorization": f"Bearer {token}",
                },
            )
    assert cut.status_code == 401
    assert 150 <= cut.json()["accepted"] < 300


def test_without_a_key_it_listens_on_this_machine_alone(
    environment: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.INFO, "stockfold"),
        gateway(environment, host="0.0.0.0") as client,
    ):
        assert client.get("/healthz").status_code == 200
    assert any("there is no API key" in line for line in caplog.messages)
    assert any("http://127.0.0.1:" in line for line in caplog.messages)
    create(environment)
    caplog.clear()
    with caplog.at_level(logging.INFO, "stockfold"), gateway(environment, host="0.0.0.0"):
        pass
    assert any("http://0.0.0.0:" in line for line in caplog.messages)


def test_a_dry_run_makes_no_key_and_an_unknown_one_cannot_be_withdrawn(
    environment: Settings,
) -> None:
    told = stockfold_json(environment, "keys", "create", "wms", "--dry-run")
    assert told["token"] is None
    assert stockfold_json(environment, "keys", "list") == []
    with pytest.raises(SettingsError, match="no key"):
        stockfold(environment, "keys", "revoke", told["key"], "--yes")
