"""The exception desk in the console, on a real Kafka and a real ledger; PostgreSQL is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from tests.conftest import NewEnvironment
from tests.support.console_page import SAME_ORIGIN, Page, page_of, submit
from tests.support.kafka_io import Sender, committed, wait_for, wait_for_records
from tests.support.running_ledger import ledger

from stockfold.contracts import codec, envelope
from stockfold.contracts.exceptions import encode_exception
from stockfold.contracts.topics import EXCEPTION_RESOLUTIONS, EXCEPTIONS, JOURNAL, RECEIPTS
from stockfold.runtime import audit
from stockfold.runtime.audit import user
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.desk.book import Filter
from stockfold.runtime.desk.following import FollowedDesk
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold_services.api.app import create_app

pytestmark = pytest.mark.integration

AWAY = "postgresql://127.0.0.1:1/nobody"
DESK = "/console/exceptions"


@pytest.fixture
def settings(new_environment: NewEnvironment) -> Settings:
    return new_environment(postgres={"dsn": AWAY})


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings, None)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        yield client
    app.state.bounded.close()


def refused(settings: Settings, *skus: str) -> list[str]:
    """Receipts of -5 as a ledger has refused them; the places of all exceptions."""
    sender = Sender(settings)
    for number, sku in enumerate(skus):
        body = {"sku": sku, "location": "A", "quantity": -5}
        now_us = SYSTEM_CLOCK.now_us()
        name = "stockfold.GoodsReceived"
        told = envelope.Envelope(f"bad-{sku}", "/test/erp", name, now_us, "corr-1")
        value = encode_exception(
            "quantity_out_of_range",
            folded=False,
            reason="quantity is -5; it must be 1 to 10^12",
            remedy="Correct the event and resubmit it.",
            sku=sku,
            source="/test/erp",
            event_id=f"bad-{sku}",
            event_type=name,
            topic=RECEIPTS.name,
            partition=0,
            offset=number,
            recorded_us=now_us,
            correlation_id="corr-1",
            caused_us=now_us,
            key=sku.encode(),
            value=codec.encode(name, body),
            headers=envelope.build(told),
            about=sku,
        )
        sender.raw(EXCEPTIONS, sku.encode(), value, flush=False)
    sender.flush()
    return [f"{read.partition}-{read.offset}" for read in committed(settings, EXCEPTIONS)]


def facts(settings: Settings) -> list[dict]:
    return [r.record for r in committed(settings, JOURNAL) if r.name == "JournalFact"]


async def test_a_refused_event_is_shown_corrected_after_a_preview_and_folded_once(
    settings: Settings, client: httpx.AsyncClient
) -> None:
    (place,) = refused(settings, "S")
    listed = await page_of(client, f"{DESK}?kind=quantity_out_of_range")
    assert place in listed.text
    page = await page_of(client, f"{DESK}/{place}")
    assert "00000000  00 00 00 00" in page.text, "its bytes"
    assert "ce_source" in page.text
    assert "/console/trace/corr-1" in page.links
    action = f"{DESK}/{place}/correct"
    assert page.forms[action]["field.quantity"] == "-5"

    preview, _ = await submit(client, page, action, **{"field.quantity": "5"})
    assert "Nothing has been done yet" in preview.text
    assert "bad-S~c-" in preview.text, "the new id"
    assert committed(settings, EXCEPTION_RESOLUTIONS) == []
    assert audit.changes(settings) == []

    _, answer = await submit(client, preview, action, 303, reason="the note says 5")
    after = await page_of(client, answer.headers["location"])
    assert "it is corrected" in after.text
    (done,) = committed(settings, EXCEPTION_RESOLUTIONS)
    assert (done.record["state"], done.record["reason"]) == ("corrected", "the note says 5")
    assert done.record["by"] == f"{user()} (here)"
    with ledger(settings):
        (fact,) = await asyncio.to_thread(wait_for, "the fact", lambda: facts(settings))
    assert fact["event_id"] == done.record["replacement_event_id"]
    shown = await page_of(client, "/console/audit?command=exceptions&outcome=done")
    assert "exceptions correct" in shown.text
    assert f"{user()} (here)" in shown.text
    (change,) = audit.changes(settings)
    assert (change.command, change.outcome) == ("exceptions correct", "done")


async def test_what_would_be_refused_again_is_told_and_what_was_typed_is_kept(
    settings: Settings, client: httpx.AsyncClient
) -> None:
    (place,) = refused(settings, "S")
    page = await page_of(client, f"{DESK}/{place}")
    action = f"{DESK}/{place}/correct"
    typed = {"field.quantity": "-7", "field.location": "Lübeck & <b>"}
    again, _ = await submit(client, page, action, 422, **typed)
    assert "would be refused again" in again.text
    assert {name: again.forms[action][name] for name in typed} == typed
    unchanged, _ = await submit(client, page, action, 422)
    assert "nothing is corrected" in unchanged.text
    text = {"whole": "on", "body": "{not json"}
    wrong, _ = await submit(client, page, action, 422, **text)
    assert wrong.forms[action]["body"] == "{not json"
    assert committed(settings, EXCEPTION_RESOLUTIONS) == []


async def test_bytes_that_cannot_be_read_are_replaced_by_a_whole_body(
    settings: Settings, client: httpx.AsyncClient
) -> None:
    told = envelope.Envelope("x", "/test/erp", "stockfold.GoodsReceived", SYSTEM_CLOCK.now_us())
    with ledger(settings):
        Sender(settings).raw(RECEIPTS, b"S", b"{oh no", envelope.build(told))
        ((_, _, partition, offset, _),) = await asyncio.to_thread(
            wait_for_records, settings, EXCEPTIONS, 1
        )
        place = f"{partition}-{offset}"
        page = await page_of(client, f"{DESK}/{place}")
        action = f"{DESK}/{place}/correct"
        assert page.forms[action]["whole"] == "on"
        body = '{"sku": "S", "location": "A", "quantity": 3, "condition": "damaged"}'
        preview, _ = await submit(client, page, action, body=body)
        await submit(client, preview, action, 303)
        (fact,) = await asyncio.to_thread(wait_for, "the fact", lambda: facts(settings))
    assert {d["account"] for d in fact["deltas"]} == {"damaged", "supplier"}


async def test_many_are_settled_as_they_were_shown_and_not_those_that_came_since(
    settings: Settings, client: httpx.AsyncClient
) -> None:
    refused(settings, "S", "T", "U")
    listed = await page_of(client, f"{DESK}?kind=quantity_out_of_range")
    action = f"{DESK}/many"
    need, _ = await submit(client, listed, action, 422, act="discard")
    assert "it needs a reason" in need.text
    preview, _ = await submit(client, listed, action, act="discard", reason="a test")
    assert "3 exceptions will be discarded" in preview.text
    refused(settings, "V")
    again, _ = await submit(client, preview, action)
    assert "Meanwhile other exceptions fit" in again.text
    assert "4 exceptions will be discarded" in again.text
    assert committed(settings, EXCEPTION_RESOLUTIONS) == []
    _, answer = await submit(client, again, action, 303)
    after = await page_of(client, answer.headers["location"])
    assert "4 exceptions discarded." in after.text
    assert {r.record["state"] for r in committed(settings, EXCEPTION_RESOLUTIONS)} == {"discarded"}
    (change,) = audit.changes(settings)
    assert (change.command, change.subject) == ("exceptions discard", "4 exceptions")


async def test_a_resubmission_goes_out_as_it_was(
    settings: Settings, client: httpx.AsyncClient
) -> None:
    (place,) = refused(settings, "S")
    page = await page_of(client, f"{DESK}/{place}")
    preview, _ = await submit(client, page, f"{DESK}/{place}/resubmit")
    await submit(client, preview, f"{DESK}/{place}/resubmit", 303)
    (raised,) = committed(settings, EXCEPTIONS)
    reader = PartitionReader(settings)
    sent = [record for p in (0, 1) for batch in reader.read(RECEIPTS, p) for record in batch]
    assert [(record.key(), record.value()) for record in sent] == [(b"S", raised.record["value"])]
    shown = await page_of(client, f"{DESK}/{place}")
    assert "resubmitted already" in shown.text


async def test_pages_of_the_list_have_neither_gaps_nor_repeats_and_filters_narrow_it(
    settings: Settings, client: httpx.AsyncClient
) -> None:
    skus = [f"K-{number:03}" for number in range(120)]
    places = refused(settings, *skus)
    found: list[str] = []
    path = f"{DESK}?state=open"
    while path:
        answer = await client.get(path, headers={"accept": "text/html"})
        links = [part.split('"')[0] for part in answer.text.split(f'href="{DESK}/')[1:]]
        found += [link for link in links if link in set(places)]
        more = answer.text.partition('rel="next" href="')[2].partition('"')[0]
        path = more.replace("&amp;", "&")
    assert len(found) == 120
    assert set(found) == set(places)
    few = FollowedDesk(settings, rows_max=10).page(Filter(), 50)
    assert (len(few.cases), few.is_whole) == (10, False), "the newest, and it says so"
    only = await page_of(client, f"{DESK}?sku=K-007")
    assert "1 exception" in only.text
    nothing = await page_of(client, f"{DESK}?since=2100-01-01T00:00:00Z")
    assert "No exception is like that" in nothing.text
    await page_of(client, f"{DESK}?since=yesterday", 503)


async def test_a_form_from_elsewhere_or_without_its_token_does_nothing(
    settings: Settings, client: httpx.AsyncClient
) -> None:
    (place,) = refused(settings, "S")
    action = f"{DESK}/{place}/discard"
    page = await page_of(client, f"{DESK}/{place}")
    fields = page.forms[action] | {"step": "do", "reason": "mine"}
    cross_site = {"origin": "http://api", "sec-fetch-site": "cross-site"}
    for headers in ({}, {"origin": "http://evil.example"}, cross_site):
        foreign = await client.post(action, data=fields, headers=headers)
        assert foreign.status_code == 403, headers
    without = await client.post(action, data=fields | {"csrf": "0" * 64}, headers=SAME_ORIGIN)
    assert without.status_code == 403
    assert committed(settings, EXCEPTION_RESOLUTIONS) == []
    assert audit.changes(settings) == []


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</textarea><svg onload=alert(1)>",
    "{{ 7*7 }}{% raw %}",
    "javascript:alert(1)",
    "safe\u202egnp.exe",
)


async def test_what_a_stranger_wrote_is_text_wherever_it_is_shown(
    settings: Settings, client: httpx.AsyncClient
) -> None:
    evil = "".join(HOSTILE)
    told = [
        ("ce_specversion", b"1.0"),
        ("ce_id", evil.encode()),
        ("ce_source", evil.encode()),
        ("ce_type", b"stockfold.GoodsReceived"),
        ("correlationid", evil.encode()),
        (evil, evil.encode()),
    ]
    body = b'{"sku": "' + evil.replace('"', '\\"').encode() + b'", "quantity": "<b>x</b>"}'
    with ledger(settings):
        sender = Sender(settings)
        sender.raw(RECEIPTS, evil.encode(), body, told)
        sender.raw(RECEIPTS, evil.encode(), b"\x00\xff<script>" + evil.encode(), told)
        raised = await asyncio.to_thread(wait_for_records, settings, EXCEPTIONS, 2)
    paths = [DESK, f"{DESK}?sku={HOSTILE[0]}", f"{DESK}?state={HOSTILE[1]}&kind={HOSTILE[2]}"]
    paths += [f"{DESK}/{read.partition}-{read.offset}" for read in raised]
    for path in paths:
        answer = await client.get(path, headers={"accept": "text/html"})
        harmless(answer)
    for read in raised:
        place = f"{read.partition}-{read.offset}"
        page = await page_of(client, f"{DESK}/{place}")
        mine = "".join(HOSTILE[:-1])
        typed = {"field.location": mine, "body": mine, "reason": mine}
        answer = await client.post(
            f"{DESK}/{place}/correct",
            data=page.forms[f"{DESK}/{place}/correct"] | typed,
            headers=SAME_ORIGIN | {"accept": "text/html"},
        )
        harmless(answer)
        preview, answer = await submit(client, page, f"{DESK}/{place}/discard", reason=mine)
        harmless(answer)
        await submit(client, preview, f"{DESK}/{place}/discard", 303, reason=evil)
        harmless(await client.get(f"{DESK}/{place}", headers={"accept": "text/html"}))
    harmless(await client.get("/console/audit", headers={"accept": "text/html"}))


def harmless(answer: httpx.Response) -> None:
    """Nothing runs: one script, our own; no handler, no other element than ours, no 49."""
    page = Page(answer.text)
    assert len(page.scripts) == 1, answer.text
    assert page.scripts[0].startswith("/console/static/console.js")
    assert page.handlers == []
    assert not page.tags & {"img", "svg", "b", "iframe", "object", "embed", "base"}
    assert "\u202e" not in answer.text
    assert "{{ 7*7 }}" in answer.text or "49{%" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
