"""A stranger against a running gateway: refused with a problem, nothing half taken."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import NewEnvironment
from tests.support.command_line import stockfold, stockfold_json
from tests.support.gateway import BATCH, NOW, STRUCTURED, event, gateway
from tests.support.kafka_io import committed, wait_for
from tests.support.running_ledger import ledger

from stockfold.contracts.topics import EXCEPTIONS, POSITIONS, RECEIPTS
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration

HEAD = b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
FILE = {"type": "GoodsReceived", "source": "/erp/main", "time": NOW}


@pytest.fixture(scope="module")
def settings(new_environment: NewEnvironment) -> Settings:
    return new_environment()


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[httpx.Client]:
    with gateway(settings) as client:
        yield client


def connect(client: httpx.Client) -> socket.socket:
    where = (str(client.base_url.host), client.base_url.port or 0)
    return socket.create_connection(where, timeout=20)


def everything(stranger: socket.socket) -> bytes:
    """What the server says until it hangs up."""
    told = b""
    while part := stranger.recv(65_536):
        told += part
    return told


def problem(told: bytes) -> dict[str, Any]:
    head, _, body = told.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    found: dict[str, Any] = json.loads(body)
    return found


@pytest.mark.parametrize(
    ("request_", "status", "said"),
    [
        (HEAD + b"X: " + b"a" * 20_000 + b"\r\nContent-Length: 9\r\n\r\n", 431, "16384 bytes"),
        (HEAD + b"".join(b"X-%d: a\r\n" % n for n in range(3_000)) + b"\r\n", 431, "headers"),
        (b"GET /" + b"a" * 17_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 431, "Address"),
        (
            HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "not both",
        ),
        (HEAD + b"Content-Length: -5\r\n\r\n", 400, "HTTP/1.1"),
        (HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400, "HTTP/1.1"),
        (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 400, "HTTP/1.1"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"a" * 30_000, 400, "HTTP/1.1"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffffff\r\n", 400, "HTTP/1.1"),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400, "HTTP/1.1"),
        (b"PUT /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n", 405, "/docs"),
    ],
)
def test_what_is_no_good_http_is_refused_as_a_problem(
    client: httpx.Client, request_: bytes, status: int, said: str
) -> None:
    with connect(client) as stranger:
        stranger.sendall(request_)
        stranger.shutdown(socket.SHUT_WR)
        told = everything(stranger)
    assert told.startswith(f"HTTP/1.1 {status} ".encode()), told[:200]
    assert said in problem(told)["detail"]


def test_a_client_that_was_refused_and_goes_on_sending_is_hung_up_on(client: httpx.Client) -> None:
    sent = 0
    with connect(client) as stranger:
        stranger.sendall(HEAD + b"Content-Encoding: br\r\nContent-Length: 99999999999\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while sent < 2_000_000_000:
                stranger.sendall(b"a" * 1_000_000)
                sent += 1_000_000
    assert sent < 100_000_000


def test_a_client_that_does_not_read_its_answers_is_hung_up_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stockfold.runtime.http_protocol.UNREAD_S_MAX", 0.5)
    with gateway(settings) as client, socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        stranger.connect((client.base_url.host, client.base_url.port or 0))
        stranger.settimeout(20)
        asked = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50
        with contextlib.suppress(ConnectionError):
            while True:
                stranger.sendall(asked)
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b",".join([b"{}"] * 1_300_000) + b"]",
        b"[" + b",".join([b"1"] * 2_000_000) + b"]",
        b'{"data":{"sku":[' + b",".join([b"[]"] * 1_300_000) + b"]}}",
        b"[" * 2_000_000,
    ],
)
def test_small_text_that_would_be_much_in_memory_is_refused_unread(
    client: httpx.Client, body: bytes
) -> None:
    refused = client.post("/v1/events", content=body, headers={"content-type": BATCH})
    assert (refused.status_code, refused.json()["title"]) == (400, "Not JSON")
    assert "250000 values" in refused.json()["detail"]


@pytest.mark.parametrize("attribute", ["id", "source", "correlationid"])
def test_control_characters_are_in_no_attribute(client: httpx.Client, attribute: str) -> None:
    told = event(**{attribute: "a\x00b"})
    refused = client.post("/v1/events", json=told, headers={"content-type": STRUCTURED})
    assert refused.status_code == 422
    assert refused.json()["problems"][0]["path"] == f"$.{attribute}"


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("sku,location,quantity\nA,DC,1\n".encode("utf-16"), 400, "UTF-8"),
        ("sku,location,quantity\nGröße,DC,1\n".encode("cp1252"), 400, "UTF-8"),
        (b"sku,location,quantity\rA,DC,1\r", 422, "no CSV"),
        (b"\x00" * 100, 422, "no column"),
        (b"\x1f\x8b\x08" * 100, 415, "gzip"),
        (b",".join(b"c%d" % n for n in range(9_000)) + b"\n1\n", 422, "at most 512"),
        (b"sku,location,quantity,sku\nA,DC,1,B\n", 422, "twice"),
        (b"", 422, "no column"),
    ],
)
def test_a_file_that_is_none_is_refused_whole(
    settings: Settings, client: httpx.Client, text: bytes, status: int, said: str
) -> None:
    before = len(committed(settings, RECEIPTS))
    headers = {"content-type": "text/csv", "idempotency-key": "none"}
    refused = client.post("/v1/files", content=text, params=FILE, headers=headers)
    assert (refused.status_code, said in refused.json()["detail"]) == (status, True), refused.text
    assert len(committed(settings, RECEIPTS)) == before


def test_a_source_of_control_characters_is_none(client: httpx.Client) -> None:
    params = {**FILE, "source": "/erp\n/main"}
    headers = {"content-type": "text/csv"}
    refused = client.post("/v1/files", content=b"sku\n", params=params, headers=headers)
    assert (refused.status_code, refused.json()["title"]) == (422, "Source missing")


def test_others_are_answered_while_a_file_of_nonsense_is_read(client: httpx.Client) -> None:
    def nonsense() -> Iterator[bytes]:
        yield b"sku,location,quantity\n"
        for _ in range(10):
            yield b"A,DC,x\n" * 5_000
            answered.append(client.get("/healthz").status_code)

    answered: list[int] = []
    with httpx.Client(base_url=client.base_url, timeout=60) as stranger:
        told = stranger.post(
            "/v1/files", content=nonsense(), params=FILE, headers={"content-type": "text/csv"}
        )
    assert (told.status_code, told.json()["refused"]) == (207, 50_000)
    assert len(told.json()["bad_rows"]) == 1_000
    assert answered == [200] * 10


def sent(client: httpx.Client, body: bytes) -> int:
    headers = {"content-type": "text/csv", "idempotency-key": "same"}
    return client.post("/v1/files", content=body, params=FILE, headers=headers).status_code


def test_the_same_key_with_another_body_is_told_at_the_desk_and_changes_nothing(
    environment: Settings,
) -> None:
    with gateway(environment) as client, ledger(environment):
        for quantity in (5, 7):
            body = f"sku,location,quantity\nSKU-1,DC,{quantity}\n".encode()
            wait_for("its answer", lambda body=body: sent(client, body) == 202)
        [raised] = wait_for("the conflict", lambda: committed(environment, EXCEPTIONS))
    assert raised.record["kind"] == "payload_conflict"
    assert raised.record["event_id"] == "same/1"
    [case] = stockfold_json(environment, "exceptions", "list")
    shown = stockfold(environment, "exceptions", "show", case["place"])
    assert "row 1 of the file with the Idempotency-Key same" in " ".join(shown.split())
    [position] = [r.record for r in committed(environment, POSITIONS) if r.name == "Position"]
    assert position["on_hand"] == 5


@pytest.mark.parametrize("kind", ["text/csv", "application/x-ndjson", "application/zip"])
def test_a_zip_bomb_as_a_file_is_refused_and_says_what_to_send(
    settings: Settings, client: httpx.Client, tmp_path: Path, kind: str
) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(f"../../../../../../../..{tmp_path}/slipped.csv", bytes(10_000_000))
    before = len(committed(settings, RECEIPTS))
    answer = client.post(
        "/v1/files", params=FILE, content=out.getvalue(), headers={"content-type": kind}
    )
    assert answer.status_code == 415
    assert "ZIP" in answer.text or "text/csv" in answer.text
    assert list(tmp_path.iterdir()) == []
    assert len(committed(settings, RECEIPTS)) == before
