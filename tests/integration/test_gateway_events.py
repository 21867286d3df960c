"""Events over HTTP, on a real Kafka: acknowledged means that Kafka has them."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.conftest import NewEnvironment
from tests.support import servers
from tests.support.gateway import BATCH, STRUCTURED, event, gateway
from tests.support.kafka_io import committed, wait_for
from tests.support.running_ledger import ledger

from stockfold.contracts import envelope
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import EXCEPTIONS, JOURNAL, RECEIPTS
from stockfold.runtime.embedded.kafka import EmbeddedKafka
from stockfold.runtime.kafka import ensure_topics
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def settings(new_environment: NewEnvironment) -> Settings:
    return new_environment()


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[httpx.Client]:
    with gateway(settings) as client:
        yield client


@pytest.fixture(scope="module")
def small(settings: Settings) -> Iterator[httpx.Client]:
    """A gateway that takes small bodies only."""
    with gateway(settings, body_bytes_max=65_536) as client:
        yield client


def ids(settings: Settings) -> list[str]:
    """The event ids of all receipts in Kafka, in no order."""
    reader = PartitionReader(settings)
    return [
        envelope.parse(message.headers()).id
        for partition in range(settings.kafka.sku_partitions)
        for batch in reader.read(RECEIPTS, partition)
        for message in batch
    ]


def post(client: httpx.Client, body: Any, kind: str = "", **headers: str) -> httpx.Response:
    kind = kind or (BATCH if isinstance(body, list) else STRUCTURED)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/v1/events", json=body, headers={"content-type": kind, **named})


def test_an_accepted_event_is_in_kafka_on_the_partition_of_its_sku(
    settings: Settings, client: httpx.Client
) -> None:
    answer = post(client, event("SKU-A", correlationid="order-1"))
    assert answer.status_code == 202
    assert answer.json() == {
        "id": "grn-SKU-A",
        "source": "/erp/main",
        "type": "stockfold.GoodsReceived",
        "sku": "SKU-A",
    }
    [found] = [r for r in committed(settings, RECEIPTS) if r.key == b"SKU-A"]
    assert found.record["quantity"] == 5
    assert found.partition == partition_of(b"SKU-A", settings.kafka.sku_partitions)


def test_binary_mode_says_the_same(settings: Settings, client: httpx.Client) -> None:
    told = event("SKU-B", id="bin-1")
    headers = {f"ce-{name}": str(value) for name, value in told.items() if name != "data"}
    answer = client.post("/v1/events", json=told["data"], headers=headers)
    assert (answer.status_code, answer.json()["id"]) == (202, "bin-1")
    assert "bin-1" in ids(settings)


def test_the_same_request_repeated_gives_the_same_answer_and_the_same_ids(
    settings: Settings, client: httpx.Client
) -> None:
    batch = [event(f"SKU-{n}", id=None) for n in range(5)]
    first = post(client, batch, Idempotency_Key="req-77")
    again = post(client, batch, Idempotency_Key='"req-77"')
    assert first.status_code == 202
    assert first.content == again.content
    assert [result["id"] for result in first.json()["results"]] == [f"req-77/{n}" for n in range(5)]
    assert ids(settings).count("req-77/3") == 2


def test_an_event_without_an_id_takes_that_of_its_document(client: httpx.Client) -> None:
    told = event("SKU-1", id=None, data={"document": "GRN-1", "document_line": "2"})
    assert post(client, told).json()["id"] == "GoodsReceived/SKU-1/GRN-1/2/0"
    refused = post(client, event("SKU-1", id=None))
    assert refused.status_code == 422
    assert refused.json()["problems"][0]["path"] == "$.id"


def test_a_mixed_batch_says_of_each_event_what_became_of_it(
    settings: Settings, client: httpx.Client
) -> None:
    batch = [
        event("SKU-1", id="mix-0"),
        event("SKU-1", id="mix-1", data={"quantity": -1}),
        "no event",
        event("SKU-1", id="mix-3", data={"quantity": "5"}),
        event("SKU-1", id="mix-4", type="stockfold.GoodsRecieved"),
        event("SKU-1", id="mix-\ud800"),
    ]
    raw = json.dumps(batch).encode()
    answer = client.post("/v1/events", content=raw, headers={"content-type": BATCH})
    assert answer.status_code == 207
    told = answer.json()
    assert (told["accepted"], told["refused"]) == (1, 5)
    assert [result["status"] for result in told["results"]] == [202, 422, 422, 422, 422, 422]
    kinds = [result["problems"][0]["kind"] for result in told["results"][1:]]
    assert kinds == [
        "quantity_out_of_range",
        "undecodable",
        "schema_mismatch",
        "unknown_type",
        "bad_envelope",
    ]
    assert [name for name in ids(settings) if name.startswith("mix")] == ["mix-0"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", STRUCTURED, 400),
        (b"\xff\xfe{}", STRUCTURED, 400),
        (b'{"specversion": "1.0", "specversion": "1.0"}', STRUCTURED, 400),
        (b"[" * 5_000 + b"]" * 5_000, BATCH, 400),
        (b'{"a":' * 50 + b"1" + b"}" * 50, STRUCTURED, 400),
        (b"[]", BATCH, 422),
        (b"{}", STRUCTURED, 422),
        (b"7", STRUCTURED, 422),
        (b"[" + b",".join([b"{}"] * 513) + b"]", BATCH, 413),
        (b" " * 70_000, STRUCTURED, 413),
        (b"{}", "text/plain", 415),
        (b"{}", "application/cloudevents+json; charset=utf-16", 415),
        (b"{}", "", 415),
    ],
)
def test_hostile_bodies_are_refused_whole_and_say_what_to_do(
    settings: Settings, small: httpx.Client, body: bytes, kind: str, status: int
) -> None:
    before = len(ids(settings))
    answer = small.post("/v1/events", content=body, headers={"content-type": kind})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.json()["detail"]) > 10
    assert len(ids(settings)) == before


def test_compressed_bodies_and_bad_idempotency_keys_are_refused(client: httpx.Client) -> None:
    assert post(client, event(), content_encoding="gzip").status_code == 415
    assert post(client, event(), idempotency_key="").status_code == 400
    assert post(client, event(), idempotency_key="k" * 256).status_code == 400


def test_a_body_without_a_stated_length_is_cut_off_at_the_limit(small: httpx.Client) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * 10_000

    answer = small.post("/v1/events", content=parts(), headers={"content-type": STRUCTURED})
    assert answer.status_code == 413


def test_kafka_away_is_said_at_once_and_nothing_acknowledged_is_lost(
    new_environment: NewEnvironment,
) -> None:
    with servers.server_folder() as folder:
        broker = EmbeddedKafka(folder / "kafka")
        try:
            _kill_and_repeat(new_environment, broker)
        finally:
            broker.stop()


def _kill_and_repeat(new_environment: NewEnvironment, broker: EmbeddedKafka) -> None:
    settings = new_environment(kafka={"bootstrap": broker.start()}, topics=False)
    ensure_topics(settings)
    now = datetime.now(UTC).isoformat()
    requests = [[event(f"SKU-{n % 7}", id=None, time=now) for n in range(10)] for _ in range(24)]
    answers: dict[int, httpx.Response] = {}
    halfway, killed = threading.Event(), threading.Event()
    rows = [f"FILE-{n},DC,1\n".encode() for n in range(400)]

    def file() -> Iterator[bytes]:
        yield b"sku,location,quantity\n" + b"".join(rows[:200])
        killed.wait(30)
        yield b"".join(rows[200:])

    def upload(client: httpx.Client, content: Any) -> httpx.Response:
        headers = {"content-type": "text/csv", "idempotency-key": "file"}
        asked = {"type": "GoodsReceived", "source": "/erp/main", "time": now}
        return client.post("/v1/files", content=content, params=asked, headers=headers)

    with gateway(settings) as client, ThreadPoolExecutor(1) as uploads:

        def ask(number: int) -> None:
            answers[number] = post(client, requests[number], idempotency_key=f"req-{number}")
            if number >= 9:
                halfway.set()

        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(ask, number) for number in range(24)]
            assert halfway.wait(30)
            uploading = uploads.submit(upload, client, file())
            assert broker.pid
            os.kill(broker.pid, signal.SIGKILL)
            killed.set()
            for future in asked:
                future.result()
        first = {number: answer.status_code for number, answer in answers.items()}
        assert set(first.values()) == {202, 503}
        refused = next(answer for answer in answers.values() if answer.status_code == 503)
        assert refused.headers["retry-after"] == "1"
        cut = uploading.result()
        assert (cut.status_code, cut.headers["retry-after"]) == (503, "1")
        assert cut.json()["accepted"] < len(rows)
        assert _grown_kib(client) < 400 * 1024

        broker.stop()
        broker.start()
        wait_for("Kafka", lambda: post(client, requests[0], idempotency_key="req-0").is_success)
        kept = set(ids(settings))
        told = {
            f"req-{number}/{place}"
            for number, status in first.items()
            if status == 202
            for place in range(10)
        }
        assert told <= kept
        for number in range(24):
            assert post(client, requests[number], idempotency_key=f"req-{number}").is_success
        whole = b"sku,location,quantity\n" + b"".join(rows)
        wait_for("the whole file", lambda: upload(client, whole).status_code == 202)
    with ledger(settings):
        facts = wait_for(
            "every event folded", lambda: (f := _facts(settings)) and len(f) >= 640 and f
        )
    assert len(facts) == len(set(facts)) == 640
    assert committed(settings, EXCEPTIONS) == []


def _grown_kib(client: httpx.Client) -> int:
    """What the process has grown by under requests of 30 MB that Kafka does not take."""
    batch = [event(f"SKU-{n}", correlationid="x" * 400) for n in range(512)]
    raw = json.dumps(batch).encode()
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with ThreadPoolExecutor(16) as pool:
        headers = {"content-type": BATCH}
        asked = [
            pool.submit(client.post, "/v1/events", content=raw, headers=headers) for _ in range(80)
        ]
        assert {future.result().status_code for future in asked} == {503}
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib


def _facts(settings: Settings) -> list[str]:
    found = [read.record for read in committed(settings, JOURNAL) if read.name == "JournalFact"]
    return [fact["event_id"] for fact in found]


def test_a_client_that_never_ends_its_head_is_hung_up_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stockfold.runtime.http_protocol.HEADERS_S_MAX", 0.3)
    with (
        gateway(settings) as client,
        socket.create_connection(
            (client.base_url.host, client.base_url.port or 0), timeout=10
        ) as slow,
    ):
        slow.sendall(b"POST /v1/events HTTP/1.1\r\nHost: a\r\n")
        assert slow.recv(100) == b""


def test_a_client_that_stops_in_its_body_gets_a_time_out(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stockfold.runtime.http_bodies.SILENCE_S_MAX", 0.3)
    with (
        gateway(settings) as client,
        socket.create_connection(
            (client.base_url.host, client.base_url.port or 0), timeout=10
        ) as slow,
    ):
        slow.sendall(
            b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        assert slow.recv(100).startswith(b"HTTP/1.1 408 ")
