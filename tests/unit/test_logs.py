"""Logs: JSON elsewhere, lines on a terminal."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from stockfold.runtime import logs
from stockfold.runtime.log_bursts import LINES_S_MAX, Repeats


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def test_a_record_is_one_line_of_json_with_its_extras() -> None:
    out = io.StringIO()
    logs.configure("ledger", out)
    logging.getLogger("x").info("folded %d", 3, extra={"partition": 2})
    (line,) = out.getvalue().splitlines()
    record = json.loads(line)
    assert record["message"] == "folded 3"
    assert record["partition"] == 2
    assert record["service"] == "ledger"
    assert record["time"].endswith("Z")


def test_an_error_keeps_its_traceback_in_the_same_line() -> None:
    out = io.StringIO()
    logs.configure("ledger", out)
    try:
        int("broken")
    except ValueError:
        logging.getLogger("x").exception("it failed")
    (line,) = out.getvalue().splitlines()
    assert "ValueError: invalid literal" in json.loads(line)["error"]


def test_a_terminal_gets_a_readable_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKFOLD_LOG_FORMAT", "terminal")
    out = io.StringIO()
    logs.configure("ledger", out)
    logging.getLogger("x").warning("late", extra={"sku": "A"})
    assert "WARNING ledger" in out.getvalue()
    assert out.getvalue().endswith("late sku=A\n")


def _of_one(logger: logging.Logger, count: int, level: int = logging.INFO) -> None:
    for number in range(count):
        logger.log(level, "line %d", number, extra={"correlation_id": "woo-de|1041"})


def test_lines_about_single_events_are_bounded_in_a_second_and_their_rest_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moment = 1_000.0
    monkeypatch.setattr("logging.time.time", lambda: moment)
    monkeypatch.setattr("logging.time.time_ns", lambda: int(moment * 1e9), raising=False)
    out = io.StringIO()
    logs.configure("publisher", out)
    logger = logging.getLogger("x")
    _of_one(logger, LINES_S_MAX + 7)
    logger.info("it lives")
    _of_one(logger, 1, logging.WARNING)
    assert len(out.getvalue().splitlines()) == LINES_S_MAX + 2
    moment = 1_001.0
    _of_one(logger, 2)
    told = [json.loads(line).get("left_out") for line in out.getvalue().splitlines()[-2:]]
    assert told == [7, None]


def test_nothing_is_left_out_of_a_log_for_debugging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKFOLD_LOG_LEVEL", "debug")
    out = io.StringIO()
    logs.configure("publisher", out)
    _of_one(logging.getLogger("x"), 3 * LINES_S_MAX)
    assert len(out.getvalue().splitlines()) == 3 * LINES_S_MAX


def test_what_a_server_says_of_each_refusal_is_written_once_a_second() -> None:
    repeats = Repeats()

    def said(text: str, second: int, error: BaseException | None = None) -> logging.LogRecord:
        told = (type(error), error, None) if error else None
        record = logging.LogRecord("x", logging.WARNING, "", 0, text, (), told)
        record.created = second + 0.5
        return record

    first = [said("Exceeded concurrency limit.", 1) for _ in range(5)]
    assert [repeats.filter(record) for record in first] == [True] + [False] * 4
    assert repeats.filter(said("Invalid HTTP request received.", 1))
    later = [said("Exceeded concurrency limit.", second) for second in (2, 3)]
    assert [repeats.filter(record) for record in later] == [True, True]
    assert [getattr(record, "left_out", 0) for record in later] == [4, 0]
    assert all(repeats.filter(said("Exception", 3, OSError())) for _ in range(3))
