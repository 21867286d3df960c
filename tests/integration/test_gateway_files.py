"""Files over HTTP, on a real Kafka: good rows are kept, bad ones are told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.conftest import NewEnvironment
from tests.support.command_line import stockfold_json
from tests.support.gateway import NOW, event, gateway
from tests.support.kafka_io import committed

from stockfold.contracts import envelope
from stockfold.contracts.topics import RECEIPTS
from stockfold.runtime.embedded import ports
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration

RECEIPT = {"type": "GoodsReceived", "source": "/erp/main", "time": NOW}


@pytest.fixture(scope="module")
def settings(new_environment: NewEnvironment) -> Settings:
    return new_environment()


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[httpx.Client]:
    with gateway(settings) as client:
        yield client


def send(
    client: httpx.Client, content: Any, kind: str = "text/csv", key: str = "", **query: Any
) -> httpx.Response:
    headers = {"content-type": kind} | ({"idempotency-key": key} if key else {})
    return client.post("/v1/files", content=content, headers=headers, params={**RECEIPT, **query})


def ids(settings: Settings, start: str) -> list[str]:
    reader = PartitionReader(settings)
    found = [
        envelope.parse(message.headers()).id
        for partition in range(settings.kafka.sku_partitions)
        for batch in reader.read(RECEIPTS, partition)
        for message in batch
    ]
    return sorted(name for name in found if name.startswith(start))


def test_good_rows_are_in_kafka_and_bad_ones_are_told_by_number_and_field(
    settings: Settings, client: httpx.Client
) -> None:
    text = (
        "\ufeffArtikel;location;quantity;Name\r\n"
        'A-1;DC;5;"x; y"\r\nA-2;DC;-5;\r\nA-3;DC\r\nA-4;DC;"5;z\r\n\r\nA-5;DC;7;\r\n'
    )
    answer = send(client, text.encode(), key="file-1", map="Artikel=sku")
    assert answer.status_code == 207
    told = answer.json()
    assert (told["rows"], told["accepted"], told["refused"]) == (5, 2, 3)
    assert told["ignored_columns"] == ["Name"]
    assert [(row["row"], row["field"]) for row in told["bad_rows"]] == [
        (2, "quantity"),
        (3, ""),
        (4, ""),
    ]
    assert ids(settings, "file-1/") == ["file-1/1", "file-1/6"]
    assert send(client, text.encode(), key="file-1", map="Artikel=sku").content == answer.content
    assert ids(settings, "file-1/") == ["file-1/1", "file-1/1", "file-1/6", "file-1/6"]


def test_a_dry_run_tells_the_same_and_sends_nothing(
    settings: Settings, client: httpx.Client
) -> None:
    answer = send(client, "sku,location,quantity\nA,DC,1\n", key="dry", dry_run=True)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    assert ids(settings, "dry/") == []


def test_rows_without_a_key_take_the_id_of_their_document(
    settings: Settings, client: httpx.Client
) -> None:
    text = "sku,location,quantity,document,document_line\nA,DC,1,D-9,1\nA,DC,1,,\n"
    told = send(client, text).json()
    assert (told["accepted"], told["bad_rows"][0]["field"]) == (1, "id")
    assert ids(settings, "GoodsReceived/A/D-9") == ["GoodsReceived/A/D-9/1/0"]


def test_lines_of_cloud_events_are_taken_as_events_are(
    settings: Settings, client: httpx.Client
) -> None:
    rows = [json.dumps(event(id=f"nd-{n}")) for n in range(3)]
    answer = send(client, "\n".join([*rows, "{", "7"]), "application/x-ndjson")
    assert answer.status_code == 207
    assert [row["row"] for row in answer.json()["bad_rows"]] == [4, 5]
    assert ids(settings, "nd-") == ["nd-0", "nd-1", "nd-2"]


@pytest.mark.parametrize(
    ("content", "kind", "query", "status"),
    [
        (b"sku,location\n", "text/csv", {}, 422),
        (b"", "text/csv", {}, 422),
        (b'"a"b,c\n', "text/csv", {}, 422),
        (b"sku,location,quantity\n", "text/csv", {"time": "now"}, 422),
        (b"sku,location,quantity\n", "text/csv", {"source": ""}, 422),
        (b"sku,location,quantity\n", "text/csv", {"type": "GoodsRecieved"}, 422),
        (b"sku,location,quantity\n", "text/csv", {"map": "nothing"}, 422),
        (b"sku,location,quantity\n", "text/plain", {}, 415),
        ("sku,location,quantity\nGrö,DC,1".encode("cp1252"), "text/csv", {}, 400),
        (b"sku,location,quantity\n" + b"x" * 100_000, "text/csv", {}, 400),
    ],
)
def test_a_file_that_cannot_be_read_says_what_to_do(
    client: httpx.Client, content: bytes, kind: str, query: dict[str, str], status: int
) -> None:
    answer = send(client, content, kind, key="k", **query)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.json()["detail"]) > 10


def test_a_long_file_is_streamed_and_every_row_acknowledged(
    settings: Settings, client: httpx.Client
) -> None:
    def parts() -> Iterator[bytes]:
        yield b"sku,location,quantity\n"
        for n in range(100):
            yield b"".join(b"L-%d,DC,%d\n" % (n, m) for m in range(1, 101))

    answer = send(client, parts(), key="long")
    assert (answer.status_code, answer.json()["accepted"]) == (202, 10_000)
    assert len(set(ids(settings, "long/"))) == 10_000


def test_without_kafka_a_file_is_refused_to_be_sent_again(new_environment: NewEnvironment) -> None:
    away = new_environment(kafka={"bootstrap": f"127.0.0.1:{ports.free_port()}"}, topics=False)
    with gateway(away, ready=False) as client:
        answer = send(client, "sku,location,quantity\nA,DC,1\n", key="k")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"


def test_a_key_holds_for_files_too(environment: Settings) -> None:
    told = stockfold_json(environment, "keys", "create", "wms", "--location", "DC", "--yes")
    with gateway(environment) as client:
        client.headers["authorization"] = f"Bearer {told['token']}"
        answer = send(client, "sku,location,quantity\nA,DC,1\nB,STORE,1\n", key="k")
    assert answer.status_code == 207
    assert answer.json()["bad_rows"][0]["kind"] == "not_allowed"
    assert [read.key for read in committed(environment, RECEIPTS)] == [b"A"]


def test_a_file_of_long_rows_waits_for_kafka_and_is_taken(
    settings: Settings, client: httpx.Client
) -> None:
    reason = "r" * 4_000

    def rows() -> Iterator[bytes]:
        yield b"sku,location,delta,reason\n"
        for number in range(10_000):
            yield f"LONG-{number},DC,1,{reason}\n".encode()

    told = send(client, rows(), key="long", type="StockAdjusted")
    assert (told.status_code, told.json()["accepted"]) == (202, 10_000), told.text[:300]
