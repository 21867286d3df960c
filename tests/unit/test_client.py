"""The producer's client without a broker: what it checks, and what it would send."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from infra.generate.client_events import PATH, render

from stockfold.client import AsyncClient, Client, events
from stockfold.client.event import Event
from stockfold.contracts.codec import decode
from stockfold.contracts.envelope import parse
from stockfold.contracts.topics import INPUTS
from stockfold.domain.errors import ContractError
from stockfold.domain.times import to_us

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
RECEIPT = events.GoodsReceived(
    sku="SKU-1", location="DC", quantity=5, document="GRN-1", document_line="2"
)


@pytest.fixture
def client() -> Client:
    return Client("nowhere:1", "/erp/main", prefix="qa.", dry_run=True)


def test_the_event_types_are_those_of_the_schemas() -> None:
    assert PATH.read_text("utf-8") == render(), "run: python -m infra.generate.client_events"


def test_there_is_a_class_for_every_input() -> None:
    names = {schema for topic in INPUTS for schema in topic.schemas}
    assert {cls.type_name() for cls in Event.__subclasses__()} >= names


def test_a_receipt_becomes_a_keyed_record_with_cloudevents_headers(client: Client) -> None:
    sent = client.send(RECEIPT, occurred_at=NOON, correlation_id="c", sequence=7, corrects="old")
    told = parse(sent.headers)
    assert (sent.topic, sent.key) == ("qa.stockfold.receipts.v1", b"SKU-1")
    assert (told.source, told.type) == ("/erp/main", "stockfold.GoodsReceived")
    assert (told.time_us, told.correlation_id, told.sequence) == (to_us(NOON), "c", 7)
    assert told.corrects == "old"
    body = decode(sent.value)[1]
    assert (body["quantity"], body["condition"], body["inbound"]) == (5, "on_hand", None)


def test_the_id_follows_from_document_line_and_revision(client: Client) -> None:
    first = client.send(RECEIPT, occurred_at=NOON).event_id
    assert first == "GoodsReceived/SKU-1/GRN-1/2/0"
    assert client.send(RECEIPT, occurred_at=NOON + timedelta(hours=1)).event_id == first
    assert client.send(RECEIPT, occurred_at=NOON, revision=1).event_id != first
    assert client.send(RECEIPT, occurred_at=NOON, event_id="mine").event_id == "mine"


def test_parts_of_ids_cannot_run_into_each_other(client: Client) -> None:
    def event_id(document: str, line: str) -> str:
        event = events.GoodsReceived(
            sku="S", location="DC", quantity=1, document=document, document_line=line
        )
        return client.send(event, occurred_at=NOON).event_id

    assert event_id("a/b", "c") != event_id("a", "b/c")
    assert len(event_id("ä" * 200, "ü" * 200)) <= 512


def test_an_inbound_line_is_named_by_its_own_revision(client: Client) -> None:
    def event_id(revision: int) -> str:
        event = events.InboundExpected(
            sku="S", inbound="PO", line="1", location="DC", quantity=1, revision=revision
        )
        return client.send(event, occurred_at=NOON).event_id

    assert (event_id(3), event_id(4)) == ("InboundExpected/S/PO/1/3", "InboundExpected/S/PO/1/4")


def test_an_event_without_document_needs_an_id(client: Client) -> None:
    event = events.GoodsReceived(sku="S", location="DC", quantity=1)
    with pytest.raises(ContractError, match="no event id") as told:
        client.send(event, occurred_at=NOON)
    assert told.value.kind == "missing_id"
    assert "GoodsReceived(sku='S'" in told.value.where
    assert "event_id" in told.value.remedy


@pytest.mark.parametrize(
    ("changes", "kind", "what"),
    [
        ({"quantity": 0}, "quantity_out_of_range", "quantity is 0"),
        ({"quantity": "5"}, "unencodable", r"\$\.quantity"),
        ({"quantity": 1.5}, "unencodable", r"\$\.quantity"),
        ({"location": "A|B"}, "bad_identifier", r"no \|"),
        ({"location": None}, "unencodable", r"\$\.location"),
        ({"condition": "new"}, "unencodable", r"\$\.condition"),
    ],
)
def test_what_the_ledger_would_refuse_is_refused_here(
    client: Client, changes: dict, kind: str, what: str
) -> None:
    fields = {"sku": "S", "location": "DC", "quantity": 1, **changes}
    with pytest.raises(ContractError, match=what) as told:
        client.send(events.GoodsReceived(**fields), occurred_at=NOON, event_id="e")
    assert told.value.kind == kind
    assert "GoodsReceived" in str(told.value)
    assert told.value.remedy


def test_a_time_without_a_zone_is_refused(client: Client) -> None:
    naive = datetime(2026, 11, 1)  # noqa: DTZ001  (that is the point)
    with pytest.raises(ContractError, match="occurred_at"):
        client.send(RECEIPT, occurred_at=naive)
    expected = events.InboundExpected(
        sku="S", inbound="P", line="1", location="DC", quantity=1, revision=1, eta=naive
    )
    with pytest.raises(ContractError, match="eta"):
        client.send(expected, occurred_at=NOON)


def test_names_that_python_keeps_for_itself_days_and_nested_records_arrive(client: Client) -> None:
    moved = events.StockStatusChanged(
        sku="S", location="DC", from_="on_hand", to="damaged", quantity=1
    )
    assert decode(client.send(moved, occurred_at=NOON, event_id="m").value)[1]["from"] == "on_hand"
    reserve = events.ReserveStock(
        sku="S",
        reservation="R",
        order="O",
        line="1",
        channel="web",
        quantity=1,
        locations=["DC"],
        needed_on=date(1970, 1, 3),
        supply_line=events.SupplyLine(inbound="PO", line="1"),
        expires_at=NOON.astimezone(timezone(timedelta(hours=2))),
    )
    body = decode(client.send(reserve, occurred_at=NOON, event_id="r").value)[1]
    assert body["needed_on"] == 2
    assert body["supply_line"] == {"inbound": "PO", "line": "1"}
    assert body["expires_at"] == to_us(NOON)


async def test_the_asynchronous_client_prepares_the_same(client: Client) -> None:
    async with AsyncClient("nowhere:1", "/erp/main", prefix="qa.", dry_run=True) as other:
        assert await other.send(RECEIPT, occurred_at=NOON) == client.send(RECEIPT, occurred_at=NOON)
