"""No secret in a log, an error or a trace: each path is provoked."""

from __future__ import annotations

import base64
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_plus

import httpx
import pytest
from tests.support.telling import telling

from stockfold.channels import Failure, Purpose, Request, Response
from stockfold.domain.errors import SettingsError
from stockfold.runtime import logs
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.keys import issue
from stockfold.runtime.redaction import MASK, redacted
from stockfold.runtime.secret import SecretRef
from stockfold.runtime.settings import ChannelSettings
from stockfold.runtime.shop_http import Transport, woocommerce
from stockfold.runtime.telemetry.spans import Pipeline
from stockfold.runtime.telemetry_settings import TelemetrySettings

SECRET = 'hush-"hush"+quiet/4711'
KEY = "ck_quiet-key-8f3e"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    hook, threads = sys.excepthook, threading.excepthook
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook, threading.excepthook = hook, threads
    logging.captureWarnings(False)


@pytest.fixture(params=["json", "terminal"])
def out(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    monkeypatch.setenv("STOCKFOLD_LOG_FORMAT", request.param)
    told = io.StringIO()
    logs.configure("api", told)
    return told


@pytest.fixture
def known(tmp_path: Path) -> str:
    """A secret that was resolved once."""
    (tmp_path / "secret").write_text(SECRET)
    return SecretRef(f"file:{tmp_path / 'secret'}").resolve()


log = logging.getLogger("stockfold.test")


def test_a_known_secret_is_masked_however_it_is_written(known: str, out: io.StringIO) -> None:
    basic = base64.b64encode(f"{KEY}:{known}".encode()).decode()
    log.error("asked with %s", known)
    log.error("asked", extra={"with_": {"deep": [known]}})
    log.error("GET /?x=%s", quote_plus(known))
    log.error("header %r and %s", basic, json.dumps({"x": known}))
    try:
        int(known)
    except ValueError:
        log.exception("it failed")
    said = out.getvalue()
    assert "hush" not in said
    assert "quiet/4711" not in said
    assert base64.b64encode(known.encode()).decode()[4:20] not in said
    assert said.count(MASK) >= 6


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("GET /v1/skus?api_key=abcdef012345&x=1", "abcdef012345"),
        ("GET /?consumer_key=ck_0123456789abcdef0123&consumer_secret=zzzz9999", "zzzz9999"),
        ("GET /?oauth_signature=dGhpcyBpcw%3D%3D&oauth_token=tttt1111", "tttt1111"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpw"),
        ("{'authorization': 'Bearer aaaabbbbcccc'}", "aaaabbbbcccc"),
        ('{"password": "correct horse"}', "correct horse"),
        ('{"detail": "{\\"client_secret\\": \\"swordfish\\"}"}', "swordfish"),
        ("postgresql://app:swordfish@db/x", "swordfish"),
        ("Cookie: stockfold=eyJpZCI6.abcdef", "abcdef"),
        ("X-Shopify-Access-Token: shpat_0123456789abcdef0123456789abcdef", "0123456789abcdef"),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl", "c2lnbmF0dXJl"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, secret: str, out: io.StringIO) -> None:
    log.warning("%s", text)
    assert secret not in out.getvalue()
    assert MASK in out.getvalue()


def test_the_token_of_a_key_is_masked_and_its_id_is_left(out: io.StringIO) -> None:
    key, token = issue(name="office", events_per_s=1, body_bytes_max=1, created_at=0, expires_at=1)
    log.warning("refused: GET /v1/skus/%s", token)
    assert token.split("_", 2)[2] not in out.getvalue()
    assert f"sfk_{key.key}_{MASK}" in out.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "refused: a bearer token: DecodeError",
        "no transaction token of partition 3",
        "the secret env:WOO_SECRET is not set",
        "http://127.0.0.1:8080/console/ serves",
        "stockfold.journal.v1 at 12:30:15",
        "partition=3 offset=4711 key=SKU-1",
    ],
)
def test_what_is_no_secret_is_left_as_it_is(text: str) -> None:
    assert redacted(text) == text


def test_a_defect_that_nobody_caught_is_masked(known: str, out: io.StringIO) -> None:
    def fail() -> None:
        raise RuntimeError(known)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    try:
        fail()
    except RuntimeError as error:
        sys.excepthook(RuntimeError, error, error.__traceback__)
    assert out.getvalue().count("unexpected error") == 2
    assert "quiet/4711" not in out.getvalue()


def test_a_missing_secret_is_named_and_a_wrong_file_is_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfesecret-inside")
    with pytest.raises(SettingsError) as raised:
        SecretRef(f"file:{tmp_path / 'binary'}").resolve()
    assert "secret-inside" not in f"{raised.value} {raised.value.__cause__}"


def channel(url: str, secret: str) -> ChannelSettings:
    return ChannelSettings(
        name="woo",
        kind="woocommerce",
        url=url,
        consumer_key=SecretRef(KEY),
        consumer_secret=SecretRef(secret),
    )


async def asked(url: str, secret: str) -> Response | Failure:
    shop = channel(url, secret)
    async with Transport(shop, woocommerce(shop), SYSTEM_CLOCK) as transport:
        return await transport.perform(Request(Purpose.READ, "GET", "/wp-json/wc/v3/products", ()))


async def test_a_shops_error_that_quotes_our_secret_is_kept_without_it(known: str) -> None:
    body = f"cannot check {known} of {KEY}".encode()
    with telling([(401, {}, body)]) as shop:
        answer = await asked(shop.url, known)
    assert isinstance(answer, Response)
    assert answer.body == f"cannot check {MASK} of {MASK}".encode()


async def test_a_shops_good_answer_is_left_as_it_is(known: str) -> None:
    with telling([(200, {}, known.encode())]) as shop:
        answer = await asked(shop.url, known)
    assert isinstance(answer, Response)
    assert answer.body == known.encode()


def test_no_secret_is_in_a_trace(known: str) -> None:
    with telling([(200, {}, b"")] * 4) as collector:
        pipeline = Pipeline(TelemetrySettings(endpoint=collector.url, export_every_s=0.05))
        span = pipeline.starter("api")(None, "ask", "client", {}, None, ())
        span.put({"url": f"http://shop/?x={known}", "count": 3})
        span.end()
        pipeline.flush()
    sent = b"".join(collector.bodies)
    assert b"count" in sent
    assert b"quiet/4711" not in sent


def test_a_strangers_name_begins_no_line_and_moves_no_cursor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STOCKFOLD_LOG_FORMAT", "terminal")
    told = io.StringIO()
    logs.configure("api", told)
    name = "x\n09:00:00 INFO    api          all is well\x1b[2J\u202e"
    log.warning("refused: %s", name)
    [first, second] = told.getvalue().splitlines()
    assert first.endswith("refused: x")
    assert second.startswith("    09:00:00")
    assert "\x1b" not in second
    assert "\u202e" not in second


def test_httpx_says_nothing_of_what_it_asks(out: io.StringIO) -> None:
    with telling([(200, {}, b"")]) as shop:
        httpx.get(f"{shop.url}/?consumer_secret=zzzz9999")
    assert "zzzz9999" not in out.getvalue()
