"""Every ERP sink gives an ERP each order once, whatever is lost on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.erp import Erp, served

from stockfold.domain.errors import ContractError, SettingsError, UnavailableError
from stockfold.orders.sink import Document, OrderSink, deliver, document_of
from stockfold.runtime.embedded.ports import free_port
from stockfold.runtime.order_sinks import FileSink, HttpSink, open_sink
from stockfold.runtime.settings import ErpSettings

Held = Callable[[], list[tuple[str, int]]]


def document(version: int = 1, status: str = "confirmed", order: str = "4711/ä") -> Document:
    return Document("woo", order, version, version, f"woo/{order}", status, "processing", [])


@pytest.fixture(params=["file", "http"])
def erp(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[OrderSink, Held]]:
    """A sink, and what its ERP holds: (order, version)."""
    if request.param == "file":

        def in_files() -> list[tuple[str, int]]:
            found = [json.loads(path.read_bytes()) for path in tmp_path.glob("*/*.json")]
            return [(told["order"], told["version"]) for told in found]

        yield FileSink(tmp_path), in_files
        return
    erp = Erp()
    with served(erp) as url, closing(HttpSink(ErpSettings(kind="http", url=url))) as sink:
        yield sink, lambda: [(told["order"], told["version"]) for told in erp.orders]


def test_an_order_is_made_once_and_brought_up_to_date(erp: tuple[OrderSink, Held]) -> None:
    sink, held = erp
    told = [deliver(sink, document(version)) for version in (1, 1, 3, 2)]
    assert told == ["created", "known", "updated", "known"]
    assert held() == [("4711/ä", 3)]


def test_an_order_that_is_void_is_not_made_but_one_that_is_there_is_told(
    erp: tuple[OrderSink, Held],
) -> None:
    sink, held = erp
    assert deliver(sink, document(1, "released")) == "skipped"
    assert held() == []
    deliver(sink, document(2))
    assert deliver(sink, document(3, "released")) == "updated"
    assert held() == [("4711/ä", 3)]


def test_an_order_whose_answer_was_lost_is_not_made_again() -> None:
    erp = Erp()
    erp.answer_s, erp.loses_answers = 0.3, 1.0
    settings = {"kind": "http", "request_timeout_s": 0.1}
    with served(erp) as url, closing(HttpSink(ErpSettings(**settings, url=url))) as sink:
        with pytest.raises(UnavailableError, match="ReadTimeout"):
            deliver(sink, document())
        assert len(erp.orders) == 1
        assert deliver(sink, document()) == "known"
    assert len(erp.orders) == 1


def test_an_erp_that_is_away_and_one_that_refuses_are_told_apart() -> None:
    erp = Erp()
    erp.refuses.add("4712")
    with served(erp) as url:
        sink = HttpSink(ErpSettings(kind="http", url=url))
        with pytest.raises(ContractError, match=r"422.*unknown customer group"):
            deliver(sink, document(order="4712"))
        erp.away = True
        with pytest.raises(UnavailableError, match="503"):
            deliver(sink, document())
    sink.close()
    nobody = HttpSink(ErpSettings(kind="http", url=f"http://127.0.0.1:{free_port()}"))
    with closing(nobody), pytest.raises(UnavailableError, match="was not reached"):
        deliver(nobody, document())


def test_an_erp_with_two_orders_of_one_name_is_refused() -> None:
    erp = Erp()
    with served(erp) as url, closing(HttpSink(ErpSettings(kind="http", url=url))) as sink:
        sink.create(document())
        sink.create(document())
        with pytest.raises(ContractError, match="it has 2 orders"):
            deliver(sink, document(2))


def test_a_file_that_is_no_order_is_refused(tmp_path: Path) -> None:
    sink = FileSink(tmp_path)
    sink.create(document())
    (path,) = tmp_path.glob("*/*.json")
    path.write_bytes(b"torn")
    with pytest.raises(ContractError, match="is no order"):
        deliver(sink, document(2))


def test_only_what_an_accepted_and_decided_order_says_is_handed_on() -> None:
    record = {
        "channel": "woo",
        "order": "1",
        "version": 3,
        "revision": 1,
        "ledger_order": "woo/1",
        "status": "confirmed",
        "told": "processing",
        "accepted": True,
        "lines": [],
    }
    assert document_of(record) is not None
    for change in (
        {"status": "reserving"},
        {"status": "held", "told": "pending"},
        {"status": "suspended"},
        {"accepted": False},
    ):
        assert document_of({**record, **change}) is None
    void = document_of({**record, "status": "released", "told": "cancelled"})
    assert void is not None
    assert void.is_void


def test_a_sink_without_its_place_is_a_wrong_setting() -> None:
    assert open_sink(ErpSettings()) is None
    with pytest.raises(SettingsError, match=r"erp\.folder"):
        open_sink(ErpSettings(kind="file"))
